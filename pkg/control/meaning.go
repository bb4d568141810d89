package control

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/parser"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Clause is one thing that a control says, in a form that doesn't show how it was
// written: blanks, the order of keys, redundant brackets, 60s or 1m.
type Clause struct {
	// Key is the place in the control file, such as expect.ack.between; or what the
	// control reads of the boundary file, such as refs.providers[acme].
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Clauses are everything of a control that can change a verdict, in the order of keys.
// Control.Meaning is their hash.
func (c *Control) Clauses() []Clause { return c.clauses }

// Wording are what else the file says, which changes no verdict.
func (c *Control) Wording() []Clause { return c.wording }

// meaning collects clauses. What it doesn't know counts as it is written, so that a
// key added to the language is never taken for words.
type meaning struct {
	c    *compiler
	list []Clause
}

func (m *meaning) add(key, value string) { m.list = append(m.list, Clause{key, value}) }

// Kinds of values, by the key that they stand at.
var (
	conditionKeys = []string{"where", "having", "assert", "applies", "when", "live", "over", "clock"}
	durationKeys  = []string{"remedy_until", "cap", "within", "restated", "same_for", "final_after", "correct_until"}
	typeKeys      = []string{"event", "from", "verdicts"}
	// unsaid are values that a key has anyway.
	unsaid = map[string]string{"zone": "UTC", "count": "item", "as": "part", "final_after": "1h", "correct_until": "7d", "remedy_until": "0s", "max": "1000"}
)

// meanings computes the clauses and their hash.
func (c *compiler) meanings(f map[string]*yaml.Node) {
	m := &meaning{c: c}
	for _, key := range semantic {
		if f[key] != nil {
			m.node(key, key, "", f[key])
		}
	}
	m.readOfBoundary()
	m.clocks()
	m.sources()
	for id, read := range c.judgedBy(func(v *Control) string { return v.Meaning }) {
		m.add("verdicts["+id+"]", hashOf(read))
	}
	slices.SortStableFunc(m.list, func(a, b Clause) int { return strings.Compare(a.Key, b.Key) })
	c.control.clauses, c.control.Meaning = m.list, hashOf(m.list)
	w := &meaning{c: c}
	for _, key := range words {
		if f[key] != nil {
			w.add(key, plainText(f[key]))
		}
	}
	c.control.wording = w.list
}

// node adds what stands at a key; within is the key above.
func (m *meaning) node(path, key, within string, n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode && within != "params":
		if key == "expect" || key == "reasons" { // evidence is named in that order, and the first reason counts
			m.add(path, strings.Join(keysOf(n), ", "))
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := strings.TrimSpace(n.Content[i].Value)
			m.node(path+"."+k, k, key, n.Content[i+1])
		}
	case n.Kind == yaml.SequenceNode && key == "instead":
		for i, entry := range n.Content {
			m.node(fmt.Sprintf("%s[%d]", path, i), "", key, entry)
		}
	default:
		if value := m.value(path, key, within, n); value != unsaid[key] || value == "" {
			m.add(path, value)
		}
	}
}

func keysOf(n *yaml.Node) (keys []string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	return keys
}

// value is what is said at a key, in one form.
func (m *meaning) value(path, key, within string, n *yaml.Node) string {
	text := plainText(n)
	switch {
	case within == "params":
		return written(m.c.control.Params[key])
	case within == "fold":
		if parts := foldPattern.FindStringSubmatch(text); parts != nil && parts[2] != "" {
			return parts[1] + "(" + m.condition(parts[2]) + ")"
		}
		return strings.TrimSpace(text)
	case within == "reasons" || slices.Contains(conditionKeys, key),
		key == "item" && within == "population", key == "key" && within == "expand":
		return m.condition(text)
	case key == "between":
		return m.interval(path, text)
	case slices.Contains(durationKeys, key):
		if d, err := ParseDuration(text); err == nil {
			return FormatDuration(d)
		}
	case slices.Contains(typeKeys, key):
		types := strings.Split(text, ", ")
		slices.Sort(types)
		return strings.Join(slices.Compact(types), ", ")
	}
	return text
}

// plainText is a scalar, or a list of plain words with commas; else it is JSON.
func plainText(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.ScalarNode:
		return n.Value
	case n.Kind == yaml.SequenceNode && !slices.ContainsFunc(n.Content, func(e *yaml.Node) bool {
		return e.Kind != yaml.ScalarNode || strings.Contains(e.Value, ",")
	}):
		list := make([]string, len(n.Content))
		for i, e := range n.Content {
			list[i] = e.Value
		}
		return strings.Join(list, ", ")
	}
	return written(generic(n))
}

