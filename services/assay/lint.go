package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/pkg/output"
)

type lintOptions struct{ *app }

func (a *app) lintCommand() *cobra.Command {
	o := lintOptions{a}
	c := &cobra.Command{
		Use:   "lint [dir|file]...",
		Short: "Check control files and their tests",
		Long: `Check control files, and the tests of folders, without running anything. Problems are
written as file:line:column: text, one a line, and the exit code is 3. Without one,
a line a control says what was understood: its population, the key that its
evidence is joined by, how long its state is kept, and a hash of its meaning, which
stays as it is if only words or layout change.

Without arguments the built-in library is checked. Controls are read within the
boundary.yaml of their folder or the nearest above, else the built-in one.`,
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	a.formatFlag(c)
	return c
}

func (o *lintOptions) run(args []string) error {
	types, err := dictionary.Default()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{""}
	}
	var rows []control.Explanation
	var problems document.Problems
	for _, arg := range args {
		found, err := lint(arg, types)
		if faults := document.ProblemsOf(err); faults != nil {
			problems = append(problems, faults...)
		} else if err != nil {
			return err
		}
		rows = append(rows, found...)
	}
	if len(problems) > 0 {
		return o.refuse(problems)
	}
	return output.Write(o.writer(), rows, []output.Column[control.Explanation]{
		{Head: "CONTROL", Cell: func(x control.Explanation) string { return x.Control }},
		{Head: "POPULATION", Cell: func(x control.Explanation) string { return x.Population }},
		{Head: "KEY", Cell: func(x control.Explanation) string { return x.Key }},
		{Head: "ITEMS KEPT", Cell: func(x control.Explanation) string { return x.Items }},
		{Head: "EVIDENCE KEPT", Cell: func(x control.Explanation) string { return x.Evidence }},
		{Head: "TABLES", Cell: func(x control.Explanation) string { return x.Tables }},
		{Head: "MEANING", Cell: func(x control.Explanation) string { return short(x.Meaning, o.format) }},
	})
}

func (o *lintOptions) refuse(problems document.Problems) error {
	slices.SortStableFunc(problems, document.Problem.Compare)
	if _, err := fmt.Fprintln(o.out, slices.Compact(problems)); err != nil {
		return err
	}
	return &exitError{exitUsage, fmt.Errorf("%d problems in control files", len(slices.Compact(problems)))}
}

// lint checks one argument; "" is the built-in library.
func lint(arg string, types *dictionary.Dictionary) ([]control.Explanation, error) {
	if info, err := os.Stat(arg); arg != "" && err == nil && !info.IsDir() {
		return lintFile(arg, types)
	}
	l, err := openLibrary(arg)
	if err != nil {
		return nil, err
	}
	docs, err := l.documents()
	if err != nil && len(docs) == 0 {
		return nil, err
	}
	rows, err := compileAll(l.boundary, docs, types, err)
	if err != nil {
		return nil, err
	}
	return rows, controltest.Check(controltest.Options{Files: l.files, Prefix: l.prefix, Boundary: l.boundary, Dictionary: types})
}

func lintFile(file string, types *dictionary.Dictionary) ([]control.Explanation, error) {
	if !control.IsControlFile(file) {
		return nil, compliance.Errorf(compliance.Invalid, "%s is no control file; name the folder to check its tests and boundary too", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "reading a control: %w", err)
	}
	boundary, err := nearestBoundary(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(file, text)
	if err != nil {
		return nil, err
	}
	return compileAll(boundary, []*document.Document{doc}, types, nil)
}

// compileAll explains controls, or joins their problems with those found before.
func compileAll(boundary *document.Document, docs []*document.Document, types *dictionary.Dictionary, before error) ([]control.Explanation, error) {
	bundle, err := control.Compile(boundary, docs, types)
	if problems := append(document.ProblemsOf(before), document.ProblemsOf(err)...); len(problems) > 0 {
		return nil, problems
	} else if err != nil {
		return nil, err
	}
	var rows []control.Explanation
	for _, c := range bundle.Controls {
		rows = append(rows, c.Explain())
	}
	return rows, nil
}
