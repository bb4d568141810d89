package document

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Place turns a position inside a node's text (from line 1, column 0, as CEL has
// them) into one of the file (from 1, 1). It walks both texts together, since YAML
// folds lines, indents and escapes. Where it loses its way, as after \u00e9 for é,
// the place is the node's.
func (r *Reader) Place(n *yaml.Node, line, column int) (int, int) {
	if r.lines == nil {
		for line := range strings.SplitSeq(string(r.document.text), "\n") {
			r.lines = append(r.lines, []rune(line+"\n"))
		}
	}
	value := []rune(n.Value)
	offset := offsetOf(value, line, column)
	at := startOf(n, r.lines)
	for i := 0; i < offset && !at.end(); {
		if !blank(value[i]) {
			for !at.end() && at.rune() != value[i] {
				at.next() // indentation, an escape, half of a doubled quote
			}
			i++
			at.next()
			continue
		}
		for i < offset && blank(value[i]) {
			i++
		}
		at.skipBlanks()
	}
	if offset < len(value) && !blank(value[offset]) {
		at.skipBlanks()
	}
	if at.end() {
		return n.Line, n.Column
	}
	return at.line + 1, at.column + 1
}

// offsetOf is where in value a line and a column are.
func offsetOf(value []rune, line, column int) int {
	i := 0
	for ; line > 1 && i < len(value); i++ {
		if value[i] == '\n' {
			line--
		}
	}
	return min(i+column, len(value))
}

// cursor stands in a file, counting from 0; every line ends in '\n'.
type cursor struct {
	lines        [][]rune
	line, column int
}

func startOf(n *yaml.Node, lines [][]rune) cursor {
	c := cursor{lines, n.Line - 1, n.Column - 1}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		c.line, c.column = c.line+1, 0
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		c.column++
	}
	return c
}

func (c *cursor) end() bool {
	return c.line < 0 || c.line >= len(c.lines) || c.column < 0 || c.column >= len(c.lines[c.line])
}

func (c *cursor) rune() rune { return c.lines[c.line][c.column] }

func (c *cursor) next() {
	if c.column++; !c.end() || c.line+1 >= len(c.lines) {
		return
	}
	c.line, c.column = c.line+1, 0
}

func (c *cursor) skipBlanks() {
	for !c.end() && blank(c.rune()) {
		c.next()
	}
}

func blank(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' }
