package control

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

func (c *compiler) expectations(n *yaml.Node) {
	c.r.Each(n, "expect", func(key, node *yaml.Node) {
		if !namePattern.MatchString(key.Value) || slices.Contains([]string{"item", "event", "part", "params", "refs", "boundary", "period", cancelledBy, WaiverEvidence}, key.Value) {
			c.r.Problem(key, "%q can't name an expectation; use a lower-case word that isn't taken", key.Value)
			return
		}
		if _, taken := c.index[key.Value]; taken {
			c.r.Problem(key, "there is an expectation %q above already", key.Value)
			return
		}
		c.expect(key, node)
	})
}

func (c *compiler) expect(key, n *yaml.Node) {
	e := c.expectation(key.Value, n)
	c.index[e.Name] = e.Index
	c.control.Expectations = append(c.control.Expectations, e)
	delete(c.later, e.Name)
	c.extend(key, c.nameEvidence(e)) // what comes later may read it
}

// cancelledBy names the expectation whose evidence takes an item out.
const cancelledBy = "cancelled_by"

func (c *compiler) cancelledBy(n *yaml.Node) {
	if n == nil {
		return
	}
	if f := c.r.Mapping(n, cancelledBy, "event", "on", "where", "between", "cap", "unless", "max"); len(f) == 0 {
		return
	}
	at := *n
	at.Kind, at.Value, at.Tag = yaml.ScalarNode, cancelledBy, "!!str"
	c.expect(&at, n)
	at.Value = cancelledBy + ".count >= 1"
	c.control.Cancelled = c.condition(&at)
}

// namesIn are the keys of a mapping.
func namesIn(n *yaml.Node) map[string]bool {
	names := map[string]bool{}
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			names[n.Content[i].Value] = true
		}
	}
	return names
}

func (c *compiler) expectation(name string, n *yaml.Node) *Expectation {
	f := c.r.Mapping(n, "an expectation", "event", "verdicts", "on", "where", "between", "pick", "latest", "unless", "fold", "links", "max", "remedy_until", "cap", "clock", "within")
	e := &Expectation{Name: name, Index: len(c.control.Expectations), Max: MaxEvidence, Named: NamedEvidence}
	c.matching(e, n, f)
	e.Clock = c.clock(f)
	own, item := c.fields["event"], c.fields["event.item"]
	names := anchors{scheduled: c.control.Population.Schedule != nil, earlier: c.pickable(), workdays: c.days}
	c.between(e, n, f, names)
	switch pick := c.r.Text(f["pick"], "pick"); pick {
	case "":
	case "first":
		e.Pick = PickFirst
	case "last":
		e.Pick = PickLast
	default:
		c.r.Problem(f["pick"], "pick: is first or last")
	}
	if f["latest"] != nil {
		e.Latest = c.path(f["latest"], c.r.Text(f["latest"], "latest"), "event")
		c.knownField(f["latest"], "event", e.Latest)
		c.readPath(e.Latest)
	}
	c.folds(e, f["fold"])
	c.links(e, f["links"])
	c.limits(e, f)
	if f["unless"] != nil {
		e.Unless = c.unless(e, f["unless"], names)
		c.fields["event"], c.fields["event.item"] = own, item
	}
	e.Grows = e.Pick != PickLast && e.Latest == nil && e.Unless == nil && len(e.Folds) == 0 &&
		(e.Pick != PickFirst || !e.unordered() && e.Clock == nil) // an earlier one may turn out to belong
	return e
}

// between reads the interval; with cap its ends may be computed.
func (c *compiler) between(e *Expectation, n *yaml.Node, f map[string]*yaml.Node, names anchors) {
	if f["between"] == nil {
		c.r.Problem(n, "an expectation needs between:, an interval; without one it could never be closed")
		return
	}
	computed := false
	if f["cap"] != nil {
		var limit time.Duration
		c.duration(f["cap"], &limit)
		names.compute = func(text string, at int) (Bound, bool) {
			computed = true
			return c.computed(f["between"], text, at, limit)
		}
	}
	iv, err := parseInterval(c.r.Text(f["between"], "between"), names)
	switch {
	case err == nil:
		e.Between = iv
	case !errors.Is(err, errReported):
		c.r.Problem(f["between"], "%v", err)
	}
	if f["cap"] != nil && !computed {
		c.r.Problem(f["cap"], "cap: goes with an end that is computed, such as item.due_at; this interval has none")
	}
}

