package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/pkg/engine"
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
a line a control says what was understood, and what it costs the evaluator:

  KEY          the item's fields at which all that concerns it meets
  ITEMS KEPT   how long after an item's time, or its period's end, its state is kept
  EVENTS KEPT  how long an event is kept after its own time, item or not
  FOR EVER     the tables whose live rows stay, whatever their age. A word of each item
               stays too, so that its id is taken
  BYTES        what an item takes with one event of each type, in the changelog:
               measured on the examples of the event types, an estimate
  MEANING      a hash, which stays as it is if only words or layout change

What has passed is looked for four times in such a span, so all may take a quarter
longer. A second table says to how many join keys an event of a type is sent, and notes
what is sound and may still surprise. -o json has all of it, by type and expectation, and how many events may match each.

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
	var rows []engine.Footprint
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
	if err := output.Write(o.writer(), rows, footprintColumns(o.format)); err != nil || o.format != output.Table {
		return err
	}
	if _, err := fmt.Fprintln(o.out); err != nil {
		return err
	}
	if err := output.Write(o.writer(), copiesOf(rows), []output.Column[copies]{
		{Head: "EVENT TYPE", Cell: func(c copies) string { return c.eventType }},
		{Head: "COPIES", Cell: func(c copies) string { return strconv.Itoa(c.count) }},
		{Head: "BYTES", Cell: func(c copies) string { return strconv.Itoa(c.bytes) }},
		{Head: "CONTROLS", Cell: func(c copies) string { return strings.Join(c.controls, ", ") }},
	}); err != nil {
		return err
	}
	return o.notes(rows)
}

// notes says what is sound and may still surprise, a line each.
func (o *lintOptions) notes(rows []engine.Footprint) error {
	before := "\n"
	for _, x := range rows {
		for _, note := range x.Notes {
			if _, err := fmt.Fprintf(o.out, "%snote: %s: %s\n", before, x.Control, note); err != nil {
				return err
			}
			before = ""
		}
	}
	return nil
}

func footprintColumns(format output.Format) []output.Column[engine.Footprint] {
	return []output.Column[engine.Footprint]{
		{Head: "CONTROL", Cell: func(x engine.Footprint) string { return x.Control }},
		{Head: "POPULATION", Cell: func(x engine.Footprint) string { return x.Population }},
		{Head: "KEY", Cell: func(x engine.Footprint) string { return strings.ReplaceAll(x.Key, "item.", "") }},
		{Head: "ITEMS KEPT", Cell: func(x engine.Footprint) string { return x.Items }},
		{Head: "EVENTS KEPT", Cell: func(x engine.Footprint) string { return x.Evidence }},
		{Head: "FOR EVER", Cell: func(x engine.Footprint) string { return strings.ReplaceAll(x.Tables, "refs.", "") }},
		{Head: "BYTES", Cell: func(x engine.Footprint) string { return strconv.Itoa(x.TypicalBytes) }},
		{Head: "MEANING", Cell: func(x engine.Footprint) string { return short(x.Meaning, format) }},
	}
}

// copies are what one event of a type becomes on its way to controls.
type copies struct {
	eventType    string
	count, bytes int
	controls     []string
}

func copiesOf(rows []engine.Footprint) []copies {
	byType := map[string]*copies{}
	for _, x := range rows {
		for _, f := range x.Facts {
			c := byType[f.Type]
			if c == nil {
				c = &copies{eventType: f.Type}
				byType[f.Type] = c
			}
			c.count += f.Copies
			c.bytes += f.Copies * f.Bytes
			c.controls = append(c.controls, x.Control)
		}
	}
	var list []copies
	for _, name := range slices.Sorted(maps.Keys(byType)) {
		list = append(list, *byType[name])
	}
	return list
}

func (o *lintOptions) refuse(problems document.Problems) error {
	slices.SortStableFunc(problems, document.Problem.Compare)
	if _, err := fmt.Fprintln(o.out, slices.Compact(problems)); err != nil {
		return err
	}
	return &exitError{exitUsage, fmt.Errorf("%d problems in control files", len(slices.Compact(problems)))}
}

// lint checks one argument; "" is the built-in library.
func lint(arg string, types *dictionary.Dictionary) ([]engine.Footprint, error) {
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

func lintFile(file string, types *dictionary.Dictionary) ([]engine.Footprint, error) {
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
func compileAll(declared *document.Document, docs []*document.Document, types *dictionary.Dictionary, before error) ([]engine.Footprint, error) {
	bundle, err := control.Compile(declared, docs, types)
	if problems := append(document.ProblemsOf(before), document.ProblemsOf(err)...); len(problems) > 0 {
		return nil, problems
	} else if err != nil {
		return nil, err
	}
	if _, err := boundary.Declared(bundle.Declarations); err != nil {
		return nil, err
	}
	samples, err := samplesOf(types)
	if err != nil {
		return nil, err
	}
	return engine.Footprints(bundle, samples), nil
}

// samplesOf are a typical event of each type, as its schema shows it.
func samplesOf(types *dictionary.Dictionary) (map[string]compliance.Event, error) {
	samples := map[string]compliance.Event{}
	for _, name := range types.Names() {
		t, err := types.Find(name)
		if err != nil {
			return nil, err
		}
		ev := compliance.Event{
			Tenant: "default", Source: "/a-source", ID: "4f1c7c1e-7a52-4f7e-9a5e-0d6f2f3a9b10", Type: name,
			Ref: compliance.Ref{Topic: "events." + string(t.Family), Offset: 1_000_000},
		}
		if ev.Data, err = t.Example(); err != nil {
			return nil, err
		}
		samples[name] = ev
	}
	return samples, nil
}
