package control

import (
	"errors"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Doubt says why a condition is unknown, apart from evidence that isn't exact.
type Doubt struct {
	// Failed: it could not be computed although its evidence is exact.
	Failed bool
	// Waits: the sources of a table that it reads haven't been heard yet, and may be.
	// Silent: they weren't, for good. Unread: it reaches before the record of its version.
	Waits, Silent, Unread bool
}

// Or has what either doubt has.
func (d Doubt) Or(o Doubt) Doubt {
	return Doubt{d.Failed || o.Failed, d.Waits || o.Waits, d.Silent || o.Silent, d.Unread || o.Unread}
}

// unheard is the error of a look into a table that can't be believed.
type unheard struct{ Doubt }

func (u unheard) Error() string {
	if u.Waits {
		return "the sources of this table haven't been heard yet"
	}
	return "the sources of this table were silent"
}

// DoubtOf is why an expression has no value: it failed, unless a table wasn't heard.
func DoubtOf(err error) Doubt {
	if u, ok := errors.AsType[unheard](err); ok {
		return u.Doubt
	}
	return Doubt{Failed: err != nil}
}

// NewHeard is the part of a table made of events that lies at a join key. It is believed
// as far as its sources were heard: doubts is asked with a row, and with nil of there
// being none. Where it has one, what is looked up is unknown, as Kleene has it; so is
// what lies at other join keys.
func NewHeard(at string, rows map[string]View, doubts func(row View) Doubt) *Table {
	t := NewTable(rows)
	t.at, t.doubts = at, doubts
	return t
}

// AsOf has the table say what it was at another instant, too.
func (t *Table) AsOf(table func(compliance.Instant) *Table) *Table {
	seen := map[compliance.Instant]*Table{}
	t.asOf = func(at compliance.Instant) *Table {
		if seen[at] == nil {
			seen[at] = table(at)
		}
		return seen[at]
	}
	return t
}

// atBinding is `refs.t.at(event.time)`.
func atBinding(table, at ref.Val) ref.Val {
	t, ok := table.(*Table)
	when, isTime := at.Value().(time.Time)
	if !ok || !isTime || t.asOf == nil {
		return types.NewErr(".at() needs a reference table, and the time of an event")
	}
	return t.asOf(compliance.InstantOf(when))
}

// checkAt refuses a table as of any time but the item's, or that of an event which is
// evidence: rows are kept no longer than these reach.
func (c *compiler) checkAt(e ast.Expr, vars map[string]fieldSet, report report) {
	if !c.timeOfEvent(e, vars) {
		report(e, "a table is told as of the item, or of an event that is evidence: item.time, event.time, or the .time of one in an expectation")
	}
}

func (c *compiler) timeOfEvent(e ast.Expr, vars map[string]fieldSet) bool {
	switch e.Kind() {
	case ast.IdentKind:
		n, ok := c.evidence[e.AsIdent()]
		return ok && strings.HasSuffix(e.AsIdent(), ".time") && c.control.Expectations[n.of].Pick != PickAll
	case ast.SelectKind:
		s := e.AsSelect()
		return s.FieldName() == "time" && s.Operand().Kind() == ast.IdentKind && vars[s.Operand().AsIdent()] != nil
	}
	return false
}

// doubt is the error of looking under a key at rows that can't be believed; nil if they can.
func (t *Table) doubt(key string, rows ...View) ref.Val {
	if t.at != "" && key != "" && key != t.at && !strings.HasPrefix(key, strings.TrimSuffix(t.at, "]")+",") {
		return types.NewErr("this table has rows of the item's own key only, %s; %s is another", t.at, key)
	}
	var d Doubt
	if t.doubts != nil {
		for _, row := range rows {
			d = d.Or(t.doubts(row))
		}
	}
	if d == (Doubt{}) {
		return nil
	}
	return types.WrapErr(unheard{d})
}

// believing is s with tables whose rows are all believed, heard or not.
func (s *Scope) believing() *Scope {
	b := *s
	b.Derived = nil
	for _, t := range s.Derived {
		b.Derived = append(b.Derived, t.believed())
	}
	return &b
}

func (t *Table) believed() *Table {
	b := &Table{rows: t.rows, keys: t.keys, at: t.at}
	if t.asOf != nil {
		b.asOf = func(at compliance.Instant) *Table { return t.asOf(at).believed() }
	}
	return b
}

// Told is when the event happened that a row comes from; false if it comes from none.
func (v View) Told() (compliance.Instant, bool) {
	t, ok := v["time"].(time.Time)
	return compliance.InstantOf(t), ok
}

// Since is from when on the sources of t have to be heard for what isn't there at an
// instant: from their first word, or as long as they take to tell all again.
func (t *DerivedTable) Since(at compliance.Instant) compliance.Instant {
	if t.Restated == 0 {
		return compliance.Ever
	}
	return at.Add(-t.Restated)
}

// tablesIn are the derived tables that an expression reads, sorted.
func (c *compiler) tablesIn(e ast.Expr) []int {
	free := freeNames(e, nil)
	var read []int
	for _, t := range c.control.Tables {
		if free["refs."+t.Name] {
			read = append(read, t.Index)
		}
	}
	return read
}

// restated reads how often a table's sources tell all of its live rows again.
func (c *compiler) restated(n *yaml.Node) (every time.Duration) {
	if n == nil {
		return 0
	}
	if c.duration(n, &every); every == 0 {
		c.r.Problem(n, "restated: is how often all live rows are told again, such as 24h")
	}
	return every
}

// Notes are what is sound and may still surprise whoever wrote c.
func (b *Bundle) Notes(c *Control) []string {
	notes := slices.Clone(c.notes)
	for _, t := range c.Tables {
		heard := slices.DeleteFunc(b.SourcesOf(t.Types), func(i int) bool { return b.Sources[i].MaxGap == 0 })
		if t.Restated == 0 && len(heard) > 0 {
			notes = append(notes, "refs."+t.Name+" has no restated:, so after one silence of "+b.Sources[heard[0]].Name+
				" that a key has no row is unknown for ever")
		}
	}
	if c.Population.SameFor > 0 {
		for _, key := range c.Key {
			if !reads(c.Population.ID, key[0]) {
				notes = append(notes, "item: doesn't say "+key.String()+", which its evidence is joined by, so events of one id that differ in it aren't the same")
			}
		}
	}
	return notes
}

// reads tells whether an expression reads a field of its event.
func reads(p *Program, field string) bool {
	found := false
	var walk func(ast.Expr)
	walk = func(e ast.Expr) {
		found = found || e.Kind() == ast.SelectKind && e.AsSelect().FieldName() == field
		for _, child := range children(e) {
			walk(child)
		}
	}
	walk(p.ast.Expr())
	return found
}
