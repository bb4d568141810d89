package controltest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/document"
)

// Fate is what became of a mutant.
type Fate string

// The fates.
const (
	// Killed: a case fails, as it should.
	Killed Fate = "killed"
	// Refused: the changed file is no sound control, or its test doesn't fit it.
	Refused Fate = "refused"
	// Survived: every case passes, so nobody would notice the change.
	Survived Fate = "survived"
	// Equivalent: the author says that the change means the same.
	Equivalent Fate = "equivalent"
)

// Mutant is a control with one place changed.
type Mutant struct {
	Control string `json:"control"`
	// Place is file:line:column of what was changed, Change says what to.
	Place  string `json:"place"`
	Change string `json:"change"`
	Fate   Fate   `json:"fate"`
	// By is the case that failed.
	By string `json:"by,omitempty"`
}

// String is the mutant in one line.
func (m *Mutant) String() string { return m.Place + ": " + m.Change }

// Score counts mutants by fate.
type Score struct{ Killed, Refused, Survived, Equivalent int }

// Score says how the mutants of a control fared; of all, if it is "".
func (r *Report) Score(control string) Score {
	n := map[Fate]int{}
	for i := range r.Mutants {
		if control == "" || r.Mutants[i].Control == control {
			n[r.Mutants[i].Fate]++
		}
	}
	return Score{n[Killed], n[Refused], n[Survived], n[Equivalent]}
}

// Percent is how many of those that could be noticed were.
func (s Score) Percent() int {
	all := s.Killed + s.Refused + s.Survived
	if all == 0 {
		return 100
	}
	return 100 * (all - s.Survived) / all
}

// equivalent marks a line of a control: `# equivalent: less is at most`. The names of
// several changes stand with commas between.
var equivalent = regexp.MustCompile(`# equivalent: (.*)$`)

// mutate changes one place of a control after the other and runs its cases against the
// oracle. The engine says what the oracle says; the cases themselves see to that.
func (o *Options) mutate(ctx context.Context, s *suite) ([]Mutant, error) {
	if s.tests == nil {
		return nil, nil
	}
	same := map[int][]string{}
	equivalents(s.document.Root, same)
	place := s.document.Reader()
	var list []Mutant
	for _, m := range mutations(s.document.Root) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		line, column := m.place.Line, m.place.Column
		if m.place.Kind == yaml.ScalarNode {
			before := m.place.Value[:m.at]
			line, column = place.Place(m.place, 1+strings.Count(before, "\n"), len([]rune(before[strings.LastIndexByte(before, '\n')+1:])))
		}
		mutant := Mutant{
			Control: s.id, Place: fmt.Sprintf("%s:%d:%d", s.document.File, line, column), Change: m.name + ": " + strings.Join(strings.Fields(m.old), " "),
		}
		marked := slices.Concat(same[line], same[m.place.Line])
		if mutant.Fate, mutant.By = o.fate(s, &m); mutant.Fate == Survived && slices.Contains(marked, m.name) {
			mutant.Fate = Equivalent
		}
		list = append(list, mutant)
	}
	return list, nil
}

// fate runs the cases of a suite against a changed control until one fails.
func (o *Options) fate(s *suite, m *mutation) (fate Fate, by string) {
	changed, err := o.compile(&document.Document{File: s.document.File, Root: clone(s.document.Root, m.node, m.change)}, s.tests)
	if err != nil {
		return Refused, ""
	}
	for _, c := range changed.cases {
		if len(c.compare(c.ByOracle())) > 0 {
			return Killed, c.name
		}
	}
	return Survived, ""
}

// equivalents collects the marks by line.
func equivalents(n *yaml.Node, into map[int][]string) {
	for _, comment := range []string{n.LineComment, n.FootComment} {
		if m := equivalent.FindStringSubmatch(comment); m != nil {
			into[n.Line] = append(into[n.Line], strings.Split(m[1], ", ")...)
		}
	}
	for _, child := range n.Content {
		equivalents(child, into)
	}
}
