package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// takeBody reads the whole body before anything travels further: a slow client
// then holds no place at a target, and what goes on has one length that is ours,
// whatever framing it came in. It is false when the request was answered here.
func (x *exchange) takeBody() bool {
	if reads(x.in.Method) || x.in.Body == nil || x.in.Body == http.NoBody {
		return true // content of a GET has no meaning (RFC 9110 section 9.3.1) and goes no further
	}
	chunked := x.in.ContentLength < 0
	if chunked && x.in.ProtoMajor == 1 {
		// A length that came beside the chunks is gone by now, and somebody between
		// the client and us may have believed it: nothing after this request is
		// read from this connection (RFC 9112 section 6.1).
		x.w.Header().Set("Connection", "close")
	}
	limit := x.p.Limits.maxBody(x.in.URL.Path)
	if x.in.ContentLength > limit {
		x.refuseBody(TooLarge)
		return false
	}
	var err error
	if x.body, err = readBody(x.in, limit); err == nil && int64(len(x.body)) > limit {
		x.refuseBody(TooLarge)
		return false
	}
	return err == nil || x.unreadable(err)
}

// believed is the announced length that room is made for before it has arrived.
const believed = 16 << 10

// readBody reads at most one byte more than limit.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if n := r.ContentLength; n >= 0 && n <= believed {
		b := make([]byte, n)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	return io.ReadAll(io.LimitReader(r.Body, limit+1))
}

// What a client that was refused may still send before its connection ends: one
// that writes all before it reads would otherwise meet a reset in place of the answer.
const (
	lingerBytes = 4 << 20
	lingerTime  = 2 * time.Second
)

func (x *exchange) refuseBody(why Reason) {
	x.start = x.p.Now()
	x.w.Header().Set("Connection", "close")
	c := http.NewResponseController(x.w)
	_ = c.EnableFullDuplex() // HTTP/2 always is
	x.apologize(why)
	if why != TooLarge || c.Flush() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, x.in.Body, lingerBytes)
}

// unreadable answers a body that did not arrive as announced; always false. The
// request's context is no help here: net/http ends it with the failed read.
func (x *exchange) unreadable(err error) bool {
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		x.refuseBody(TooSlow)
		return false
	}
	refuse(x.w, http.StatusBadRequest, "The request's content cannot be read.")
	return false
}

// attach gives the request behind its body. GetBody lets net/http send it again
// on a fresh connection where nothing was written on a resting one that had
// just closed, or where an Idempotency-Key makes a repeat safe.
func (x *exchange) attach(out *http.Request) {
	if x.body == nil {
		return
	}
	out.ContentLength = int64(len(x.body))
	if len(x.body) == 0 {
		out.Body = http.NoBody
		return
	}
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.body)), nil }
	out.Body = io.NopCloser(bytes.NewReader(x.body))
}

// newBuffer makes what answers are copied through. Nearly all of ours fit into it.
func newBuffer() any { b := make([]byte, 64<<10); return &b }

// copyBody passes an answer's body on, and gives the place at the target back as soon as
// all of it is here: a slow reader holds none. waited is how long the member took to read,
// lost why the target's end broke off, gone why the member's did.
func (p *Proxy) copyBody(w http.ResponseWriter, a answer) (waited time.Duration, lost, gone error) {
	if a.ContentLength == 0 || a.Body == http.NoBody {
		return 0, nil, nil
	}
	events := strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream")
	buf := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(buf)
	for {
		n, err := read(a.Body, *buf, events)
		if err == io.EOF {
			a.place.leave()
		}
		if n > 0 {
			since := p.Now()
			_, gone = w.Write((*buf)[:n])
			if waited += p.Now().Sub(since); gone != nil {
				return waited, nil, gone
			}
			if events {
				_ = http.NewResponseController(w).Flush() // what cannot flush is sent at the end
			}
		}
		if err == io.EOF {
			return waited, nil, nil
		}
		if err != nil {
			return waited, err, nil
		}
	}
}

// read fills the buffer, as far as there is something; of events it takes what is there.
func read(body io.Reader, buf []byte, events bool) (n int, err error) {
	for n < len(buf) && err == nil {
		var more int
		more, err = body.Read(buf[n:])
		if n += more; events && n > 0 {
			break
		}
	}
	return n, err
}
