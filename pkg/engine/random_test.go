package engine_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// The world of the property test: three types of event with the same fields, two
// declared sources, times in minutes after an epoch.

var epoch = compliance.InstantOf(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))

func minute(n int) compliance.Instant { return epoch.Add(time.Duration(n) * time.Minute) }

func testDictionary(t testing.TB) *dictionary.Dictionary {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, name := range []string{"t.a", "t.b", "t.c", "source.heartbeat", "source.retired", "waiver.approved", "waiver.revoked"} {
		fsys[name+".json"] = &fstest.MapFile{Data: []byte(fmt.Sprintf(`{
			"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://assay.example/schemas/events/%s.json",
			"title": "Test.", "description": "Test.", "type": "object", "x-family": "access", "x-key": "source",
			"properties": {
				"k": {"type": "string", "description": "Key."}, "v": {"type": "string", "description": "Value."},
				"n": {"type": "integer", "description": "Number.", "x-unit": "1"}, "ok": {"type": "boolean", "description": "Flag."},
				"due": {"type": "string", "description": "Time."},
				"x": {"type": "number", "description": "Fraction.", "x-unit": "1"},
				"span": {"type": "string", "description": "Span."}, "parent": {"type": "string", "description": "Parent."}
			}}`, name))}
	}
	d, err := dictionary.Load(fsys)
	require.NoError(t, err)
	return d
}

const testBoundary = `
effective_from: 2026-07-01T00:30:00Z
boundary: {members: [{id: p, until: 2026-07-01T04:00:00Z}, {id: q, until: 2026-07-03T00:00:00Z}], vs: [v0, v1]}
sources: {/s1: {types: [t.b], max_gap: 20m}, /s2: {types: [t.a, t.c]}}
calendars: {cal: {weekend: [thursday, friday], holidays: [2026-07-06]}}
refs: {rows: {v0: {good: true, keep: 45m, valid_until: 2026-07-01T03:00:00Z}, v1: {good: false, keep: 3h, valid_from: 2026-07-01T01:00:00Z}}}
`

// generator makes random controls and events.
type generator struct {
	*rand.Rand
	// scale stretches the time between events; intervals stay as they are.
	scale int
	// late has most events arrive late: what opens items and parts is undone only so.
	late bool
	// counts has /s1 number what it sends.
	counts bool
	// split is the minute from which another version is effective; 0 for none.
	split int
	// again has events come for weeks, as ids are remembered.
	again bool
	// table is the key of a table that conditions read; empty: there is none.
	table string
	key   string // the item's field that evidence is joined by
	// apart: bodies of one event may join elsewhere.
	apart bool
	// eras are how often life is lived, weeks apart, so that signs of life are dropped.
	eras int
}

