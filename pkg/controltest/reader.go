package controltest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// reader turns one test file into cases, and collects problems with their places.
type reader struct {
	file       string
	dictionary *dictionary.Dictionary
	rules      *control.Document
	standard   *control.Document // the boundary that cases start from
	bundle     *control.Bundle   // of rules and standard
	problems   control.Problems

	start    *yaml.Node
	boundary *yaml.Node
	defaults map[string]defaults
}

// defaults are what events of one type have unless they say otherwise.
type defaults struct {
	source string
	data   *yaml.Node
}

func (r *reader) cases(root *yaml.Node) []*testcase {
	f := r.mapping(root, "a test file", "start", "boundary", "defaults", "cases")
	r.start, r.boundary, r.defaults = f["start"], f["boundary"], map[string]defaults{}
	r.each(f["defaults"], "defaults", func(key, n *yaml.Node) {
		d := r.mapping(n, "a default", "source", "data")
		r.eventType(key)
		r.defaults[key.Value] = defaults{r.text(d["source"], "source"), d["data"]}
	})
	if f["cases"] == nil {
		r.problem(root, "a test file needs cases:")
		return nil
	}
	var cases []*testcase
	names := map[string]bool{}
	for _, n := range r.list(f["cases"], "cases") {
		c := r.testcase(n)
		if names[c.name] {
			r.problem(n, "there are two cases %q", c.name)
		}
		names[c.name] = true
		cases = append(cases, c)
	}
	return cases
}

func (r *reader) testcase(n *yaml.Node) *testcase {
	f := r.mapping(n, "a case", "name", "start", "boundary", "events", "expect")
	c := &testcase{file: r.file, line: n.Line, column: n.Column, name: r.text(f["name"], "name"), bundle: r.bundle}
	if c.name == "" {
		r.problem(n, "a case needs a name: that says what must hold")
	}
	start := r.start
	if f["start"] != nil {
		start = f["start"]
	}
	if start == nil {
		r.problem(n, "a case needs start:, the time that offsets count from")
		return c
	}
	if c.start = r.instant(start, "start", 0); c.start == 0 {
		c.start = 1 // reported; offsets from it are still checked
	}
	c.bundle = r.world(f["boundary"])
	for _, e := range r.list(f["events"], "events") {
		c.events = append(c.events, r.events(e, c.start, len(c.events))...)
	}
	if f["expect"] == nil {
		r.problem(n, "a case needs expect:, at least one watermark and an item")
	}
	for _, e := range r.list(f["expect"], "expect") {
		s := r.step(e, c.start)
		if k := len(c.steps); k > 0 && s.w <= c.steps[k-1].w {
			r.problem(e, "this watermark is not after the one before")
		}
		c.steps = append(c.steps, s)
	}
	return c
}

// world compiles the control again where the file or the case replaces sections
// of the boundary.
func (r *reader) world(own *yaml.Node) *control.Bundle {
	merged := r.standard.Root
	for _, over := range []*yaml.Node{r.boundary, own} {
		if over == nil {
			continue
		}
		if over.Kind != yaml.MappingNode {
			r.problem(over, "boundary must be a mapping, as in a boundary file")
			return r.bundle
		}
		merged = overlay(merged, over)
	}
	if merged == r.standard.Root {
		return r.bundle
	}
	b, err := control.Compile(&control.Document{File: r.file, Root: merged}, []*control.Document{r.rules}, r.dictionary)
	if problems, ok := err.(control.Problems); ok { //nolint:errorlint // control returns it bare
		r.problems = append(r.problems, problems...)
		return r.bundle
	}
	return b
}

