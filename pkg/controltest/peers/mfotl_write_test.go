package peers_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// translate writes a formula as a control; as several, all tests of one rule, if one fact
// gives several results.
func translate(text string, s signature) (yaml []string, err error) {
	f, err := parseFormula(text)
	if err != nil {
		return nil, err
	}
	return f.controls(text, s)
}

// violated is when a policy doesn't hold.
func (f *mfotl) violated() *mfotl {
	if f.op == both {
		return pairOf(either, f.kids[0].violated(), f.kids[1].violated())
	}
	return negation(f).normal()
}

// normal has no negation of a negation, nor of a disjunction.
func (f *mfotl) normal() *mfotl {
	if f.op == not {
		switch inner := f.kids[0]; inner.op {
		case not:
			return inner.kids[0].normal()
		case either:
			return pairOf(both, negation(inner.kids[0]).normal(), negation(inner.kids[1]).normal())
		}
	}
	g := *f
	g.kids = nil
	for _, kid := range f.kids {
		g.kids = append(g.kids, kid.normal())
	}
	return &g
}

func (f *mfotl) controls(title string, s signature) (yaml []string, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			yaml, err = nil, fmt.Errorf("%w: %v", errUnsaid, fault)
		}
	}()
	f = f.normal()
	t := &translation{s: s}
	vars := f.free()
	ways := t.waysOf(f, vars, 0, 0, true)
	t.needs(f, ways)
	var groups [][]items
	for _, w := range ways {
		for _, i := range t.itemsOf(w, vars) {
			groups = grouped(groups, i)
		}
	}
	for _, group := range groups {
		one := &translation{s: s, tabled: t.tabled, parts: t.parts, candidates: t.candidates}
		yaml = append(yaml, one.write(title, vars, group, one.asked(f, group)))
	}
	return yaml, nil
}

// asked is the assertion about some kinds of items.
func (t *translation) asked(f *mfotl, group []items) string {
	var asked []string
	for _, i := range group {
		asked = append(asked, conjunctionOf(i.only(group), i.near(), t.holds(f, i.at, i.k)))
	}
	return disjunctionOf(asked...)
}

// near says that the place is as far from the item as its expectations take for granted.
func (i items) near() string {
	if i.at.lo == 0 && i.at.hi == 0 {
		return "true"
	}
	return conjunctionOf("item.time - part.time >= "+seconds(-i.at.hi), "item.time - part.time <= "+seconds(-i.at.lo))
}

// grouped puts items with others, unless those have other names for the same events.
func grouped(groups [][]items, i items) [][]items {
	for g, group := range groups {
		n := slices.IndexFunc(group, func(j items) bool { return j.event == i.event && j.part == i.part })
		switch {
		case n < 0:
			groups[g] = append(group, i)
			return groups
		case fmt.Sprint(i.k) == fmt.Sprint(group[n].k) && i.at.tp == group[n].at.tp:
			group[n].at.lo, group[n].at.hi = min(i.at.lo, group[n].at.lo), max(i.at.hi, group[n].at.hi)
			return groups
		}
	}
	return append(groups, []items{i})
}

// write writes the control file.
func (t *translation) write(title string, vars []string, all []items, assert string) string {
	var events, parts []string
	for _, i := range all {
		events, parts = append(events, i.event), append(parts, i.part)
	}
	slices.Sort(events)
	slices.Sort(parts)
	events, parts = slices.Compact(events), slices.Compact(parts)
	name := t.names(vars, all)
	var b strings.Builder
	fmt.Fprintf(&b, "id: TR-01\ntitle: %q\ncriteria: [CC7.2]\n", title)
	if t.parts {
		t.tables = append(t.tables, tableOf{"parts", "[" + strings.Join(parts, ", ") + "]", []string{"event.source", "event.type", "event.tp", "event.id"}})
	}
	for i, table := range t.tables {
		if i == 0 {
			b.WriteString("tables:\n")
		}
		fmt.Fprintf(&b, "  %s: {from: %s, key: [%s]}\n", table.name, table.kind, strings.Join(table.key, ", "))
	}
	fmt.Fprintf(&b, "population:\n  event: [%s]\n", strings.Join(events, ", "))
	switch {
	case t.candidates:
		fmt.Fprintf(&b, "  item: event.id\nexpand: {over: boundary.numbers, as: part, key: %s, count: part}\n", strconv.Quote(name))
	case t.parts:
		fmt.Fprintf(&b, "  item: event.id\nexpand: {over: refs.parts.of(item.source), as: part, key: %s, count: part}\n", strconv.Quote(name))
	default:
		fmt.Fprintf(&b, "  item: %s\n", strconv.Quote(strings.ReplaceAll(name, "item.", "event.")))
	}
	if len(t.tables) > 0 && len(t.expectations) == 0 { // it says what the tables are joined by
		t.expect("point", 0, 0, []string{"event.tp == item.tp"})
	}
	for i, e := range t.expectations {
		if i == 0 {
			b.WriteString("expect:\n")
		}
		fmt.Fprintf(&b, "  %s: {%s}\n", e.name, e.says)
	}
	fmt.Fprintf(&b, "assert: %s\n", strconv.Quote(assert))
	return b.String()
}

// names is an expression for the item's name, or its part's.
func (t *translation) names(vars []string, all []items) string {
	var choices []string
	for _, i := range all {
		says := []string{"string(" + i.at.tp + ")"}
		for n, v := range vars {
			says = append(says, map[bool]string{true: `":"`, false: `","`}[n == 0], "string("+i.k[v]+")")
		}
		name, only := strings.Join(says, " + "), i.only(all)
		if only == "true" {
			return name
		}
		choices = append(choices, conjunctionOf(only, i.near())+" ? "+name)
	}
	return strings.Join(append(choices, `"-"`), " : ")
}

// translated compiles what a formula is translated to.
func translated(t *testing.T, text string, yaml []string, d *dictionary.Dictionary) *peer {
	t.Helper()
	var numbers []string // that a count or a sum can be
	for n := range 31 {
		numbers = append(numbers, strconv.Quote(strconv.Itoa(n)))
	}
	declared, err := document.Parse(control.BoundaryFile, []byte("boundary: {numbers: ["+strings.Join(numbers, ", ")+"]}"))
	require.NoError(t, err)
	var peers []*peer
	for _, one := range yaml {
		doc, err := document.Parse("translated.yaml", []byte(one))
		require.NoError(t, err, "%s\n%s", text, one)
		bundle, err := control.Compile(declared, []*document.Document{doc}, d)
		require.NoError(t, err, "%s\n%s", text, one)
		peers = append(peers, &peer{file: "translated: " + text, bundle: bundle, orders: 2})
	}
	peers[0].also = peers[1:]
	return peers[0]
}
