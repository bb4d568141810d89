package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// The limits of what one reader holds in the head at once.
const (
	maxFileLines     = 500
	maxFunctionLines = 80
)

func TestSizes(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		if n := s.line(s.file.FileEnd - 1); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: it is two things", s.name, n, maxFileLines)
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.line(f.End()) - s.line(f.Pos()) + 1; n > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, more than %d", s.name, s.line(f.Pos()), f.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// drawers are names that say nothing, so that everything ends up in them.
var drawers = []string{
	"base", "common", "helper", "helpers", "lib", "misc", "models", "shared", "types", "util", "utils",
}

func TestPackageNames(t *testing.T) {
	for _, s := range sources(t) {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		if slices.Contains(drawers, name) || strings.HasSuffix(name, "util") || strings.HasSuffix(name, "utils") {
			t.Errorf("%s: package %s: name it for what it holds", s.name, name)
		}
	}
}

// TestPackageComments: every package says what it is, once, in the words of Go.
func TestPackageComments(t *testing.T) {
	comments := map[string][]string{} // folder → files with a package comment
	for _, s := range sources(t) {
		folder := path.Dir(s.name)
		if _, seen := comments[folder]; !seen {
			comments[folder] = nil
		}
		if s.file.Doc == nil {
			continue
		}
		comments[folder] = append(comments[folder], s.name)
		text, name := s.file.Doc.Text(), strings.TrimSuffix(s.file.Name.Name, "_test")
		if name != "main" && !strings.HasPrefix(text, "Package "+name+" ") {
			t.Errorf("%s: the package comment begins with %q, not with %q", s.name, strings.SplitN(text, "\n", 2)[0], "Package "+name)
		}
	}
	for folder, files := range comments {
		if len(files) != 1 {
			t.Errorf("%s: %d files have a package comment, not one: %v", folder, len(files), files)
		}
	}
}

// TestNoInit: what a program does is said in main, not by what it imports.
func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s:%d: func init: register in plain sight", s.name, s.line(f.Pos()))
			}
		}
	}
}