// computed compiles an end of an interval. Blanks before it keep the places of its
// faults right.
func (c *compiler) computed(n *yaml.Node, text string, at int, limit time.Duration) (Bound, bool) {
	own := c.fields["event"]
	defer func() { c.fields["event"] = own }()
	delete(c.fields, "event")
	padded := *n
	padded.Value = strings.Repeat(" ", len([]rune(n.Value[:at]))) + text
	p := c.compile(&padded, cel.DynType)
	if p == nil {
		return Bound{}, false
	}
	p.Source = strings.TrimSpace(p.Source)
	if kind := c.kindOf(p.ast.Expr(), c.fields); !tellsTime(kind) {
		c.r.Problem(n, "%s is a value of type %s; the end of an interval is a time, or a text that has one", p.Source, kind)
	}
	if len(c.reads(p.ast.Expr())) > 0 || freeNames(p.ast.Expr(), nil)["event"] {
		c.r.Problem(n, "an end that is computed reads the item, params and tables only; to hang it on an expectation, pick: one and write its .time")
	}
	return Bound{Anchor: AnchorComputed, Time: p, Cap: limit}, true
}

// matching reads what an expectation and its unless have in common.
func (c *compiler) matching(e *Expectation, n *yaml.Node, f map[string]*yaml.Node) {
	delete(c.fields, "event.item")
	switch {
	case f["verdicts"] != nil:
		c.verdicts(e, f)
	case f["event"] == nil:
		c.r.Problem(n, "an expectation needs event:, the type that it expects, or verdicts:, the control whose verdicts it reads")
		return
	default:
		e.Types = c.r.Texts(f["event"], "event")
		c.fields["event"] = c.fieldsOf(f["event"], e.Types)
	}
	c.on(e, n, f["on"])
	e.Where = c.compile(f["where"], cel.BoolType)
	if e.Where != nil && len(c.reads(e.Where.ast.Expr()))+len(c.tablesIn(e.Where.ast.Expr())) > 0 {
		e.Depends = c.conditionOf(f["where"], e.Where)
	}
}

// on reads {event.a: item.b, …}; joinKey sorts it out later.
func (c *compiler) on(e *Expectation, n, on *yaml.Node) {
	if on == nil || on.Kind == yaml.MappingNode && len(on.Content) == 0 && on.Line > 0 { // one without a line is an unless's, taken over
		c.r.Problem(n, "an expectation needs on:, the key that joins its events to the item, such as {event.change_id: item.change_id}")
		return
	}
	c.r.Each(on, "on", func(key, node *yaml.Node) {
		ev, it := c.path(key, key.Value, "event"), c.path(node, c.r.Text(node, "on"), "item")
		if ev == nil || it == nil {
			return
		}
		c.knownField(key, "event", ev)
		c.knownField(node, "item", it)
		if it[0] == "id" {
			c.r.Problem(node, "item.id is no key; join by the field that makes it")
		}
		c.readPath(ev)
		c.readPath(it)
		if ev.String() == "source" {
			e.Sender = it
		}
		e.Also = append(e.Also, Equality{Event: ev, Item: it})
	})
}

func (c *compiler) readPath(p Path) {
	for _, name := range p {
		c.read[name] = true
	}
}

func (c *compiler) knownField(n *yaml.Node, variable string, p Path) {
	if known := c.fields[variable]; known != nil && len(p) > 0 && !known.has(p[0]) {
		c.r.Problem(n, "%s", noField(variable, p[0], known))
	} else if known := c.fields[variable+"."+p.first()]; known != nil && len(p) > 1 && !known.has(p[1]) {
		c.r.Problem(n, "%s", noField(variable+"."+p[0], p[1], known))
	}
}

// pickable are the earlier expectations whose .time is one event's.
func (c *compiler) pickable() map[string]int {
	names := map[string]int{}
	for name, i := range c.index {
		if c.control.Expectations[i].Pick != PickAll {
			names[name] = i
		}
	}
	return names
}

var foldPattern = regexp.MustCompile(`^\s*(count|sum|min|max|distinct|digest)\((.*)\)\s*$`)

