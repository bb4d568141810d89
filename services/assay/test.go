package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/pkg/output"
)

type testOptions struct {
	*app
	run      string
	orders   int
	seed     uint64
	junit    string
	complete bool
	mutants  bool
}

func (a *app) testCommand() *cobra.Command {
	o := testOptions{app: a}
	c := &cobra.Command{
		Use:   "test [dir]",
		Short: "Run the tests beside control files",
		Long: `Run every <ID>_test.yaml beside its control, against the oracle and the engine, the
latter in many orders of arrival with duplicates. What differs is shown as a diff;
the table says which outcomes and reasons no test expects.

With --mutants each control is then changed in one place after the other: a comparison
is turned, a condition dropped, an end of an interval moved by a millisecond. A test
must fail, or the changed file be refused. What survives is listed with its place; the
score is how many of a control's mutants were noticed. A line that says
"# equivalent: less is at most" declares that this change of it means the same.

Without a folder the built-in library is tested. Controls are read within the
boundary.yaml of the folder or the nearest above, else the built-in one.
The exit code is 1 if a test fails or a mutant survives, 3 if a file is wrong.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.test(c.Context(), strings.Join(args, ""))
		},
	}
	flags := c.Flags()
	flags.StringVar(&o.run, "run", "", "run only cases whose <control>/<name> matches a `regexp`")
	flags.IntVar(&o.orders, "orders", controltest.DefaultOrders, "orders of arrival to try for each case")
	flags.Uint64Var(&o.seed, "seed", 1, "what the orders are made from")
	flags.StringVar(&o.junit, "junit", "", "also write JUnit XML to a `file`")
	flags.BoolVar(&o.complete, "complete", false, "fail too if an outcome or a reason is not tested")
	flags.BoolVar(&o.mutants, "mutants", false, "change each control in every place, and see that a test fails")
	a.formatFlag(c)
	return c
}

func (o *testOptions) test(ctx context.Context, dir string) error {
	options, err := o.options(dir)
	if err != nil {
		return err
	}
	report, err := controltest.Run(ctx, *options)
	if problems := document.ProblemsOf(err); problems != nil {
		return compliance.Errorf(compliance.Invalid, "reading controls and their tests:\n%w", problems)
	} else if err != nil {
		return err
	}
	if o.junit != "" {
		if err := writeJUnit(o.junit, report); err != nil {
			return err
		}
	}
	if err := o.write(report); err != nil {
		return err
	}
	return o.verdict(report)
}

func (o *testOptions) options(dir string) (*controltest.Options, error) {
	if o.format != output.Table && o.format != output.JSON {
		return nil, compliance.Errorf(compliance.Invalid, "tests are written as table or json, not %s", o.format)
	}
	if o.orders < 1 {
		return nil, compliance.Errorf(compliance.Invalid, "--orders is %d; it must be 1 or more", o.orders)
	}
	types, err := dictionary.Default()
	if err != nil {
		return nil, err
	}
	l, err := openLibrary(dir)
	if err != nil {
		return nil, err
	}
	options := controltest.Options{
		Files: l.files, Prefix: l.prefix, Boundary: l.boundary, Dictionary: types, Orders: o.orders, Seed: o.seed, Mutants: o.mutants,
	}
	if o.run != "" && o.mutants {
		return nil, compliance.Errorf(compliance.Invalid, "--mutants needs all cases; leave out --run")
	}
	if o.run != "" {
		if options.Run, err = regexp.Compile(o.run); err != nil {
			return nil, compliance.Errorf(compliance.Invalid, "--run: %w", err)
		}
	}
	return &options, nil
}

func writeJUnit(file string, report *controltest.Report) error {
	f, err := os.Create(file)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "writing JUnit: %w", err)
	}
	if err := errors.Join(report.WriteJUnit(f), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// testRow is one control in the table.
type testRow struct {
	control       string
	cases, failed int
	missing       []string
	score         controltest.Score
}

func (o *testOptions) write(report *controltest.Report) error {
	if o.format == output.JSON {
		encoder := json.NewEncoder(o.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	for _, c := range report.Cases {
		for _, failure := range c.Failures {
			if _, err := fmt.Fprintf(o.out, "%s\n\n", failure); err != nil {
				return err
			}
		}
	}
	for i := range report.Mutants {
		if m := &report.Mutants[i]; m.Fate == controltest.Survived {
			if _, err := fmt.Fprintf(o.out, "%s: no test fails\n", m); err != nil {
				return err
			}
		}
	}
	columns := []output.Column[testRow]{
		{Head: "CONTROL", Cell: func(r testRow) string { return r.control }},
		{Head: "CASES", Cell: func(r testRow) string { return strconv.Itoa(r.cases) }},
		{Head: "FAILED", Cell: func(r testRow) string { return strconv.Itoa(r.failed) }},
	}
	if o.mutants {
		columns = append(columns, scoreColumns()...)
	}
	return output.Write(o.writer(), testRows(report), append(columns,
		output.Column[testRow]{Head: "NOT TESTED", Cell: func(r testRow) string { return strings.Join(r.missing, ", ") }}))
}

func scoreColumns() []output.Column[testRow] {
	all := func(s controltest.Score) int { return s.Killed + s.Refused + s.Survived }
	return []output.Column[testRow]{
		{Head: "MUTANTS", Cell: func(r testRow) string { return strconv.Itoa(all(r.score)) }},
		{Head: "SURVIVED", Cell: func(r testRow) string { return strconv.Itoa(r.score.Survived) }},
		{Head: "SCORE", Cell: func(r testRow) string {
			if all(r.score) == 0 {
				return ""
			}
			return strconv.Itoa(r.score.Percent()) + " %"
		}},
	}
}

func testRows(report *controltest.Report) []testRow {
	var rows []testRow
	for _, c := range report.Coverage {
		rows = append(rows, testRow{control: c.Control, missing: c.Missing, score: report.Score(c.Control)})
	}
	for _, c := range report.Cases {
		i := slices.IndexFunc(rows, func(r testRow) bool { return r.control == c.Control })
		if i < 0 {
			i = len(rows)
			rows = append(rows, testRow{control: c.Control})
		}
		rows[i].cases++
		if len(c.Failures) > 0 {
			rows[i].failed++
		}
	}
	return rows
}

// verdict is the result as an error, so that it becomes the exit code.
func (o *testOptions) verdict(report *controltest.Report) error {
	switch {
	case report.Failed() > 0:
		return &exitError{exitViolations, fmt.Errorf("%d of %d tests fail", report.Failed(), len(report.Cases))}
	case report.Score("").Survived > 0:
		return &exitError{exitViolations, fmt.Errorf("%d of %d changes of the controls are noticed by no test", report.Score("").Survived, len(report.Mutants))}
	case len(report.Cases) == 0:
		return compliance.Errorf(compliance.Invalid, "no test was run; name a folder with <ID>_test.yaml files, or another --run")
	case o.complete && !report.Complete():
		return &exitError{exitViolations, errors.New("the tests are not complete: see NOT TESTED")}
	}
	return nil
}
