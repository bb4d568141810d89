// Package document reads YAML files that people write, strictly: every fault is
// found at once, each with file:line:column.
//
// Parse makes a Document of bytes and bounds it; a Document's Reader takes its
// nodes apart, refuses what a file must not say, and collects the problems. What a
// file means is its package's affair (pkg/control, pkg/controltest, pkg/source).
package document

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one parsed YAML file, whose nodes know their places.
type Document struct {
	File string
	Root *yaml.Node
	text []byte
}

// maxNodes bounds a file after its aliases are expanded.
const maxNodes = 100_000

// yamlLine is how the parser says where a syntax error is.
var yamlLine = regexp.MustCompile(`(?s)^yaml: line (\d+): (.*)$`)

// Parse reads a file that holds one document; its error is Problems. What an alias
// stands for stands in its place, as if it had been written twice.
func Parse(file string, text []byte) (*Document, error) {
	d := &Document{File: file, text: text}
	r := d.Reader()
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		r.At(1, 1, "the file is empty")
	} else if err != nil {
		r.syntax(err)
	} else if err := decoder.Decode(&second); err == nil {
		r.Problem(&second, "a second document begins here; a file holds one")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	} else {
		nodes := 0
		r.bounded(doc.Content[0], map[*yaml.Node]bool{}, &nodes)
	}
	if err := r.Problems.OrNil(); err != nil {
		return nil, err
	}
	d.Root = expanded(doc.Content[0])
	return d, nil
}

func (r *Reader) syntax(err error) {
	line, text := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	r.At(line, 1, "this is no YAML: %s", strings.TrimPrefix(text, "yaml: "))
}

// bounded refuses aliases that contain themselves or blow the file up.
func (r *Reader) bounded(n *yaml.Node, open map[*yaml.Node]bool, nodes *int) {
	if *nodes++; *nodes > maxNodes {
		return
	}
	if n.Kind == yaml.AliasNode {
		if open[n.Alias] {
			r.Problem(n, "the alias *%s stands inside of what it means", n.Value)
			return
		}
		r.bounded(n.Alias, open, nodes)
	}
	open[n] = true
	for _, child := range n.Content {
		if r.bounded(child, open, nodes); *nodes > maxNodes {
			break
		}
	}
	delete(open, n)
	if *nodes == maxNodes+1 {
		*nodes++ // say it once
		r.At(1, 1, "the file has more than %d parts once its aliases are expanded", maxNodes)
	}
}

// expanded is a copy of a tree in which each alias gave way to what it stands for. That
// keeps its place in the file.
func expanded(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = expanded(child)
	}
	return &c
}
