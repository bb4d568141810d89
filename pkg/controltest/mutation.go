package controltest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/control"
)

// mutation is one change of a control's file.
type mutation struct {
	name, old string
	place     *yaml.Node // where it is, and in bytes where in its text
	at        int
	node      *yaml.Node // which is changed
	change    func(*yaml.Node)
}

// mutations are all changes of a control that its tests should notice. They are in
// the order of the file.
func mutations(root *yaml.Node) []mutation {
	m := &mutator{}
	m.keys(root)
	return m.list
}

type mutator struct{ list []mutation }

// conditions are the keys that hold an expression; without one of the optional ones a
// control says something else, so it is left out too.
var (
	conditions = []string{"where", "assert", "having", "applies", "when", "live", "item", "over"}
	optional   = []string{"where", "having", "applies", "pick", "latest", "unless", "remedy_until", "cancelled_by", "restated", "same_for"}
)

// keys walks a mapping of the language.
func (m *mutator) keys(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if slices.Contains(optional, key) {
			m.without(n, i, "no "+key)
		}
		switch {
		case slices.Contains(conditions, key):
			m.expression(value)
		case key == "between":
			m.interval(value)
		case key == "remedy_until" || key == "cap" || key == "restated" || key == "same_for":
			m.longer(value)
		default:
			m.value(key, n, i)
		}
	}
}

func (m *mutator) value(key string, n *yaml.Node, i int) {
	value := n.Content[i+1]
	switch key {
	case "reasons", "fold":
		m.reasons(value)
	case "params":
		for j := 1; j < len(value.Content); j += 2 {
			m.number(value.Content[j])
		}
	case "expect", "tables":
		for j := 1; j < len(value.Content); j += 2 {
			m.keys(value.Content[j])
		}
	case "instead":
		for j := range value.Content {
			m.drop(value, j, 1, "no alternative", "when")
			m.keys(value.Content[j])
		}
	case "population", "cancelled_by", "unless", "expand":
		m.keys(value)
	case "on":
		for j := 0; len(value.Content) > 2 && j < len(value.Content); j += 2 {
			m.drop(value, j, 2, "fewer keys", value.Content[j].Value)
		}
	case "event", "from":
		for j := 0; len(value.Content) > 1 && j < len(value.Content); j++ {
			m.drop(value, j, 1, "fewer types", value.Content[j].Value)
		}
	case "pick":
		m.swap(value, "last is first", "last", "first")
		m.swap(value, "first is last", "first", "last")
	case "count":
		m.swap(value, "parts together", "part", "item")
		m.swap(value, "parts apart", "item", "part")
	case "zone":
		m.set(value, "in UTC", "UTC")
	case "max":
		m.number(value)
	case "waivable":
		m.swap(value, "waivable", "false", "true")
	}
}

func (m *mutator) add(name, old string, n *yaml.Node, at int, change func(*yaml.Node)) {
	m.list = append(m.list, mutation{name, old, n, at, n, change})
}

func (m *mutator) set(n *yaml.Node, name, to string) {
	if n.Kind == yaml.ScalarNode && n.Value != to {
		m.add(name, n.Value, n, 0, func(c *yaml.Node) { c.Value = to })
	}
}

func (m *mutator) swap(n *yaml.Node, name, from, to string) {
	if n.Value == from {
		m.set(n, name, to)
	}
}

// drop leaves out some of what stands in a node, from an index on.
func (m *mutator) drop(n *yaml.Node, i, count int, name, old string) {
	m.list = append(m.list, mutation{name, old, n.Content[i], 0, n, func(c *yaml.Node) {
		c.Content = slices.Delete(slices.Clone(c.Content), i, i+count)
	}})
}

func (m *mutator) without(n *yaml.Node, i int, name string) {
	m.drop(n, i, 2, name, n.Content[i].Value)
}

// reasons are changed, and left out one by one: what comes after then says why.
func (m *mutator) reasons(n *yaml.Node) {
	for j := 0; j+1 < len(n.Content); j += 2 {
		m.expression(n.Content[j+1])
		m.drop(n, j, 2, "no such reason", n.Content[j].Value)
	}
}

