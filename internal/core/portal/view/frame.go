// Package view is the member portal's pages: templ components that take typed
// data and know nothing of services. Every page is a frame (who is looking, in
// which language, with which notices) and its own data.
package view

import (
	"strings"
	"time"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/static"
	"standfast/internal/text"
)

// Cell is what pages say about the issuer's cell.
type Cell struct {
	Name      string // the brand, as "Standfast"
	Telephone string // as people read it, "1 800 555 0100"
}

// Region is one site of the issuer's, for members of one part of the world.
type Region struct {
	Name  string // as in the configuration, "gb"
	Label string // as people read it, "United Kingdom"
	URL   string // its origin
	Here  bool   // it is the site that one is on
}

// Notice is one banner: what is wrong, and what works nevertheless.
type Notice struct {
	ID     string
	Title  string
	Detail string
	AsOf   time.Time
}

// Section is the item of the menu that a page belongs to.
type Section int

// The menu's items. Elsewhere is a page that none of them leads to.
const (
	Elsewhere Section = iota
	AtHome
	AtPay
	AtTransfer
	AtPayments
	AtProfile
)

// Frame is what every page needs beside its own data.
type Frame struct {
	*text.Printer
	Cell     Cell
	Files    *static.Files
	Locales  []string
	Here     string // path and query of this page; the language switch returns to it
	SignedIn bool
	Session  SessionClock
	Restored bool // what was typed before signing in again is back
	Section  Section
	Regions  []Region // all sites, this one too; empty where there is no other
	Chosen   Region   // the other site that was chosen here before; zero for none
	Notices  []Notice
	Now      time.Time
}

// Title is the document's title: where one is, then whose pages these are. A
// page that was refused says so first, as screen readers read the title first.
func (f Frame) Title(page string, refused bool) string {
	if refused {
		return f.T("frame.title-refused", "Page", page, "Brand", f.Cell.Name)
	}
	return f.T("frame.title", "Page", page, "Brand", f.Cell.Name)
}

// TelephoneLink is the cell's number as a tel: address.
func (f Frame) TelephoneLink() string {
	return "tel:" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, f.Cell.Telephone)
}

// language is one entry of the language switch.
type language struct{ Locale, Name string }

// otherLanguages are the languages that this page could be read in instead,
// each by its own name.
func (f Frame) otherLanguages() []language {
	var list []language
	for _, l := range f.Locales {
		if l != f.Locale() {
			list = append(list, language{l, f.T("language.name." + l)})
		}
	}
	return list
}

// item is one entry of the menu.
type item struct {
	Section Section
	Page    route.Page
	Label   string
	Icon    string // the path of a 24×24 drawing of ours
}

func (f Frame) menu() []item {
	return []item{
		{AtHome, route.Dashboard, f.T("menu.home"), "M4 11l8-7 8 7v9h-5v-6H9v6H4z"},
		{AtPay, route.Pay, f.T("menu.pay"), "M3 6h18v12H3zM3 10h18M7 14.5h4"},
		{AtTransfer, route.Transfer, f.T("menu.transfer"), "M4 9h14l-4-4M20 15H6l4 4"},
		{AtPayments, route.Payments, f.T("menu.payments"), "M6 3h12v18l-3-2-3 2-3-2-3 2zM9.5 8h5M9.5 12h5"},
		{AtProfile, route.Profile, f.T("menu.profile"), "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.7-3.4 3.7-5 7.500-5s6.800 1.600 7.500 5"},
	}
}

// Problem is one thing that is wrong with a form. Field is the id of the control
// to go to; empty when the form as a whole was refused.
type Problem struct {
	Field   string
	Message string
}

// Problems are all that is wrong with a form, in the order of its fields.
type Problems []Problem

// Of gives the sentence for one control, or "".
func (p Problems) Of(field string) string {
	for _, q := range p {
		if q.Field == field {
			return q.Message
		}
	}
	return ""
}

// describedBy is the aria-describedby of a control: its hint, then its problem.
func (p Problems) describedBy(field string, hint bool) string {
	var ids []string
	if hint {
		ids = append(ids, field+"-hint")
	}
	if p.Of(field) != "" {
		ids = append(ids, field+"-problem")
	}
	return strings.Join(ids, " ")
}
