package house

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

const (
	maxFunction = 70  // lines, from func to its closing brace
	maxFile     = 700 // lines
)

// A longer function or file says why in a comment that begins with "long:".
func TestFunctionsAndFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if n := s.fset.File(s.file.Pos()).LineCount(); n > maxFile && !s.excused(s.file) {
			t.Errorf("%s has %d lines, at most %d", s.path, n, maxFile)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.line(f.End()) - s.line(f.Type.Pos()) + 1; n > maxFunction && !s.excused(f) {
				t.Errorf("%s:%d: %s has %d lines, at most %d", s.path, s.line(f.Pos()), f.Name.Name, n, maxFunction)
			}
		}
	}
}

func (s source) line(p token.Pos) int { return s.fset.Position(p).Line }

func (s source) excused(n ast.Node) bool {
	for _, group := range s.file.Comments {
		inside := group.Pos() >= n.Pos() && group.End() <= n.End()
		if f, ok := n.(*ast.FuncDecl); ok && group == f.Doc {
			inside = true
		}
		if f, ok := n.(*ast.File); ok {
			inside = len(f.Decls) == 0 || group.End() < f.Decls[0].Pos()
		}
		for _, c := range group.List {
			if inside && strings.HasPrefix(c.Text, "// long: ") {
				return true
			}
		}
	}
	return false
}
