package house

import (
	"go/ast"
	"go/token"
	"path"
	"testing"
)

// Tests that sleep are slow when they pass and wrong when the machine is busy:
// they wait for the event itself, or move an injected clock.
func TestNoTestSleeps(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && sel.Sel.Name == "Sleep" {
				t.Errorf("%s:%d: a test sleeps", s.path, s.line(sel.Pos()))
			}
			return true
		})
	}
}

// Variables of a package are set where they are declared and never again: what
// changes belongs to a value that somebody made and owns.
func TestPackagesKeepNoMutableState(t *testing.T) {
	declared := map[string]map[string]bool{} // folder → names
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		dir := path.Dir(s.path)
		if declared[dir] == nil {
			declared[dir] = map[string]bool{}
		}
		for _, d := range s.file.Decls {
			for _, name := range variables(d) {
				declared[dir][name] = true
			}
		}
	}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			own := locals(f)
			for _, target := range assigned(f) {
				if name := rootName(target); name != "_" && declared[path.Dir(s.path)][name] && !own[name] {
					t.Errorf("%s:%d: %s belongs to the package and is changed here", s.path, s.line(target.Pos()), name)
				}
			}
		}
	}
}

func variables(d ast.Decl) (names []string) {
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.VAR {
		return nil
	}
	for _, spec := range g.Specs {
		for _, id := range spec.(*ast.ValueSpec).Names {
			names = append(names, id.Name)
		}
	}
	return names
}

// assigned lists what a function's statements assign to.
func assigned(f *ast.FuncDecl) (list []ast.Expr) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				list = append(list, n.Lhs...)
			}
		case *ast.IncDecStmt:
			list = append(list, n.X)
		}
		return true
	})
	return list
}

// rootName gives x of x, x.f, x[i] and *x.
func rootName(e ast.Expr) string {
	switch v := e.(type) {
	case *ast.Ident:
		return v.Name
	case *ast.SelectorExpr:
		return rootName(v.X)
	case *ast.IndexExpr:
		return rootName(v.X)
	case *ast.StarExpr:
		return rootName(v.X)
	case *ast.ParenExpr:
		return rootName(v.X)
	}
	return ""
}

// locals gives the names that a function declares anywhere inside.
func locals(f *ast.FuncDecl) map[string]bool {
	set := map[string]bool{}
	add := func(list ...ast.Expr) {
		for _, e := range list {
			if id, ok := e.(*ast.Ident); ok {
				set[id.Name] = true
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field: // receivers, parameters, results
			for _, id := range n.Names {
				set[id.Name] = true
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				set[id.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				add(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key, n.Value)
			}
		}
		return true
	})
	return set
}
