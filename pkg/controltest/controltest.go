// Package controltest runs the tests that stand beside control files: events on a
// timeline, and the verdicts that must be known at given watermarks
// (docs/formats/controls.md).
//
// Every case runs against the oracle and against the engine, the latter in many
// orders of arrival with duplicates, and both must say what the case expects and
// the same as each other. A report says what differs, which outcomes and reasons no
// case reached, and which changes of a control no case notices. It reads files through an fs.FS only, and no clock: the
// same files, seed and number of orders give the same report.
package controltest

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// Options say what to test.
type Options struct {
	// Files hold <ID>.yaml and <ID>_test.yaml beside each other.
	Files fs.FS
	// Prefix is put before the names of files in places: where Files was opened.
	Prefix string
	// Boundary is what controls are judged in, unless a case says otherwise.
	Boundary   *document.Document
	Dictionary *dictionary.Dictionary
	// Run selects cases by "<control>/<name>"; nil means all.
	Run *regexp.Regexp
	// Orders is how many orders of arrival each case is run in; 0 means DefaultOrders.
	Orders int
	// Seed makes the orders.
	Seed uint64
	// FailFast ends the run with the first case that fails.
	FailFast bool
	// Mutants asks for each control whether its tests would notice a change: see Mutant.
	Mutants bool

	controls []*document.Document // all files of controls, once they are read
}

// DefaultOrders is enough to shuffle two events past each other with certainty,
// and three or more nearly always.
const DefaultOrders = 20

// Report is what came of a run.
type Report struct {
	// Cases are in the order of files, and in a file in its order.
	Cases []Result `json:"cases"`
	// Coverage has every control, in the order of files. It is empty if only
	// some cases were run.
	Coverage []Coverage `json:"coverage"`
	// Mutants are in the order of files, and in a file in its order. There are none if
	// nobody asked, or if only some cases were run.
	Mutants []Mutant `json:"mutants,omitempty"`
}

// Result is what came of one case.
type Result struct {
	Control string `json:"control"`
	Name    string `json:"name"`
	// Place is file:line:column.
	Place string `json:"place"`
	// Failures are texts of several lines each, which begin with a place.
	Failures []string `json:"failures,omitempty"`
}

// Failed says how many cases failed.
func (r *Report) Failed() int {
	n := 0
	for _, c := range r.Cases {
		if len(c.Failures) > 0 {
			n++
		}
	}
	return n
}

// Run runs every case below Files. An error says that files are wrong, and then
// is document.Problems, or that they can't be read, or ctx's.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Orders == 0 {
		o.Orders = DefaultOrders
	}
	suites, err := o.load()
	if err != nil {
		return nil, err
	}
	report := &Report{Cases: []Result{}, Coverage: []Coverage{}}
	for _, s := range suites {
		seen := newReached()
		for _, c := range s.cases {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			seen.note(c)
			if o.Run == nil || o.Run.MatchString(s.id+"/"+c.name) {
				report.Cases = append(report.Cases, Result{
					Control: s.id, Name: c.name, Place: c.place(), Failures: c.run(o.Orders, o.Seed),
				})
			}
			if o.FailFast && report.Failed() > 0 {
				return report, nil
			}
		}
		if o.Run == nil {
			report.Coverage = append(report.Coverage, seen.coverage(s))
		}
		if o.Mutants && o.Run == nil {
			mutants, err := o.mutate(ctx, s)
			if err != nil {
				return nil, err
			}
			report.Mutants = append(report.Mutants, mutants...)
		}
	}
	return report, nil
}

// Check reads every file as Run does, and runs nothing.
func Check(o Options) error {
	_, err := o.load()
	return err
}

// suite is a control with its cases.
type suite struct {
	id    string
	rules *control.Control
	heard bool // a source of its evidence sends heartbeats
	cases []*testcase

	document, tests *document.Document // what it was read from; tests may be nil
}

// load reads all files, and reports all that is wrong with any.
func (o *Options) load() ([]*suite, error) {
	var suites []*suite
	var problems document.Problems
	tests, controls := map[string]bool{}, []string{}
	err := fs.WalkDir(o.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
			return err
		case strings.HasSuffix(name, "_test.yaml"):
			tests[name] = true
		case control.IsControlFile(name):
			controls = append(controls, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing tests: %w", err)
	}
	for _, name := range controls { // what can't be read is reported with its suite
		if doc, err := o.parse(name); err == nil {
			o.controls = append(o.controls, doc)
		}
	}
	for _, name := range controls {
		test := strings.TrimSuffix(name, ".yaml") + "_test.yaml"
		s, err := o.suite(name, test, tests[test])
		if found := document.ProblemsOf(err); found != nil {
			problems = append(problems, found...)
		} else if err != nil {
			return nil, err
		}
		delete(tests, test)
		suites = append(suites, s)
	}
	for name := range tests {
		problems = append(problems, document.Problem{File: o.where(name), Line: 1, Column: 1, Text: fmt.Sprintf("there is no control file %s beside this test", strings.TrimSuffix(path.Base(name), "_test.yaml")+".yaml")})
	}
	return suites, problems.OrNil()
}

func (o *Options) where(name string) string { return path.Join(o.Prefix, name) }

func (o *Options) parse(name string) (*document.Document, error) {
	text, err := fs.ReadFile(o.Files, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", o.where(name), err)
	}
	return document.Parse(o.where(name), text)
}

func (o *Options) suite(name, test string, tested bool) (*suite, error) {
	rules, err := o.parse(name)
	if err != nil {
		return nil, err
	}
	if !tested {
		return o.compile(rules, nil)
	}
	tests, err := o.parse(test)
	if err != nil {
		return nil, err
	}
	return o.compile(rules, tests)
}

// compile makes a suite of a control and its tests, which may be nil.
func (o *Options) compile(rules, tests *document.Document) (*suite, error) {
	all := append([]*document.Document{rules}, control.Beside(rules, o.controls)...)
	bundle, err := control.Compile(o.Boundary, all, o.Dictionary)
	if err != nil {
		return nil, err
	}
	c := version(subject(bundle, rules), rules)
	s := &suite{id: c.ID, rules: c, heard: heartbeats(bundle, c), document: rules, tests: tests}
	if tests == nil {
		return s, nil
	}
	r := &reader{Reader: tests.Reader(), dictionary: o.Dictionary, rules: all, standard: o.Boundary, bundle: bundle}
	s.cases = r.cases(tests.Root)
	return s, r.Problems.OrNil()
}

// subject is the control of a file, in its last version: those beside it are there to be
// read.
func subject(b *control.Bundle, rules *document.Document) *control.Control {
	for _, c := range b.Controls {
		if rules != nil && c.Some(func(v *control.Control) bool { return v.File == rules.File }) {
			return c
		}
	}
	return b.Controls[0]
}

// version is the one of a control that a file has.
func version(c *control.Control, rules *document.Document) *control.Control {
	for _, v := range c.Versions {
		if v.File == rules.File {
			return v
		}
	}
	return c
}

func heartbeats(b *control.Bundle, c *control.Control) bool {
	for _, e := range c.Expectations {
		for _, i := range b.SourcesOf(e.Heard()) {
			if b.Sources[i].MaxGap > 0 {
				return true
			}
		}
	}
	return false
}