// written is a value as JSON, which tells 3 from "3".
func written(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// condition is an expression as CEL's own printer writes it.
func (m *meaning) condition(text string) string {
	parsed, issues := m.c.env.Parse(text)
	if issues.Err() != nil {
		return text
	}
	native := parsed.NativeRep()
	const wide = 1 << 20 // on one line
	plain, err := parser.Unparse(native.Expr(), native.SourceInfo(), parser.WrapOnColumn(wide))
	if err != nil {
		return text
	}
	return plain
}

// interval is one of an expectation, found by its place.
func (m *meaning) interval(path, text string) string {
	name := strings.TrimSuffix(path, ".between")
	_, unless := strings.CutSuffix(name, ".unless")
	name = strings.TrimSuffix(name, ".unless")
	name = name[strings.LastIndexByte(name, '.')+1:]
	i, ok := m.c.index[name]
	if !ok {
		return text
	}
	e := m.c.control.Expectations[i]
	if unless {
		return m.written(e.unlessBetween(), name)
	}
	return m.written(e.Between, name)
}

func (m *meaning) written(iv Interval, owner string) string {
	opening, closing := "[", "]"
	if iv.From.Open {
		opening = "("
	}
	if iv.To.Open {
		closing = ")"
	}
	return opening + m.bound(iv.From, owner) + ", " + m.bound(iv.To, owner) + closing
}

func (m *meaning) bound(b Bound, owner string) string {
	anchor := ""
	switch b.Anchor {
	case AnchorItem:
	case AnchorPeriod:
		anchor = "period"
	case AnchorExpectation:
		anchor = m.c.control.Expectations[b.Of].Name + ".time"
	case AnchorCandidate:
		anchor = owner + ".time"
	case AnchorComputed:
		return m.condition(b.Time.Source)
	}
	moved := FormatDuration(b.Offset)
	if b.Days != 0 {
		moved = fmt.Sprintf("%dbd", b.Days)
	}
	switch {
	case anchor == "":
		return moved
	case !b.Moved():
		return anchor
	case strings.HasPrefix(moved, "-"):
		return anchor + " - " + moved[1:]
	}
	return anchor + " + " + moved
}

// readOfBoundary adds the rows of the lists and tables that conditions read.
func (m *meaning) readOfBoundary() {
	read := maps.Clone(m.c.declaredRead)
	if s := m.c.control.Population.Schedule; s != nil {
		prefix := "boundary."
		if s.ForEach.InRefs {
			prefix = "refs."
		}
		read[prefix+s.ForEach.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		d := m.c.declared.Boundary[strings.TrimPrefix(name, "boundary.")]
		if table, isTable := strings.CutPrefix(name, "refs."); isTable {
			d = m.c.declared.Refs[table]
		}
		if d == nil {
			continue // a table made of events
		}
		for _, r := range d.rows {
			m.add(fmt.Sprintf("%s[%s]", name, r.name()), r.written())
		}
	}
}

// name is the row's key as the file has it.
func (r *DeclaredRow) name() string {
	if len(r.Parts) == 0 {
		return r.Key
	}
	return strings.Trim(written(r.Parts), "[]")
}

func (r *DeclaredRow) written() string {
	fields := maps.Clone(r.Fields)
	if fields["id"] == r.Key && len(fields) == 1 {
		delete(fields, "id")
	}
	if r.From != compliance.Ever {
		fields["valid_from"] = r.From.String()
	}
	if r.Until != compliance.Never {
		fields["valid_until"] = r.Until.String()
	}
	return written(fields)
}

// clocks adds what business days, and the clocks of a zone, come to.
func (m *meaning) clocks() {
	s := m.c.control.Population.Schedule
	switch {
	case m.c.countsDays():
		m.add("calendars", written(m.c.days.meaning()))
	case s != nil && s.Zone != time.UTC:
		m.add("population.zone.clocks", zoneMeaning(s.Zone))
	}
}

// sources adds whose silence makes evidence unknown.
func (m *meaning) sources() {
	types := m.c.control.Reads()[len(m.c.control.Population.Types):] // evidence has to be heard
	for _, i := range m.c.declared.SourcesOf(types) {
		s := m.c.declared.Sources[i]
		if s.MaxGap == 0 && !s.Counts {
			continue // its silence can't be told
		}
		sent := slices.DeleteFunc(slices.Clone(s.Types), func(t string) bool { return !overlaps(t, types) })
		slices.Sort(sent)
		heard := []any{FormatDuration(s.MaxGap), slices.Compact(sent)}
		if s.Counts {
			heard = append(heard, "counts")
		}
		m.add("sources["+s.Name+"]", written(heard))
	}
}

// noteDeclared notes the names of the boundary that an expression reads.
func (c *compiler) noteDeclared(p *Program) {
	for name := range freeNames(p.ast.Expr(), nil) {
		if strings.HasPrefix(name, "boundary.") || strings.HasPrefix(name, "refs.") {
			c.declaredRead[name] = true
		}
	}
}
