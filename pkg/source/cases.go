package source

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// Tested is what the examples of a vendor's folder showed.
type Tested struct {
	Cases []Case
	// Unshown are the places of mappings that no case uses.
	Unshown []string
}

// Case is one example: a payload, and the events that it must become.
type Case struct {
	File string
	Line int
	Name string
	// Diff is empty if the events are the expected ones; else it has a line for each
	// difference, - for what was expected and + for what came.
	Diff string
}

// Failed says whether a case failed or a mapping has none.
func (t *Tested) Failed() bool {
	return len(t.Unshown) > 0 || slices.ContainsFunc(t.Cases, func(c Case) bool { return c.Diff != "" })
}

// expected is a case as it is written.
type expected struct {
	Name     string            `yaml:"name"`
	Headers  map[string]string `yaml:"headers"`
	Received string            `yaml:"received"`
	Payload  any               `yaml:"payload"`
	Expect   []shown           `yaml:"expect"`
	Unmapped []string          `yaml:"unmapped"`
	Faults   []string          `yaml:"faults"`
}

// shown is an event as cases write it.
type shown struct {
	Type string         `yaml:"type"`
	ID   string         `yaml:"id"`
	Time string         `yaml:"time"`
	Data map[string]any `yaml:"data"`
}

// defaultReceived is when a case's payload came, unless it says so.
const defaultReceived = "2026-07-01T00:00:00Z"

// Test runs the cases (*_test.yaml) of one vendor's folder in fsys. The error is
// for cases that can't be read.
func (l *Library) Test(fsys fs.FS, vendor string) (*Tested, error) {
	v, ok := l.Vendor(vendor)
	if !ok {
		return nil, compliance.Errorf(compliance.NotFound, "there is no source %q%s", vendor, document.DidYouMean(vendor, l.names))
	}
	files, err := fs.Glob(fsys, vendor+"/*"+caseSuffix)
	if err != nil {
		return nil, fmt.Errorf("listing the cases of %s: %w", vendor, err)
	}
	out, used := &Tested{}, map[string]bool{}
	for _, file := range files {
		if err := v.testFile(fsys, file, out, used); err != nil {
			return nil, err
		}
	}
	for _, m := range v.mappings {
		if !used[m.place] {
			out.Unshown = append(out.Unshown, m.place)
		}
	}
	return out, nil
}

func (v *Vendor) testFile(fsys fs.FS, file string, out *Tested, used map[string]bool) error {
	raw, err := fs.ReadFile(fsys, file)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	doc, err := document.Parse(file, raw)
	if err != nil {
		return err
	}
	r := doc.Reader()
	for _, n := range r.List(r.Mapping(doc.Root, "a file of cases", "cases")["cases"], "cases") {
		r.Mapping(n, "a case", "name", "headers", "received", "payload", "expect", "unmapped", "faults")
		var want expected
		if err := n.Decode(&want); err != nil {
			r.Problem(n, "this case can't be read: %v", err)
			continue
		}
		diff, err := v.run(&want, used)
		if err != nil {
			r.Problem(n, "%v", err)
			continue
		}
		out.Cases = append(out.Cases, Case{File: file, Line: n.Line, Name: want.Name, Diff: diff})
	}
	return r.Problems.OrNil()
}

func (v *Vendor) run(want *expected, used map[string]bool) (string, error) {
	d, err := want.delivery()
	if err != nil {
		return "", err
	}
	mapped := v.Map(d)
	got := expected{Unmapped: mapped.Unmapped}
	for _, e := range mapped.Events {
		used[e.Mapping] = true
		data, err := dictionary.Parse(e.Data, DefaultLimits)
		if err != nil {
			return "", fmt.Errorf("reading the data of %s: %w", e.Type, err)
		}
		fields, _ := data.(map[string]any)
		got.Expect = append(got.Expect, shown{e.Type, e.ID, e.Time.String(), fields})
	}
	for _, f := range mapped.Faults {
		got.Faults = append(got.Faults, f.Err.Error())
	}
	return want.diff(&got)
}

// diff compares as YAML with sorted keys. A fault is named by a part of its text.
func (e *expected) diff(got *expected) (string, error) {
	var texts [2]string
	for i, of := range []*expected{e, got} {
		raw, err := yaml.Marshal(map[string]any{"expect": of.Expect, "unmapped": of.Unmapped})
		if err != nil {
			return "", fmt.Errorf("comparing: %w", err)
		}
		texts[i] = string(raw)
	}
	diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(texts[0]), B: difflib.SplitLines(texts[1]), FromFile: "expected", ToFile: "came", Context: 4,
	})
	if err != nil {
		return "", fmt.Errorf("comparing: %w", err)
	}
	return diff + e.faultDiff(got.Faults), nil
}

func (e *expected) faultDiff(got []string) string {
	if len(e.Faults) != len(got) {
		return fmt.Sprintf("%d faults, not %d: %s\n", len(got), len(e.Faults), strings.Join(got, "; "))
	}
	var diff strings.Builder
	for i, part := range e.Faults {
		if !strings.Contains(got[i], part) {
			fmt.Fprintf(&diff, "fault %d is %q, without %q\n", i, got[i], part)
		}
	}
	return diff.String()
}

func (e *expected) delivery() (Delivery, error) {
	raw, err := json.Marshal(e.Payload)
	if err != nil {
		return Delivery{}, fmt.Errorf("payload: %w", err)
	}
	body, err := Decode(raw)
	if err != nil {
		return Delivery{}, fmt.Errorf("payload: %w", err)
	}
	if e.Received == "" {
		e.Received = defaultReceived
	}
	at, err := compliance.ParseInstant(e.Received)
	if err != nil {
		return Delivery{}, fmt.Errorf("received: %w", err)
	}
	return Delivery{Headers: e.Headers, Body: body, SHA256: sha256.Sum256(raw), Received: at}, nil
}

// DefaultLimits are those of a delivery. The largest of a webhook that was seen has
// 30,000 keys.
var DefaultLimits = dictionary.Limits{Bytes: maxBytes, Depth: 64, Keys: 200_000}

// perKey is how few bytes the keys and elements of a large payload have, on average: a
// record of a log has some 40 in 1,500. It bounds what is made of them in memory.
const perKey = 24

// Decode reads a payload for Map.
func Decode(raw []byte) (any, error) {
	limits := DefaultLimits
	limits.Keys = max(limits.Keys, len(raw)/perKey)
	return dictionary.Parse(raw, limits)
}
