package engine_test

import "strings"

func (g generator) restated() string { return g.one("", "", ", restated: 40m", ", restated: 2h") }

func (g generator) undoesByTable() string {
	if g.table == "" {
		return ""
	}
	return ", where: '" + g.ofTable(g.key, "event.v", "event") + "'"
}

func (g generator) foldOfTable() string {
	if g.table == "" || g.chance(50) {
		return ""
	}
	return ", held: 'sum(" + g.ofTable(g.key, "event.v", "event") + " ? event.n : 0)'"
}

// ofTable reads the table for a key, perhaps as of an event.
func (g generator) ofTable(k, v, event string) string {
	text := g.lookUp(k, v)
	if g.chance(30) {
		text = strings.ReplaceAll(text, "refs.held", "refs.held.at("+event+".time)")
	}
	return text
}

func (g generator) lookUp(k, v string) string {
	if g.table == "[event.k]" {
		return g.one(k+" in refs.held", "!("+k+" in refs.held)", "refs.held["+k+"].n > 1", "refs.held.of("+k+").exists(r, r.v == "+v+")")
	}
	return g.one("["+k+", "+v+"] in refs.held", "!(["+k+", "+v+"] in refs.held)", "refs.held.of("+k+").size() == 1",
		"refs.held.of("+k+").exists(r, r.n > 1)", "refs.held.of(["+k+", "+v+"]).all(r, r.n > 0)")
}

// items says what items are called, and perhaps for how long.
func (g generator) items(b *strings.Builder, ids []string) {
	if !g.chance(60) {
		return
	}
	// an item's id must follow from its join key, which may hold v
	b.WriteString("  item: '" + g.one(ids...) + "'\n")
	if g.chance(25) {
		b.WriteString("  same_for: " + g.one("15m", "40m", "2h", "4d", "40d") + "\n")
	}
}
