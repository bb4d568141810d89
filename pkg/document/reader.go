package document

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Reader takes the nodes of one document apart and collects what is wrong with
// them. A node may be nil, for what the file doesn't say: that is empty, and no
// problem. `what` names a node to people: "a case must be a mapping".
type Reader struct {
	// Problems are those found so far, in the order of finding.
	Problems Problems

	document *Document
	lines    [][]rune // of the file, once a place inside of a text is asked for
}

// Reader makes a reader with no problems yet.
func (d *Document) Reader() *Reader { return &Reader{document: d} }

// File is the name of the document's file.
func (r *Reader) File() string { return r.document.File }

// Problem notes a fault at a node, which must not be nil.
func (r *Reader) Problem(n *yaml.Node, format string, args ...any) {
	r.At(n.Line, n.Column, format, args...)
}

// At notes a fault at a line and column, from 1.
func (r *Reader) At(line, column int, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{r.File(), line, column, fmt.Sprintf(format, args...)})
}

// Mapping gives the values of a mapping by key, and refuses keys that aren't known.
func (r *Reader) Mapping(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	fields := map[string]*yaml.Node{}
	r.Each(n, what, func(key, value *yaml.Node) {
		if !slices.Contains(known, key.Value) {
			r.Problem(key, "%s has no key %q%s; it has %s", what, key.Value, DidYouMean(key.Value, known), strings.Join(known, ", "))
			return
		}
		fields[key.Value] = value
	})
	return fields
}

// Each visits the pairs of a mapping in the order of the file, and refuses keys that stand
// there twice.
func (r *Reader) Each(n *yaml.Node, what string, visit func(key, value *yaml.Node)) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.Problem(n, "%s must be a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			r.Problem(key, "%s has the key %q twice", what, key.Value)
			continue
		}
		seen[key.Value] = true
		visit(key, n.Content[i+1])
	}
}

// List gives the elements of a list.
func (r *Reader) List(n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.Problem(n, "%s must be a list", what)
		return nil
	}
	return n.Content
}

// Text is a scalar as it is written, whatever YAML takes it for.
func (r *Reader) Text(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		r.Problem(n, "%s must be text", what)
		return ""
	}
	return n.Value
}

// Texts is a scalar or a list of scalars.
func (r *Reader) Texts(n *yaml.Node, what string) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	if n.Kind != yaml.SequenceNode {
		r.Problem(n, "%s must be text or a list of texts", what)
		return nil
	}
	var list []string
	for _, c := range n.Content {
		list = append(list, r.Text(c, what))
	}
	return list
}