func (g generator) one(choices ...string) string { return choices[g.IntN(len(choices))] }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// control writes a random control in the language.
func (g generator) control() string {
	var b strings.Builder
	b.WriteString("id: TT-01\ntitle: Random\ncriteria: [CC8.1]\n")
	fmt.Fprintf(&b, "lateness: {correct_until: %s}\n", g.one("30m", "2h", "30d"))
	if g.chance(8) {
		b.WriteString("waivable: false\n")
	}
	scheduled := g.chance(25)
	expand := !scheduled && g.chance(25)
	key, byValue := "k", g.chance(30)
	ids := []string{"event.k", "event.k + \"@\" + bucket(event.time, \"1h\")", "event.k + \"-\" + event.v"}
	if byValue {
		ids = ids[2:]
	}
	if scheduled {
		fmt.Fprintf(&b, "population: {every: %s, for_each: boundary.members}\n", g.one("hour", "hour", "day"))
		key = "member"
	} else {
		b.WriteString("population:\n  event: " + g.one("t.a", "[t.a, t.c]") + "\n")
		if g.chance(40) {
			b.WriteString("  where: '" + g.one("event.ok", "event.n > 1", "event.v in boundary.vs", "event.v in refs.rows") + "'\n")
		}
		if g.chance(12) {
			b.WriteString("  clock: '" + g.one("event.due", "event.ok ? event.time : event.due", "timestamp(event.due)") + "'\n  within: " + g.one("2h", "5h", "9d") + "\n")
		}
		g.items(&b, ids)
		b.WriteString(havingHere)
	}
	if expand {
		b.WriteString("tables: {held: {from: " + g.one("[t.c, t.a]", "[t.c, t.b]", "t.b") + ", key: [event.k, event.v], live: event.ok" + g.restated() + "}}\n")
		b.WriteString("expand: {over: refs.held.of(item.k), as: part, key: part.v, count: " + g.one("item", "part", "part") + "}\n")
	}
	days := g.chance(15)
	g.table, g.key = "", "item."+key
	if !expand && !byValue && g.chance(20) {
		g.table = g.one("[event.k, event.v]", "[event.k]")
		b.WriteString("tables: {held: {from: " + g.one("t.b", "[t.b, t.c]") + ", key: " + g.table + ", live: event.ok" + g.restated() + "}}\n")
	}
	names := g.expectations(&b, key, scheduled, expand, byValue)
	if expand && g.chance(30) { // over what is declared, instead
		text := b.String()
		if g.chance(60) { // beside a table, which the assertion reads
			text = regexp.MustCompile(`(?m)^assert: '(.*)'$`).ReplaceAllString(text, `assert: 'refs.held.of(item.k).size() < 2 && ($1)'`)
		} else {
			text = regexp.MustCompile(`tables: .*\n`).ReplaceAllString(text, "")
		}
		text = strings.NewReplacer("refs.held.of(item.k)", "boundary.vs", "part.v", "part.id").Replace(text)
		b.Reset()
		b.WriteString(text)
	}
	having := ""
	if g.chance(35) && !expand {
		having = "  having: '" + g.having(names) + "'\n"
	}
	text := strings.Replace(b.String(), havingHere, having, 1)
	if !days {
		return text
	}
	text = regexp.MustCompile(`(?m)^population:( \{|\n  )`).ReplaceAllStringFunc(text, func(s string) string {
		zone := "zone: " + g.one("America/Sao_Paulo", "Asia/Tokyo", "UTC")
		if strings.HasSuffix(s, "{") {
			return s + zone + ", calendar: cal, "
		}
		return s + zone + "\n  calendar: cal\n  "
	})
	return regexp.MustCompile(`between: "([\[(])(?:-60m|-20m|-2h|0s), (0s|15m|20m|1h|period)([\])])"`).ReplaceAllStringFunc(text, func(s string) string {
		ends := g.one("0s, 1bd", "0s, 2bd", "-1bd, 0s", "-2bd, 1bd", "-1bd, 1h")
		if scheduled {
			ends = g.one("0s, period + 1bd", "-1bd, period", "0s, 1bd")
		}
		return `between: "` + s[len(`between: "`):len(`between: "`)+1] + ends + s[len(s)-2:]
	})
}

// having is mostly what late evidence turns round.
func (g generator) having(names []string) string {
	n := g.one(names...)
	if g.chance(30) {
		return g.condition(names, nil, nil, nil)
	}
	return g.one(n+".count >= 1", n+".count >= 2", n+".count == 0", n+".count <= 1", n+".exists(x, x.ok)", n+".count == 1")
}

// havingHere is where the population's having goes once expectations have names.
const havingHere = "  having\n"

func (g generator) expectations(b *strings.Builder, key string, scheduled, expand, byValue bool) (named []string) {
	b.WriteString("expect:\n")
	var names, picked, folded, counted, linked []string
	for i := range 1 + g.IntN(3) {
		name := fmt.Sprintf("e%d", i)
		fmt.Fprintf(b, "  %s:\n    event: %s\n", name, g.one("t.b", "t.b", "t.c", "[t.b, t.c]", "t.a", "t.*"))
		on := "event.k: item." + key
		if !scheduled && byValue && g.chance(70) {
			on += ", event.v: item.v"
		}
		if !scheduled && i > 0 && g.chance(15) { // never all: an item's id must follow from its join key
			on += ", event.source: item.source"
		}
		fmt.Fprintf(b, "    on: {%s}\n", on)
		if where := g.where(scheduled, expand, names); where != "" {
			fmt.Fprintf(b, "    where: '%s'\n", where)
		}
		fmt.Fprintf(b, "    between: %s\n", g.between(scheduled, picked))
		if g.chance(9) {
			fmt.Fprintf(b, "    clock: '%s'\n    within: %s\n", g.one("event.due", "event.ok ? event.due : event.time", "timestamp(event.due)"), g.one("20m", "40m", "2h"))
		}
		hasFold := false
		switch g.IntN(8) {
		case 0, 1:
			fmt.Fprintf(b, "    pick: %s\n", g.one("first", "last"))
			picked = append(picked, name)
		case 2:
			b.WriteString("    latest: event.v\n")
		case 3:
			b.WriteString("    fold: {total: count(), sum: sum(event.n), low: min(event.n), kinds: distinct(event.v), frac: sum(event.x), same: digest(event.v)" + g.foldOfTable() + "}\n")
			folded, hasFold = append(folded, name), true
		case 4:
			b.WriteString("    links: {event.span: event.parent}\n")
			linked = append(linked, name)
		case 5:
			b.WriteString("    max: 2\n")
		}
		if !hasFold && g.chance(25) {
			fmt.Fprintf(b, "    unless: {event: %s, on: {event.k: item.%s}%s%s}\n", g.one("t.c", "t.b"), key,
				g.one("", ", where: event.ok", ", where: event.n > 2", g.undoesByTable()), g.one("", fmt.Sprintf(", between: \"(%s.time, %s.time + 20m]\"", name, name)))
		}
		if g.chance(15) {
			b.WriteString("    remedy_until: 3h\n")
		}
		names = append(names, name)
		counted = append(counted, name)
	}
	if g.chance(20) {
		g.cancelledBy(b, key, scheduled, expand, names, picked)
	}
	if g.chance(20) {
		g.instead(b, key, scheduled, names, picked)
	}
	b.WriteString("assert: '" + g.condition(counted, folded, linked, picked) + "'\n")
	if g.chance(25) {
		b.WriteString("applies: '" + g.condition(counted, folded, nil, nil) + "'\n")
	}
	if g.chance(50) {
		b.WriteString("reasons: {r_one: '" + g.condition(names, folded, nil, nil) + "', r_two: '" + g.condition(names, nil, nil, nil) + "'}\n")
	}
	return names
}