func (c *compiler) folds(e *Expectation, n *yaml.Node) {
	c.r.Each(n, "fold", func(key, node *yaml.Node) {
		m := foldPattern.FindStringSubmatch(c.r.Text(node, "a fold"))
		if m == nil || (m[1] == "count") != (m[2] == "") {
			c.r.Problem(node, "a fold is count(), sum(…), min(…), max(…), distinct(…) or digest(…), such as sum(event.bytes)")
			return
		}
		fold := Fold{Name: key.Value, Kind: FoldKind(m[1])}
		if m[2] != "" {
			inner := *node
			inner.Value = m[2]
			inner.Column += len(m[1]) + 1
			fold.Of = c.compile(&inner, cel.DynType)
			if fold.Of != nil && len(c.reads(fold.Of.ast.Expr())) > 0 {
				c.r.Problem(node, "a fold reads its own events only; compare folds with each other in assert:")
			}
		}
		e.Folds = append(e.Folds, fold)
	})
}

func (c *compiler) links(e *Expectation, n *yaml.Node) {
	c.r.Each(n, "links", func(key, node *yaml.Node) {
		if e.Links != nil {
			c.r.Problem(key, "links: has one pair, {event.span_id: event.parent_id}")
			return
		}
		e.Links = &Links{Child: c.path(key, key.Value, "event"), Parent: c.path(node, c.r.Text(node, "links"), "event")}
		c.knownField(key, "event", e.Links.Child)
		c.knownField(node, "event", e.Links.Parent)
		c.readPath(e.Links.Child)
		c.readPath(e.Links.Parent)
	})
}

func (c *compiler) limits(e *Expectation, f map[string]*yaml.Node) {
	if n := f["max"]; n != nil {
		v, err := strconv.Atoi(n.Value)
		if err != nil || v < 1 || v > 100_000 {
			c.r.Problem(n, "max: is a number from 1 to 100000")
			return
		}
		e.Max = v
	}
	if len(e.Folds) > 0 && f["max"] == nil {
		e.Max = 100_000 // folds name no events, and count many
	}
	c.duration(f["remedy_until"], &e.Remedy)
	if e.Remedy > 0 && e.Between.To.Anchor == AnchorExpectation {
		c.r.Problem(f["remedy_until"], "remedy_until: needs an interval that ends at the item or its period")
	}
}

func (c *compiler) unless(e *Expectation, n *yaml.Node, names anchors) *Expectation {
	f := c.r.Mapping(n, "unless", "event", "on", "where", "between")
	u := &Expectation{Name: e.Name + ".unless", Index: e.Index, Max: MaxEvidence}
	if f["on"] == nil {
		u.Also, u.Sender = slices.Clone(e.Also), e.Sender
		f["on"] = &yaml.Node{Kind: yaml.MappingNode}
	}
	c.matching(u, n, f)
	if u.Depends != nil && len(u.Depends.Reads) > 0 {
		c.r.Problem(f["where"], "under unless, where: reads event and item only, no other expectation")
	}
	for _, eq := range u.Also {
		if f["on"].Line == 0 { // taken over from the expectation
			c.knownField(n, "event", eq.Event)
		}
	}
	u.Between = Interval{From: Bound{Anchor: AnchorCandidate, Open: true}, To: e.Between.To}
	if f["between"] != nil {
		names.candidate = e.Name
		iv, err := parseInterval(f["between"].Value, names)
		if err != nil {
			c.r.Problem(f["between"], "%v", err)
		}
		u.Between = iv
	}
	return u
}

// nameEvidence declares what conditions may call an expectation's evidence.
func (c *compiler) nameEvidence(e *Expectation) []cel.EnvOption {
	c.fields[e.Name+"[]"], c.fields[e.Name+"[].item"] = c.fields["event"], c.fields["event.item"]
	c.fields[e.Name+".first"], c.fields[e.Name+".last"] = c.fields["event"], c.fields["event"]
	event := cel.MapType(cel.StringType, cel.DynType)
	var options []cel.EnvOption
	add := func(suffix string, t *cel.Type, kind nameKind, of func(*Scope, *Matched) (any, bool)) {
		c.evidence[e.Name+suffix] = evidenceName{e.Index, kind}
		options = append(options, c.named(e.Name+suffix, t, matched(e.Index, of)))
	}
	add("", cel.ListType(event), nameList, eventList(e.Links))
	add(".count", cel.IntType, nameCount, eventCount)
	add(".first", event, nameOther, firstEvent)
	add(".last", event, nameOther, lastEvent)
	if e.Pick != PickAll {
		add(".time", cel.TimestampType, nameOther, pickedTime)
	}
	if e.Verdicts != nil {
		add(".passed", cel.IntType, nameCount, countOf(compliance.Pass))
		add(".deviations", cel.IntType, nameCount, countOf(compliance.Deviation, compliance.Waived))
	}
	if e.Links != nil {
		add(".orphans", cel.ListType(event), nameOther, orphanList(e.Links))
		c.fields[e.Name+".orphans[]"] = c.fields["event"]
	}
	for _, f := range e.Folds {
		add("."+f.Name, cel.DynType, nameOther, foldValue(f.Name))
	}
	return options
}