// overlay is a mapping with the keys of another replaced or added.
func overlay(base, over *yaml.Node) *yaml.Node {
	merged := *over
	merged.Content = slices.Clone(over.Content)
	for i := 0; i+1 < len(base.Content); i += 2 {
		if valueOf(over, base.Content[i].Value) == nil {
			merged.Content = append(merged.Content, base.Content[i], base.Content[i+1])
		}
	}
	return &merged
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func (r *reader) step(n *yaml.Node, start compliance.Instant) step {
	f := r.mapping(n, "an expectation", "at", "items")
	if f["at"] == nil {
		r.problem(n, "an expectation needs at:, the watermark")
		return step{}
	}
	s := step{w: r.instant(f["at"], "at", start)}
	r.each(f["items"], "items", func(key, item *yaml.Node) { s.items = append(s.items, r.expected(key, item, start)) })
	return s
}

func (r *reader) expected(key, n *yaml.Node, start compliance.Instant) expected {
	e := expected{line: key.Line, column: key.Column, id: key.Value}
	f := r.mapping(n, "an expected verdict", "outcome", "reason", "evidence", "revision", "remediated_at", "absent")
	if a := f["absent"]; a != nil {
		e.absent = r.boolean(a, "absent")
		if len(f) > 1 {
			r.problem(n, "absent: says that there is no verdict; nothing else goes with it")
		}
	}
	if o := f["outcome"]; o != nil {
		outcome := compliance.Outcome(r.text(o, "outcome"))
		if !slices.Contains(compliance.Outcomes(), outcome) {
			r.problem(o, "%q is no outcome; outcomes are %s", outcome, joined(compliance.Outcomes()))
		}
		e.outcome = &outcome
	}
	if n := f["reason"]; n != nil {
		reason := r.text(n, "reason")
		if known := r.reasons(); !slices.Contains(known, reason) {
			r.problem(n, "the control has no reason %q; reasons are %s", reason, strings.Join(known[1:], ", "))
		}
		e.reason = &reason
	}
	if list := f["evidence"]; list != nil {
		e.hasEvidence = true
		for _, id := range r.list(list, "evidence") {
			e.evidence = append(e.evidence, r.text(id, "evidence"))
		}
	}
	if v := f["revision"]; v != nil {
		e.revision = r.number(v, "revision")
	}
	if at := f["remediated_at"]; at != nil {
		t := compliance.Instant(0)
		if at.Value != "none" {
			t = r.instant(at, "remediated_at", start)
		}
		e.remediated = &t
	}
	return e
}

// reasons are the codes that a verdict of the control may have; the first is none.
func (r *reader) reasons() []string {
	known := []string{""}
	for _, reason := range r.bundle.Controls[0].Reasons {
		known = append(known, reason.Code)
	}
	return append(known,
		compliance.ReasonAssertionFalse, compliance.ReasonSourceSilent, compliance.ReasonEvidenceError,
		compliance.ReasonAwaitingEvents, compliance.ReasonDoesNotApply, compliance.ReasonNoParts,
		compliance.ReasonTooMuchEvidence, compliance.ReasonPopulationError)
}

// instant reads RFC 3339, or an offset from start.
func (r *reader) instant(n *yaml.Node, what string, start compliance.Instant) compliance.Instant {
	text := r.text(n, what)
	if t, err := compliance.ParseInstant(text); err == nil {
		return t
	}
	d, err := control.ParseDuration(text)
	switch {
	case start == 0:
		r.problem(n, "%s: %q is not RFC 3339, such as 2026-07-01T09:30:00Z", what, text)
	case err != nil:
		r.problem(n, "%s: %q is neither an offset from the start, such as 15m or -2d, nor RFC 3339", what, text)
	}
	return start.Add(d)
}

func (r *reader) number(n *yaml.Node, what string) int {
	v, err := strconv.Atoi(r.text(n, what))
	if err != nil || v < 1 || v > 10_000 {
		r.problem(n, "%s: is a number from 1 to 10000", what)
		return 1
	}
	return v
}

func (r *reader) boolean(n *yaml.Node, what string) bool {
	text := r.text(n, what)
	if text != "true" && text != "false" {
		r.problem(n, "%s: is true or false", what)
	}
	return text == "true"
}

func joined[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

func (r *reader) problem(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, control.Problem{File: r.file, Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...)})
}

// mapping gives the values of a mapping by key, and refuses keys that aren't known.
func (r *reader) mapping(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	fields := map[string]*yaml.Node{}
	r.each(n, what, func(key, value *yaml.Node) {
		if !slices.Contains(known, key.Value) {
			r.problem(key, "%s has no key %q%s; it has %s", what, key.Value, control.DidYouMean(key.Value, known), strings.Join(known, ", "))
			return
		}
		fields[key.Value] = value
	})
	return fields
}

// each visits the pairs of a mapping in the order of the file.
func (r *reader) each(n *yaml.Node, what string, visit func(key, value *yaml.Node)) {
	if n == nil {
		return
	}
	if n = meant(n); n.Kind != yaml.MappingNode {
		r.problem(n, "%s must be a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			r.problem(key, "%s has the key %q twice", what, key.Value)
			continue
		}
		seen[key.Value] = true
		visit(key, n.Content[i+1])
	}
}

func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n = meant(n); n.Kind != yaml.SequenceNode {
		r.problem(n, "%s must be a list", what)
		return nil
	}
	return n.Content
}

func (r *reader) text(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		r.problem(n, "%s must be text", what)
		return ""
	}
	return n.Value
}

// meant is what an alias stands for.
func meant(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