func (g generator) where(scheduled, expand bool, earlier []string) string {
	if len(earlier) > 0 && g.chance(25) {
		return g.whereOf(earlier)
	}
	choices := []string{"", "", "event.ok", "event.n > 1", "event.v in refs.rows && refs.rows[event.v].good", "event.v in refs.rows.at(event.time)", "event.x < 0.5"}
	if !scheduled {
		choices = append(choices, "event.v != item.v", "event.n >= item.n")
	}
	if expand {
		choices = append(choices, "event.v == part.v", "event.v == part.v")
	}
	if g.table != "" {
		choices = append(choices, g.ofTable("event.k", "event.v", "event"), g.ofTable(g.key, "event.v", "event"), g.ofTable("event.k", `"v1"`, "event"))
	}
	return g.one(choices...)
}

func (g generator) cancelledBy(b *strings.Builder, key string, scheduled, expand bool, names, picked []string) {
	fmt.Fprintf(b, "cancelled_by:\n  event: %s\n  on: {event.k: item.%s}\n  between: %s\n", g.one("t.b", "t.c", "t.a"), key, strings.ReplaceAll(g.between(scheduled, picked), "\n    ", "\n  "))
	if where := g.where(scheduled, expand, names); where != "" {
		fmt.Fprintf(b, "  where: '%s'\n", where)
	}
	if g.chance(20) {
		fmt.Fprintf(b, "  unless: {event: t.b, on: {event.k: item.%s}}\n", key)
	}
}

// instead writes one or two alternatives, each with an expectation of its own.
func (g generator) instead(b *strings.Builder, key string, scheduled bool, names, picked []string) {
	b.WriteString("instead:\n")
	for i := range 1 + g.IntN(2) {
		own := fmt.Sprintf("f%d", i)
		fmt.Fprintf(b, "  - when: '%s'\n    expect: {%s: {event: %s, on: {event.k: item.%s}, between: %q%s}}\n    assert: '%s'\n",
			g.having(names), own, g.one("t.b", "t.c", "t.a"), key, g.interval(scheduled, picked), g.one("", ", remedy_until: 3h", ", where: event.ok"),
			g.condition([]string{own, own, g.one(names...)}, nil, nil, nil))
	}
}

// whereOf reads earlier expectations: steps in order, steps that are missing.
func (g generator) whereOf(earlier []string) string {
	a, b := g.one(earlier...), g.one(earlier...)
	return g.one(
		a+".exists(x, x.before(event))", a+".exists(x, x.before(event))", a+".count >= 2", a+".count == 0",
		"event.ok && "+a+".exists(x, x.v == event.v)", "event.ok || "+a+".exists(x, x.n > event.n)",
		a+".all(x, x.n <= event.n)", a+".last.n < event.n", "!"+a+".exists(x, event.before(x))",
		a+".exists(x, x.before(event) && !"+b+".exists(y, x.before(y) && y.before(event)))",
	)
}