// anchors are the expectations that an interval hangs on.
func (e *Expectation) anchors() []int {
	var of []int
	for _, iv := range []Interval{e.Between, e.unlessBetween()} {
		for _, b := range []Bound{iv.From, iv.To} {
			if b.Anchor == AnchorExpectation {
				of = append(of, b.Of)
			}
		}
	}
	return of
}

// readsOf are the expectations that e itself hangs on.
func (e *Expectation) readsOf() []int {
	of := e.anchors()
	if e.Depends != nil {
		of = append(of, e.Depends.Reads...)
	}
	return of
}

func (e *Expectation) unlessBetween() Interval {
	if e.Unless == nil {
		return Interval{}
	}
	return e.Unless.Between
}

// joinKey finds the item's fields that every expectation joins by; the engine
// keeps all that concerns an item at that key.
func (c *compiler) joinKey(doc *yaml.Node) {
	if len(c.control.Expectations) == 0 {
		if len(c.control.Tables) > 0 {
			c.r.Problem(doc, "refs.%s: a control with a derived table needs an expectation that joins by the table's key", c.control.Tables[0].Name)
		}
		return
	}
	var all []*Expectation
	for _, e := range c.control.Expectations {
		all = append(all, e)
		if e.Unless != nil {
			all = append(all, e.Unless)
		}
	}
	if slices.ContainsFunc(all, func(e *Expectation) bool { return len(e.Also) == 0 }) {
		return // reported where on: is missing
	}
	common := all[0].joinedBy()
	for _, e := range all[1:] {
		has := e.joinedBy()
		for name := range common {
			if has[name] == nil {
				delete(common, name)
			}
		}
	}
	if len(common) == 0 {
		c.hops(doc, all)
		return
	}
	names := sortedPaths(common)
	for _, name := range names {
		c.control.Key = append(c.control.Key, common[name])
	}
	for _, e := range all {
		e.splitKey(names)
	}
	c.tableKeys(doc)
}

func (e *Expectation) joinedBy() map[string]Path {
	m := map[string]Path{}
	for _, eq := range e.Also {
		m[eq.Item.String()] = eq.Item
	}
	return m
}

// splitKey moves the equalities that make the join key out of Also.
func (e *Expectation) splitKey(names []string) {
	var rest []Equality
	e.KeyPaths = make([]Path, len(names))
	for _, eq := range e.Also {
		i := slices.Index(names, eq.Item.String())
		if i < 0 || e.KeyPaths[i] != nil {
			rest = append(rest, eq)
			continue
		}
		e.KeyPaths[i] = eq.Event
	}
	e.Also = rest
}

// tableKeys demands that a derived table is kept where the item is.
func (c *compiler) tableKeys(doc *yaml.Node) {
	for _, t := range c.control.Tables {
		if len(c.control.Key) != 1 {
			c.r.Problem(doc, "refs.%s: a control with a derived table joins by exactly one field of the item", t.Name)
		}
	}
	if c.control.Expand != nil && len(c.control.Key) == 1 && len(c.control.Expand.Tables) > 0 && c.control.Expand.Over != nil {
		want := "item." + c.control.Key[0].String()
		if !regexp.MustCompile(`\.of\((\[\s*)?` + regexp.QuoteMeta(want) + `\s*[,)\]]`).MatchString(c.control.Expand.Over.Source) {
			c.r.Problem(doc, "over: must read its table with .of(%s) or .of([%s, …]), the key that the expectations join by", want, want)
		}
	}
}
