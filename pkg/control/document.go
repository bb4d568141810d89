package control

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

// Parse reads a file that holds one document; its error is Problems.
func Parse(file string, text []byte) (*Document, error) {
	r := &reader{file: file}
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		r.at(1, 1, "the file is empty")
	} else if err != nil {
		r.syntax(err)
	} else if err := decoder.Decode(&second); err == nil {
		r.problem(&second, "a second document begins here; a file holds one")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	} else {
		nodes := 0
		r.bounded(doc.Content[0], map[*yaml.Node]bool{}, &nodes)
	}
	if err := r.problems.orNil(); err != nil {
		return nil, err
	}
	return &Document{File: file, Root: doc.Content[0], text: text}, nil
}

func (r *reader) syntax(err error) {
	line, text := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	r.at(line, 1, "this is no YAML: %s", strings.TrimPrefix(text, "yaml: "))
}

// bounded refuses aliases that contain themselves or blow the file up.
func (r *reader) bounded(n *yaml.Node, open map[*yaml.Node]bool, nodes *int) {
	if *nodes++; *nodes > maxNodes {
		return
	}
	if n.Kind == yaml.AliasNode {
		if open[n.Alias] {
			r.problem(n, "the alias *%s stands inside of what it means", n.Value)
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
		r.at(1, 1, "the file has more than %d parts once its aliases are expanded", maxNodes)
	}
}

func (d *Document) reader() *reader {
	r := &reader{file: d.File}
	for line := range strings.SplitSeq(string(d.text), "\n") {
		r.lines = append(r.lines, []rune(line+"\n"))
	}
	return r
}