// between is an interval, now and then one with computed ends.
func (g generator) between(scheduled bool, picked []string) string {
	if !g.chance(15) {
		return strconv.Quote(g.interval(scheduled, picked))
	}
	left, right := g.one("[", "("), g.one("]", ")")
	if g.table != "" && g.chance(50) {
		return "'" + left + "-30m, item.time + span(" + g.ofTable(g.key, `"v1"`, "item") + " ? \"15m\" : \"1h\")" + right + "'\n    cap: 2h"
	}
	ends := g.one("0s, item.due", "item.due, item.time + span(\"2h\")", "timestamp(item.due) - span(\"20m\"), item.due", "-30m, item.time + span(refs.rows[item.v].keep)", "item.due, 30m")
	if scheduled {
		ends = g.one("0s, item.end + span(\"15m\")", "item.end - span(\"40m\"), item.end", "item.time - span(\"1h\"), period")
	}
	return "'" + left + ends + right + "'\n    cap: " + g.one("30m", "1h", "4h", "2d")
}

func (g generator) interval(scheduled bool, picked []string) string {
	left, right := g.one("[", "("), g.one("]", ")")
	if len(picked) > 0 && g.chance(50) {
		p := g.one(picked...)
		return left + g.one(p+".time, "+p+".time + 30m", p+".time - 20m, "+p+".time", p+".time, item.time + 3h") + right
	}
	if scheduled {
		return left + g.one("0s, period", "0s, period + 10m", "-30m, period", "-1h, period - 5m") + right
	}
	return left + g.one("-60m, 0s", "0s, 15m", "-20m, 20m", "-2h, 1h", "5m, 40m", "-15m, -5m") + right
}

func (g generator) condition(names, folded, linked, picked []string) string {
	n := g.one(names...)
	atoms := []string{
		n + ".count >= 1", n + ".count >= 2", n + ".count == 0", n + ".count != 0", n + ".count <= 1", n + ".count == 1",
		n + ".exists(x, x.n > 1)", n + ".all(x, x.ok)", "size(" + n + ") > 0", n + ".exists_one(x, x.ok)",
		n + ".exists(x, x.n > 1 || x.x > 0.5)", "[1, 2].all(i, " + n + ".exists(x, x.n >= i))", n + ".last.ok", n + ".first.n > 1",
	}
	if len(folded) > 0 {
		f := g.one(folded...)
		atoms = append(atoms, f+".sum >= 2 * "+f+".total", f+".total >= 2", f+".low > 0", f+".kinds <= 2", f+".frac < 1.5",
			f+".same in [\""+digests()+"\"]", f+".same == "+g.one(folded...)+".same")
	}
	if len(linked) > 0 {
		l := g.one(linked...)
		atoms = append(atoms, l+".orphans.size() == 0", l+".exists(x, "+l+".precedes(x, item))")
	}
	if len(picked) > 0 && g.table != "" {
		atoms = append(atoms, g.ofTable(g.key, `"v1"`, g.one(picked...)), g.ofTable(g.key, `"v1"`, g.one(picked...)+".last"))
	}
	if len(picked) > 0 {
		p := g.one(picked...)
		atoms = append(atoms, p+".time < timestamp(\"2026-07-01T02:00:00Z\")", p+".count == 1")
	}
	if g.table != "" {
		atoms = append(atoms, g.ofTable(g.key, `"v1"`, "item"), g.ofTable(g.key, `"v0"`, "item"), n+".exists(x, "+g.ofTable("x.k", "x.v", "x")+")", n+".all(x, "+g.ofTable("x.k", "x.v", "x")+")")
	}
	expr := g.one(atoms...)
	if g.table != "" && g.chance(40) {
		expr = g.ofTable(g.key, `"v1"`, "item")
	}
	if len(folded) > 0 && g.chance(15) {
		expr = g.one(folded...) + ".same in [\"" + digests() + "\"]"
	}
	for range g.IntN(3) {
		expr = g.one("("+expr+") && ", "("+expr+") || ", "!("+expr+") && ", "!("+expr+") || ") + g.one(atoms...)
	}
	return expr
}

// digests are those of two or three of the values that events have, as a CEL list has them.
func digests() string {
	var list []string
	for _, values := range [][]string{{"v0", "v1"}, {"v0", "v2"}, {"v1", "v2"}, {"v1", "v1"}, {"v0", "v1", "v2"}} {
		var texts []string
		for _, v := range values {
			texts = append(texts, `["`+v+`"]`)
		}
		list = append(list, control.DigestOf(texts))
	}
	return strings.Join(list, `", "`)
}
