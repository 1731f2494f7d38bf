package view

import (
	"slices"
	"strings"
	"time"

	"standfast/internal/core/proofing"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
)

// CasesPage is the list of cases, with the form that takes a reference.
type CasesPage struct {
	List                     []proofing.Case
	Reference, Done, Problem string
}

// CaseForm is the form of a new case, and its second look.
type CaseForm struct {
	Content proofing.Content
	Minimum int
	Problem string
	Prompt  staff.Prompt // of the second look
}

func (d CaseForm) checked(p proofing.Proof) bool { return slices.Contains(d.Content.Proofs, p) }
func (d CaseForm) lost(l string) bool            { return slices.Contains(d.Content.Lost, l) }

// CasePage is one case. The prompts are there for who may decide.
type CasePage struct {
	Case            proofing.Case
	Decides         bool
	Approve, Refuse staff.Prompt
	Done, Problem   string
}

// reference is written as members read it out.
func reference(c proofing.Content) string {
	return signin.InGroups(strings.NewReplacer(" ", "", "-", "").Replace(c.Reference))
}

func (f Frame) caseState(s proofing.State) (words, class string) {
	return f.T("console.case-state." + string(s)), map[proofing.State]string{proofing.Submitted: "late", proofing.Approved: "good", proofing.Done: "good",
		proofing.Refused: "bad", proofing.Stopped: "bad"}[s]
}

func (f Frame) proofs(list []proofing.Proof) []string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = f.T("console.proof." + string(p))
	}
	return words
}

// lost says which factors end, or that none does.
func (f Frame) lost(list []string) []string {
	if len(list) == 0 {
		return []string{f.T("console.lost-none")}
	}
	words := make([]string, len(list))
	for i, l := range list {
		words[i] = f.T("console.lost." + l)
	}
	return words
}

func (f Frame) orBefore(address string) string {
	if address == "" {
		return f.T("console.as-before")
	}
	return address
}

func (f Frame) by(name string, at time.Time) string {
	return f.T("console.by", "Name", name, "Time", f.DateTime(at))
}
