package view

import (
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the margin around a QR code, in modules (ISO/IEC 18004 §6.3.8).
const quiet = 4

// qrCode is a QR code ready to be drawn: a square of modules, the dark ones of
// each row drawn as strokes of one path.
type qrCode struct {
	size int
	path string
}

// drawQR encodes text. Only text that is too long for any QR code gives an error.
func drawQR(text string) (qrCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return qrCode{}, err
	}
	n := code.Bounds().Dx()
	var b strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			from := x
			for x < n && dark(code.At(x, y)) {
				x++
			}
			if x > from {
				b.WriteString("M" + strconv.Itoa(from+quiet) + " " + strconv.Itoa(y+quiet) + "h" + strconv.Itoa(x-from) + "v1h-" + strconv.Itoa(x-from) + "z")
			}
		}
	}
	return qrCode{size: n + 2*quiet, path: b.String()}, nil
}

func dark(c interface{ RGBA() (r, g, b, a uint32) }) bool {
	r, _, _, _ := c.RGBA()
	return r < 0x8000
}

// box is the drawing's viewBox.
func (q qrCode) box() string {
	n := strconv.Itoa(q.size)
	return "0 0 " + n + " " + n
}