var width = regexp.MustCompile(`bucket\([^)]*["']([0-9a-z]+)["']\)`)

func (m *mutator) expression(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		return
	}
	edits := editsOf(n.Value)
	for _, at := range width.FindAllStringSubmatchIndex(n.Value, -1) {
		if d, err := control.ParseDuration(n.Value[at[2]:at[3]]); err == nil && d > time.Millisecond {
			edits = append(edits, edit{"half as wide", n.Value[at[2]:at[3]], at[2], n.Value[:at[2]] + control.FormatDuration(d/2) + n.Value[at[3]:]})
		}
	}
	for _, e := range edits {
		m.add(e.name, e.old, n, e.at, func(c *yaml.Node) { c.Value = e.changed })
	}
}

func (m *mutator) number(n *yaml.Node) {
	v, err := strconv.Atoi(n.Value)
	if err != nil {
		return
	}
	m.set(n, "one more", strconv.Itoa(v+1))
	m.set(n, "one less", strconv.Itoa(v-1))
}

func (m *mutator) longer(n *yaml.Node) {
	if d, err := control.ParseDuration(n.Value); err == nil {
		m.set(n, "a millisecond longer", control.FormatDuration(d+time.Millisecond))
	}
}

// ends are those of an interval: its bracket, an anchor, and a duration from it.
var ends = regexp.MustCompile(`^\s*([\[(])\s*(.*?)\s*,\s*([^,]*?)\s*([\])])\s*$`)

// interval moves each end by a millisecond, out and in, and opens or closes it.
func (m *mutator) interval(n *yaml.Node) {
	at := ends.FindStringSubmatchIndex(n.Value)
	if at == nil {
		return
	}
	part := func(i int) string { return n.Value[at[2*i]:at[2*i+1]] }
	replace := func(name string, i int, to string) {
		changed := n.Value[:at[2*i]] + to + n.Value[at[2*i+1]:]
		m.add(name, n.Value, n, at[2*i], func(c *yaml.Node) { c.Value = changed })
	}
	other := map[string]string{"[": "(", "(": "[", "]": ")", ")": "]"}
	verb := map[string]string{"[": "open", "]": "open", "(": "close", ")": "close"}
	replace(verb[part(1)]+" the start", 1, other[part(1)])
	replace(verb[part(4)]+" the end", 4, other[part(4)])
	for i, name := range []string{"start", "end"} {
		if to, ok := moved(part(2+i), -time.Millisecond); ok {
			replace(name+" a millisecond earlier", 2+i, to)
		}
		if to, ok := moved(part(2+i), time.Millisecond); ok {
			replace(name+" a millisecond later", 2+i, to)
		}
	}
}

var bound = regexp.MustCompile(`^(?:([a-z_][a-z0-9_]*(?:\.time)?)(?:\s*([+-])\s*([0-9a-z]+))?|(-?[0-9a-z]+))$`)

// moved is an end of an interval, moved; ok is false for business days and for what is
// computed.
func moved(end string, by time.Duration) (to string, ok bool) {
	b := bound.FindStringSubmatch(end)
	if b == nil {
		return "", false
	}
	text := b[4]
	if b[1] != "" {
		text = strings.TrimPrefix(b[2], "+") + b[3]
		if b[3] == "" {
			text = "0s"
		}
	}
	d, err := control.ParseDuration(text)
	if err != nil {
		return "", false
	}
	d += by
	switch {
	case b[1] == "":
		return control.FormatDuration(d), true
	case d < 0:
		return b[1] + " - " + control.FormatDuration(-d), true
	}
	return b[1] + " + " + control.FormatDuration(d), true
}

// clone copies a tree, with one node of it changed.
func clone(n, target *yaml.Node, change func(*yaml.Node)) *yaml.Node {
	c := *n
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, clone(child, target, change))
	}
	if n == target {
		change(&c)
	}
	return &c
}
