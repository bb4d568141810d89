package controltest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// reader turns one test file into cases, and collects problems with their places.
type reader struct {
	*document.Reader
	dictionary *dictionary.Dictionary
	rules      []*document.Document // of the control, then of those that it reads
	standard   *document.Document   // the boundary that cases start from
	bundle     *control.Bundle      // of rules and standard

	start    *yaml.Node
	boundary *yaml.Node
	defaults map[string]defaults
	usual    *control.Bundle // of rules in the file's boundary, once a case needs it
}

// defaults are what events of one type have unless they say otherwise.
type defaults struct {
	source string
	data   *yaml.Node
}

func (r *reader) cases(root *yaml.Node) []*testcase {
	f := r.Mapping(root, "a test file", "start", "boundary", "defaults", "cases")
	r.start, r.boundary, r.defaults = f["start"], f["boundary"], map[string]defaults{}
	r.Each(f["defaults"], "defaults", func(key, n *yaml.Node) {
		d := r.Mapping(n, "a default", "source", "data")
		r.eventType(key)
		r.defaults[key.Value] = defaults{r.Text(d["source"], "source"), d["data"]}
	})
	if f["cases"] == nil {
		r.Problem(root, "a test file needs cases:")
		return nil
	}
	var cases []*testcase
	names := map[string]bool{}
	for _, n := range r.List(f["cases"], "cases") {
		c := r.testcase(n)
		if names[c.name] {
			r.Problem(n, "there are two cases %q", c.name)
		}
		names[c.name] = true
		cases = append(cases, c)
	}
	return cases
}

func (r *reader) testcase(n *yaml.Node) *testcase {
	f := r.Mapping(n, "a case", "name", "start", "boundary", "events", "expect")
	c := &testcase{file: r.File(), line: n.Line, column: n.Column, name: r.Text(f["name"], "name")}
	if c.name == "" {
		r.Problem(n, "a case needs a name: that says what must hold")
	}
	start := r.start
	if f["start"] != nil {
		start = f["start"]
	}
	if start == nil {
		r.Problem(n, "a case needs start:, the time that offsets count from")
		return c
	}
	if c.start = r.instant(start, "start", 0); c.start == 0 {
		c.start = 1 // reported; offsets from it are still checked
	}
	c.Bundle = r.world(f["boundary"])
	c.Control = subject(c.Bundle, r.rules[0])
	for _, e := range r.List(f["events"], "events") {
		c.Arrivals = append(c.Arrivals, r.events(e, c.start, len(c.Arrivals))...)
	}
	if f["expect"] == nil {
		r.Problem(n, "a case needs expect:, at least one watermark and an item")
	}
	for _, e := range r.List(f["expect"], "expect") {
		w, expects := r.step(e, c.start)
		if k := len(c.Watermarks); k > 0 && w <= c.Watermarks[k-1] {
			r.Problem(e, "this watermark is not after the one before")
		}
		c.Watermarks, c.expects = append(c.Watermarks, w), append(c.expects, expects)
	}
	return c
}

// world compiles the control again where the file or the case replaces sections
// of the boundary.
func (r *reader) world(own *yaml.Node) *control.Bundle {
	if own == nil && r.usual != nil {
		return r.usual
	}
	merged := r.standard.Root
	for _, over := range []*yaml.Node{r.boundary, own} {
		if over == nil {
			continue
		}
		if over.Kind != yaml.MappingNode {
			r.Problem(over, "boundary must be a mapping, as in a boundary file")
			return r.bundle
		}
		merged = overlay(merged, over)
	}
	if merged == r.standard.Root {
		return r.bundle
	}
	b, err := control.Compile(&document.Document{File: r.File(), Root: merged}, r.rules, r.dictionary)
	if problems := document.ProblemsOf(err); problems != nil {
		r.Problems = append(r.Problems, problems...)
		b = r.bundle
	}
	if own == nil {
		r.usual = b
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

// step is a watermark, and what is expected there.
func (r *reader) step(n *yaml.Node, start compliance.Instant) (w compliance.Instant, expects []expected) {
	f := r.Mapping(n, "a watermark", "at", "items")
	if f["at"] == nil {
		r.Problem(n, "an expectation needs at:, the watermark")
		return 0, nil
	}
	r.Each(f["items"], "items", func(key, item *yaml.Node) { expects = append(expects, r.expected(key, item, start)) })
	return r.instant(f["at"], "at", start), expects
}

func (r *reader) expected(key, n *yaml.Node, start compliance.Instant) expected {
	e := expected{line: key.Line, column: key.Column, id: key.Value}
	f := r.Mapping(n, "an expected verdict", "outcome", "reason", "evidence", "revision", "remediated_at", "absent")
	if a := f["absent"]; a != nil {
		e.absent = r.boolean(a, "absent")
		if len(f) > 1 {
			r.Problem(n, "absent: says that there is no verdict; nothing else goes with it")
		}
	}
	if o := f["outcome"]; o != nil {
		outcome := compliance.Outcome(r.Text(o, "outcome"))
		if !slices.Contains(compliance.Outcomes(), outcome) {
			r.Problem(o, "%q is no outcome; outcomes are %s", outcome, joined(compliance.Outcomes()))
		}
		e.outcome = &outcome
	}
	if n := f["reason"]; n != nil {
		reason := r.Text(n, "reason")
		if known := r.reasons(); !slices.Contains(known, reason) {
			r.Problem(n, "the control has no reason %q; reasons are %s", reason, strings.Join(known[1:], ", "))
		}
		e.reason = &reason
	}
	if list := f["evidence"]; list != nil {
		e.hasEvidence = true
		for _, id := range r.List(list, "evidence") {
			e.evidence = append(e.evidence, r.Text(id, "evidence"))
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
	for _, v := range subject(r.bundle, r.rules[0]).Versions {
		for _, reason := range v.Reasons {
			known = append(known, reason.Code)
		}
	}
	return append(known,
		compliance.ReasonAssertionFalse, compliance.ReasonSourceSilent, compliance.ReasonEvidenceError,
		compliance.ReasonAwaitingEvents, compliance.ReasonDoesNotApply, compliance.ReasonNoParts,
		compliance.ReasonTooMuchEvidence, compliance.ReasonCancelled, compliance.ReasonPopulationError,
		compliance.ReasonConflictingEvidence, compliance.ReasonNoHistory)
}

// instant reads RFC 3339, or an offset from start.
func (r *reader) instant(n *yaml.Node, what string, start compliance.Instant) compliance.Instant {
	text := r.Text(n, what)
	if t, err := compliance.ParseInstant(text); err == nil {
		return t
	}
	d, err := control.ParseDuration(text)
	switch {
	case start == 0:
		r.Problem(n, "%s: %q is not RFC 3339, such as 2026-07-01T09:30:00Z", what, text)
	case err != nil:
		r.Problem(n, "%s: %q is neither an offset from the start, such as 15m or -2d, nor RFC 3339", what, text)
	}
	return start.Add(d)
}

func (r *reader) number(n *yaml.Node, what string) int {
	v, err := strconv.Atoi(r.Text(n, what))
	if err != nil || v < 1 || v > 10_000 {
		r.Problem(n, "%s: is a number from 1 to 10000", what)
		return 1
	}
	return v
}

func (r *reader) boolean(n *yaml.Node, what string) bool {
	text := r.Text(n, what)
	if text != "true" && text != "false" {
		r.Problem(n, "%s: is true or false", what)
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
