package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/change"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/pkg/output"
)

type diffOptions struct {
	*app
	asOf string
}

func (a *app) diffCommand() *cobra.Command {
	o := diffOptions{app: a}
	c := &cobra.Command{
		Use:   "diff old new",
		Short: "Say in what two rule sets differ, and whether that can change a verdict",
		Long: `Each line is one place in which two rule sets differ: a control that was added or
removed, words, which change no verdict, or a rule. A rule is compared by what it
means, not by how it is written, together with what it reads of the boundary file.

A change of a rule is prospective if it takes effect later than the watermark, else
restating: it may change verdicts that were given. To see which, use assay replay.

A rule set is a folder, or "builtin", the library; new may be a control file, which
then replaces that control in old, or stands beside it as another version if it has
another effective_from. The exit code is 0 whether they differ or not.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args[0], args[1]) },
	}
	c.Flags().StringVar(&o.asOf, "as-of", "", "the watermark that effective_from is compared with: a date or RFC 3339 `time`, else now")
	a.formatFlag(c)
	return c
}

func (o *diffOptions) run(from, to string) error {
	w := compliance.InstantOf(time.Now())
	if o.asOf != "" {
		var err error
		if w, err = ask.ParseTime(o.asOf); err != nil {
			return err
		}
	}
	types, err := dictionary.Default()
	if err != nil {
		return err
	}
	before, after, err := openRuleSets(from, to, types)
	if err != nil {
		return err
	}
	return output.Write(o.writer(), change.Compare(before, after, w), differenceColumns(o.format))
}

func differenceColumns(format output.Format) []output.Column[change.Difference] {
	cut := func(text string) string { return elided(text, format) }
	return []output.Column[change.Difference]{
		{Head: "CONTROL", Cell: func(d change.Difference) string { return d.Control }},
		{Head: "CHANGE", Cell: func(d change.Difference) string { return string(d.Change) }},
		{Head: "EFFECT", Cell: func(d change.Difference) string { return string(d.Effect) }},
		{Head: "FROM", Cell: func(d change.Difference) string { return d.From.String() }},
		{Head: "KEY", Cell: func(d change.Difference) string { return d.Key }},
		{Head: "BEFORE", Cell: func(d change.Difference) string { return cut(d.Before) }},
		{Head: "AFTER", Cell: func(d change.Difference) string { return cut(d.After) }},
	}
}

// elided cuts a long text in a table, where the other formats have it whole.
func elided(text string, format output.Format) string {
	const enough = 80
	if r := []rune(text); format == output.Table && len(r) > enough {
		return string(r[:enough-1]) + "…"
	}
	return text
}

// builtIn names the library where a folder is asked for.
const builtIn = "builtin"

// openRuleSets loads two rule sets; the second may be one control of the first.
func openRuleSets(from, to string, types *dictionary.Dictionary) (before, after *control.Bundle, err error) {
	old, oldDocs, err := openRuleSet(from)
	if err != nil {
		return nil, nil, err
	}
	next := old
	var nextDocs []*document.Document
	if info, statErr := os.Stat(to); statErr == nil && !info.IsDir() {
		nextDocs, err = withFile(oldDocs, to)
	} else {
		next, nextDocs, err = openRuleSet(to)
	}
	if err != nil {
		return nil, nil, asUsage(err)
	}
	if before, err = control.Compile(old.boundary, oldDocs, types); err != nil {
		return nil, nil, asUsage(err)
	}
	after, err = control.Compile(next.boundary, nextDocs, types)
	return before, after, asUsage(err)
}

// asUsage makes an error of the user's of problems in files.
func asUsage(err error) error {
	if document.ProblemsOf(err) == nil {
		return err
	}
	return compliance.Errorf(compliance.Invalid, "%w", err)
}

func openRuleSet(name string) (*library, []*document.Document, error) {
	if name == builtIn {
		name = ""
	}
	l, err := openLibrary(name)
	if err != nil {
		return nil, nil, asUsage(err)
	}
	docs, err := l.documents()
	return l, docs, asUsage(err)
}

// withFile puts a control file in the place of that with its id and beginning, or
// beside those with other beginnings.
func withFile(docs []*document.Document, file string) ([]*document.Document, error) {
	if !control.IsControlFile(file) {
		return nil, compliance.Errorf(compliance.Invalid, "%s is no control file", filepath.Base(file))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "reading a control: %w", err)
	}
	doc, err := document.Parse(file, text)
	if err != nil {
		return nil, err
	}
	others := []*document.Document{doc}
	for _, d := range docs {
		if versionOf(d) != versionOf(doc) {
			others = append(others, d)
		}
	}
	return others, nil
}

// beginning names a version of a control.
type beginning struct {
	ID            string `yaml:"id"`
	EffectiveFrom string `yaml:"effective_from"`
}

func versionOf(d *document.Document) (v beginning) {
	_ = d.Root.Decode(&v) // what is wrong with it the compiler says
	return v
}
