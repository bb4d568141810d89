package control

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"
)

// Problem is one fault in a control file, with its place.
type Problem struct {
	File         string
	Line, Column int
	Text         string
}

// String is file:line:column: text.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Compare orders problems by their places.
func (p Problem) Compare(o Problem) int {
	return cmp.Or(cmp.Compare(p.File, o.File), cmp.Compare(p.Line, o.Line), cmp.Compare(p.Column, o.Column))
}

// Problems are all faults found in one go.
type Problems []Problem

// Error lists every problem on a line of its own.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// orNil is ps sorted by place, or nil if there are none.
func (ps Problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, Problem.Compare)
	return ps
}

// reader walks YAML nodes and collects problems with their places.
type reader struct {
	file     string
	lines    [][]rune // of the file, for places inside of expressions
	problems Problems
}

func (r *reader) problem(n *yaml.Node, format string, args ...any) {
	r.at(n.Line, n.Column, format, args...)
}

func (r *reader) at(line, column int, format string, args ...any) {
	r.problems = append(r.problems, Problem{r.file, line, column, fmt.Sprintf(format, args...)})
}

// mapping gives the values of a mapping by key, and refuses keys that aren't known.
func (r *reader) mapping(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	fields := map[string]*yaml.Node{}
	r.each(n, what, func(key, value *yaml.Node) {
		switch {
		case !slices.Contains(known, key.Value):
			r.problem(key, "%s has no key %q%s; it has %s", what, key.Value, DidYouMean(key.Value, known), strings.Join(known, ", "))
		default:
			fields[key.Value] = value
		}
	})
	return fields
}

// each visits the pairs of a mapping in the order of the file.
func (r *reader) each(n *yaml.Node, what string, visit func(key, value *yaml.Node)) {
	if n == nil {
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
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

// text is a scalar; empty if n is nil.
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

// texts is a scalar or a list of scalars.
func (r *reader) texts(n *yaml.Node, what string) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	if n.Kind != yaml.SequenceNode {
		r.problem(n, "%s must be text or a list of texts", what)
		return nil
	}
	var list []string
	for _, c := range n.Content {
		list = append(list, r.text(c, what))
	}
	return list
}

// DidYouMean is " (did you mean …?)" with the nearest of the known words, or
// nothing if none is near.
func DidYouMean(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := levenshtein.ComputeDistance(word, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
