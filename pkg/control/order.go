package control

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/document"
)

// reading is a file that reads the verdicts of a control, and where it says so.
type reading struct {
	of string
	at *yaml.Node
}

// ordering puts control files in an order in which each reads the verdicts of controls
// before it only.
type ordering struct {
	files    map[string][]*document.Document // by the control's id
	visited  map[string]bool
	path     []string // ids being visited
	ordered  []*document.Document
	problems document.Problems
}

// inOrder orders the files; it reports circles, and controls that there aren't.
func inOrder(files []*document.Document) ([]*document.Document, document.Problems) {
	o := &ordering{files: map[string][]*document.Document{}, visited: map[string]bool{}}
	for _, doc := range files {
		id := idOf(doc)
		o.files[id] = append(o.files[id], doc)
	}
	for _, doc := range files {
		o.visit(idOf(doc))
	}
	return o.ordered, o.problems
}

func (o *ordering) visit(id string) {
	if o.visited[id] {
		return
	}
	o.visited[id] = true
	o.path = append(o.path, id)
	for _, doc := range o.files[id] {
		r := doc.Reader()
		for _, read := range readings(doc.Root) {
			o.follow(r, read)
		}
		o.problems = append(o.problems, r.Problems...)
	}
	o.path = o.path[:len(o.path)-1]
	o.ordered = append(o.ordered, o.files[id]...)
}

func (o *ordering) follow(r *document.Reader, read reading) {
	begins := slices.Index(o.path, read.of)
	switch {
	case o.files[read.of] == nil:
		var known []string
		for id := range o.files {
			known = append(known, id)
		}
		slices.Sort(known)
		r.Problem(read.at, "there is no control %q whose verdicts could be read%s", read.of, document.DidYouMean(read.of, known))
	case begins == len(o.path)-1:
		r.Problem(read.at, "%s reads its own verdicts; a control can only read those of others", read.of)
	case begins >= 0:
		r.Problem(read.at, "these verdicts go round in a circle: %s; one of them has to be judged by events alone", strings.Join(append(slices.Clone(o.path[begins:]), read.of), " reads "))
	default:
		o.visit(read.of)
	}
}

func idOf(doc *document.Document) string {
	if n := entry(doc.Root, "id"); n != nil {
		return n.Value
	}
	return ""
}

// readings are whose verdicts a control file reads, as far as it can be read.
func readings(root *yaml.Node) []reading {
	expects := []*yaml.Node{entry(root, "expect")}
	if list := entry(root, "instead"); list != nil {
		for _, alternative := range list.Content {
			expects = append(expects, entry(alternative, "expect"))
		}
	}
	var found []reading
	if n := entry(root, "compensated_by"); n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			found = append(found, reading{n.Content[i].Value, n.Content[i]})
		}
	}
	for _, n := range expects {
		if n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		for i := 1; i < len(n.Content); i += 2 {
			found = append(found, named(entry(n.Content[i], "verdicts"))...)
		}
	}
	return found
}

// named are the ids that a node names, one or a list.
func named(n *yaml.Node) []reading {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.SequenceNode:
		var all []reading
		for _, one := range n.Content {
			all = append(all, reading{one.Value, one})
		}
		return all
	}
	return []reading{{n.Value, n}}
}

// entry is what stands at a key of a mapping; nil if it is none, or has none.
func entry(n *yaml.Node, key string) *yaml.Node {
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

// Beside are the files, of some, that a control's file can't be compiled without: those
// of the control's other versions, and of the controls whose verdicts they read, and so on.
func Beside(doc *document.Document, files []*document.Document) (needed []*document.Document) {
	seen := map[string]bool{idOf(doc): true}
	for _, other := range files {
		if other.File != doc.File && idOf(other) == idOf(doc) {
			needed = append(needed, other)
		}
	}
	for next := append([]*document.Document{doc}, needed...); len(next) > 0; next = next[1:] {
		for _, read := range readings(next[0].Root) {
			if seen[read.of] {
				continue
			}
			seen[read.of] = true
			for _, other := range files {
				if idOf(other) == read.of {
					needed, next = append(needed, other), append(next, other)
				}
			}
		}
	}
	return needed
}
