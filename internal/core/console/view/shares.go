package view

import (
	"standfast/internal/core/staff"
	"standfast/internal/core/traffic"
	"standfast/internal/steer"
)

// SharePage is a word on a share, as its form and as its review show it.
type SharePage struct {
	traffic.View
	Word    traffic.Share
	Typed   string // the share as it was typed
	Problem string
	Prompt  staff.Prompt // of the review
}

// mayShare tells whether the page offers to set shares.
func (d RoutingPage) mayShare(f Frame) bool { return f.Session.May(staff.ShareRouting) && !d.Silent }

// turns tells whether the word makes the build that all members have left the newer one.
func (d SharePage) turns() bool {
	for _, p := range d.Now.Processes {
		if p.Side == steer.Core {
			return p.Build == d.Word.Build // the first of them is the older one
		}
	}
	return false
}

// shareFollows says what comes of exactly this share.
func (f Frame) shareFollows(d SharePage) string {
	p, to := d.Now.Build(d.Word.Build), f.share(d.Word.Share)
	switch {
	case p == nil && d.Word.Share == 0:
		return f.T("console.share.exercise-ends")
	case p == nil:
		return f.T("console.share.exercise-then", "Share", to)
	case d.Word.Share > p.Share:
		return f.T("console.share.grows", "Name", d.Word.Build, "Share", to)
	case d.Word.Share < p.Share:
		return f.T("console.share.falls", "Name", d.Word.Build, "Share", to)
	}
	return f.T("console.share.stays", "Name", d.Word.Build, "Share", to)
}
