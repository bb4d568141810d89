package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestNoSleepingTests: a sleep in a test is a guess at a machine's speed. It is
// none between the tries of a loop that has a deadline, nor in a synctest
// bubble, where time is the test's own.
//
// A test is in a bubble where it calls synctest.Test, or a function beside it
// that does. A helper may sleep if its package has a bubble to call it from.
func TestNoSleepingTests(t *testing.T) {
	folders := map[string][]*source{}
	for _, s := range sources(t) {
		if s.isTest() {
			folders[path.Dir(s.name)] = append(folders[path.Dir(s.name)], s)
		}
	}
	for _, files := range folders {
		bubbles := bubblesOf(files)
		for _, s := range files {
			for _, decl := range s.file.Decls {
				if len(bubbles) > 1 && !isTestFunc(decl) {
					continue
				}
				for _, sleep := range sleeps(decl, bubbles) {
					t.Errorf("%s:%d: time.Sleep in a test: poll with a deadline, or use testing/synctest", s.name, s.line(sleep.Pos()))
				}
			}
		}
	}
}

// bubblesOf names what starts a bubble: synctest.Test, and every function that
// calls it.
func bubblesOf(files []*source) map[string]bool {
	const start = "synctest.Test"
	bubbles := map[string]bool{start: true}
	for _, s := range files {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && called(call) == start {
					bubbles[f.Name.Name] = true
				}
				return true
			})
		}
	}
	return bubbles
}

// sleeps finds the calls of time.Sleep that stand in no bubble and no poll.
func sleeps(decl ast.Decl, bubbles map[string]bool) []*ast.CallExpr {
	var found []*ast.CallExpr
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt:
			return !asksTheTime(n.Cond)
		case *ast.CallExpr:
			if called(n) == "time.Sleep" {
				found = append(found, n)
			}
			return !bubbles[called(n)]
		}
		return true
	})
	return found
}

// asksTheTime says whether a loop's condition has a deadline in it.
func asksTheTime(cond ast.Expr) bool {
	asks := false
	if cond != nil {
		ast.Inspect(cond, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				asks = asks || slices.Contains([]string{"time.Now", "time.Since", "time.Until"}, called(call))
			}
			return true
		})
	}
	return asks
}

// called is the name of what is called: f, pkg.F or x.Method.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

func isTestFunc(decl ast.Decl) bool {
	f, ok := decl.(*ast.FuncDecl)
	return ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test")
}
