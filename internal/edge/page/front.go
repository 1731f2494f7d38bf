package page

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"standfast/internal/edge/proxy"
	"standfast/internal/fault"
)

// Choose answers at the host that belongs to no cell: where each region's site is.
// It sets no cookie and sends nobody on by itself; programs are told that nothing
// is served here.
func (p *Pages) Choose(w http.ResponseWriter, r *http.Request, f proxy.Front) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Accept-Language")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case !wantsPage(r) || r.Method != http.MethodGet && r.Method != http.MethodHead:
		fault.WriteProblem(w, notHere(f))
	case r.URL.Path != "/":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		p.front(w, r, f)
	}
}

func (p *Pages) front(w http.ResponseWriter, r *http.Request, f proxy.Front) {
	var locales []string
	var list []region
	for _, c := range f.Cells {
		locales = append(locales, c.Locales...)
		list = append(list, regionOf(c))
	}
	v := view{Printer: p.printer(r, proxy.Cell{Locales: locales}), Brand: f.Brand, CSS: p.css, Icon: p.icon}
	v.Title, v.Text = v.T("region.title"), v.T("edge.front")
	var b bytes.Buffer
	if err := choose(v, list).Render(context.WithoutCancel(r.Context()), &b); err != nil {
		fault.WriteProblem(w, notHere(f))
		return
	}
	p.headers(w.Header(), r, v, proxy.Apology{})
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes())
}

func regionOf(c proxy.Cell) region {
	r := region{Label: c.Label, Telephone: c.Telephone, To: templ.SafeURL(strings.TrimSuffix(c.URL, "/") + "/")}
	if len(c.Locales) > 0 {
		r.Locale = c.Locales[0]
	}
	if u, err := url.Parse(c.URL); err == nil {
		r.Host = u.Host
	}
	return r
}

// notHere tells a program which sites there are.
func notHere(f proxy.Front) error {
	e := fault.New(fault.NotFound, "edge.no-region", "Nothing is served at this host. Each region has one of its own.")
	regions := map[string]string{}
	for _, c := range f.Cells {
		regions[c.Name] = c.URL
	}
	e.Extra = map[string]any{"regions": regions}
	return e
}
