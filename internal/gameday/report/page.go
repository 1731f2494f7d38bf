package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"time"
)

//go:embed page.html
var pageText string

// page is the report for people: every figure with its bound, and for each
// journey a drawing of its seconds with the table that the drawing is made from.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"value": (*Figure).value, "verdict": (*Figure).verdict, "passed": verdict, "bound": (*Figure).bound,
	"met":     func(f *Figure) bool { return f.Met == nil || *f.Met },
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"share":   func(s Second) string { return percent(share(s)) },
	"ms":      func(s float64) string { return fmt.Sprintf("%.0f ms", 1000*s) },
	"drawing": func(a Act) drawing { return a.draw() },
}).Parse(pageText))

// WritePage writes the report as one file that needs no other.
func (r *Report) WritePage(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := page.Execute(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
