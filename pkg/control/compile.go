package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"sort"
	"time"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// compiler turns one YAML document into a Control.
type compiler struct {
	r          *document.Reader
	dictionary *dictionary.Dictionary
	declared   Declarations
	judged     map[string][]*Control // by id, those whose verdicts may be read, in order of time
	env        *cel.Env
	control    *Control
	owner      map[int]int             // of expectations that belong to one way only
	days       *Workdays               // of the population's calendar
	having     *yaml.Node              // read once expectations are
	index      map[string]int          // of expectations, by name
	evidence   map[string]evidenceName // names of expectations in conditions
	fields     map[string]fieldSet
	later      map[string]bool // names of expectations that aren't declared yet
	read       map[string]bool // fields that conditions read
	// declaredRead are the names of the boundary file that conditions read.
	declaredRead map[string]bool
	readsAll     bool
}

var (
	idPattern   = regexp.MustCompile(`^[A-Z]{2,4}-[0-9]{2,4}[a-z]?$`)
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	// The Trust Services Criteria of 2017, as revised in 2022.
	criteriaPattern = regexp.MustCompile(`^(CC(1\.[1-5]|2\.[1-3]|3\.[1-4]|4\.[12]|5\.[1-3]|6\.[1-8]|7\.[1-5]|8\.1|9\.[12])` +
		`|A1\.[1-3]|PI1\.[1-5]|C1\.[12]|P([1278]\.1|3\.[12]|4\.[1-3]|5\.[12]|6\.[1-7]))$`)
	severities = []string{"critical", "high", "medium", "low"}
	// semantic keys make the hash; the others are words.
	semantic = []string{"id", "population", "expect", "assert", "applies", "instead", "cancelled_by", "tables", "expand", "params", "reasons", "lateness", "waivable", "compensated_by"}
	// placed says when it takes effect: neither a part of the rule nor words.
	placed = []string{"effective_from"}
	words  = []string{"title", "description", "criteria", "severity", "part_of", "owner", "control_text"}
)

func (c *compiler) run(doc *yaml.Node) *Control {
	f := c.r.Mapping(doc, "a control", slices.Concat(semantic, words, placed)...)
	c.control = &Control{names: map[string]value{}, keep: map[string]bool{}, lent: map[string]bool{}, File: c.r.File()}
	c.index, c.owner = map[string]int{}, map[int]int{}
	c.evidence, c.fields, c.read = map[string]evidenceName{}, map[string]fieldSet{}, map[string]bool{}
	c.declaredRead = map[string]bool{}
	c.later = namesIn(f["expect"])
	c.header(doc, f)
	if !c.declareEverything(doc, f["params"]) {
		return c.control
	}
	c.lateness(f["lateness"])
	c.control.Waivable = c.waivable(f["waivable"])
	c.effective(f["effective_from"])
	c.population(doc, f["population"])
	c.tables(f["tables"])
	c.expand(f["expand"])
	c.expectations(f["expect"])
	c.instead(f["instead"])
	c.cancelledBy(f["cancelled_by"])
	c.compensatedBy(f["compensated_by"])
	c.conditions(doc, f)
	c.unnamed()
	c.joinKey(doc)
	c.finish(f)
	return c.control
}

func (c *compiler) header(doc *yaml.Node, f map[string]*yaml.Node) {
	c.control.ID = c.r.Text(f["id"], "id")
	c.control.Title = c.r.Text(f["title"], "title")
	c.control.Severity = c.r.Text(f["severity"], "severity")
	c.control.Criteria = c.r.Texts(f["criteria"], "criteria")
	c.control.PartOf = c.r.Text(f["part_of"], "part_of")
	switch {
	case f["id"] == nil:
		c.r.Problem(doc, "a control needs an id, such as CH-01")
	case !idPattern.MatchString(c.control.ID):
		c.r.Problem(f["id"], "%q is no control id; ids look like CH-01 or CH-05a", c.control.ID)
	}
	if f["title"] == nil {
		c.r.Problem(doc, "a control needs a title in the organisation's own words")
	}
	if c.control.Severity == "" {
		c.control.Severity = "medium"
	} else if !slices.Contains(severities, c.control.Severity) {
		c.r.Problem(f["severity"], "severity is one of critical, high, medium, low")
	}
	if len(c.control.Criteria) == 0 {
		c.r.Problem(doc, "a control needs criteria, such as [CC8.1]")
	}
	for i, id := range c.control.Criteria {
		if !criteriaPattern.MatchString(id) {
			at := f["criteria"]
			if at.Kind == yaml.SequenceNode {
				at = at.Content[i]
			}
			c.r.Problem(at, "%q is no Trust Services Criteria id, such as CC6.1 or PI1.3", id)
		}
	}
}

// declareEverything makes the environment with the names that every condition
// may read; expectations come later.
func (c *compiler) declareEverything(doc, params *yaml.Node) bool {
	var options []cel.EnvOption
	for name, d := range c.declared.Boundary {
		options = append(options, c.named("boundary."+name, cel.DynType, d.asTable()))
	}
	for name, d := range c.declared.Refs {
		options = append(options, c.named("refs."+name, cel.DynType, d.asTable()))
	}
	c.control.Params = map[string]any{}
	c.r.Each(params, "params", func(key, node *yaml.Node) {
		var v any
		if err := node.Decode(&v); err != nil {
			c.r.Problem(node, "reading a parameter: %v", err)
		}
		if i, ok := v.(int); ok {
			v = int64(i)
		}
		c.control.Params[key.Value] = v
		options = append(options, c.named("params."+key.Value, cel.DynType, constant(v)))
	})
	return c.extend(doc, options)
}

func (c *compiler) named(name string, t *cel.Type, v value) cel.EnvOption {
	c.control.names[name] = v
	return cel.Variable(name, t)
}

func (c *compiler) extend(n *yaml.Node, options []cel.EnvOption) bool {
	env, err := c.env.Extend(options...)
	if err != nil {
		c.r.Problem(n, "declaring names: %v", err)
		return false
	}
	c.env = env
	return true
}

func (c *compiler) effective(n *yaml.Node) {
	c.control.effective = compliance.Ever
	if n == nil {
		return
	}
	t, err := compliance.ParseInstant(c.r.Text(n, "a time"))
	if err != nil {
		c.r.Problem(n, "effective_from: %v", err)
		return
	}
	c.control.effective = t
}

func (c *compiler) lateness(n *yaml.Node) {
	c.control.FinalAfter, c.control.CorrectUntil = time.Hour, 7*24*time.Hour
	f := c.r.Mapping(n, "lateness", "final_after", "correct_until")
	c.duration(f["final_after"], &c.control.FinalAfter)
	c.duration(f["correct_until"], &c.control.CorrectUntil)
}

func (c *compiler) duration(n *yaml.Node, into *time.Duration) {
	if n == nil {
		return
	}
	d, err := ParseDuration(c.r.Text(n, "a duration"))
	if err == nil && d < 0 {
		err = errors.New("this duration must not be negative")
	}
	if err != nil {
		c.r.Problem(n, "%v", err)
		return
	}
	*into = d
}

func (c *compiler) population(doc, n *yaml.Node) {
	if n == nil {
		c.r.Problem(doc, "a control needs a population: an event, or every: and for_each:")
		return
	}
	f := c.r.Mapping(n, "population", "event", "where", "item", "having", "every", "for_each", "zone", "calendar", "same_for", "clock", "within")
	p := &c.control.Population
	c.days = c.workdays(f["calendar"], f["zone"])
	if f["every"] != nil {
		for _, key := range []string{"event", "where", "item", "having", "same_for", "clock", "within"} {
			if f[key] != nil {
				c.r.Problem(f[key], "%s: doesn't go with every:", key)
			}
		}
		p.Schedule = c.schedule(n, f)
		c.fields["item"] = fieldSet{
			"id": dictionary.String, "member": dictionary.String, "slot": dictionary.String,
			"time": dictionary.Time, "end": dictionary.Time,
		}
		return
	}
	if f["event"] == nil {
		if n.Kind == yaml.MappingNode {
			c.r.Problem(n, "a population needs event: or every:")
		}
		return
	}
	p.Types = c.r.Texts(f["event"], "event")
	c.fields["item"] = c.fieldsOf(f["event"], p.Types)
	c.fields["event"] = c.fields["item"]
	p.Where = c.compile(f["where"], cel.BoolType)
	p.ID = c.compile(f["item"], cel.StringType)
	c.having = f["having"]
	p.SameFor = c.sameFor(f)
	p.Clock = c.clock(f)
	c.control.texts.population = c.r.Text(f["where"], "where")
}

// sameFor reads how long an id is remembered.
func (c *compiler) sameFor(f map[string]*yaml.Node) (d time.Duration) {
	n := f["same_for"]
	if n == nil {
		return 0
	}
	switch c.duration(n, &d); {
	case d == 0:
		c.r.Problem(n, "same_for: is how long an id is remembered, such as 30d")
	case f["item"] == nil:
		c.r.Problem(n, "same_for: needs item:, the id that is remembered; without it every event is an item")
	case f["having"] != nil:
		c.r.Problem(n, "same_for: doesn't go with having:; a count of earlier events in having: says the same")
	}
	return d
}

func (c *compiler) schedule(n *yaml.Node, f map[string]*yaml.Node) *Schedule {
	s := &Schedule{Every: c.r.Text(f["every"], "every"), Zone: time.UTC}
	if _, ok := slotUnits[s.Every]; !ok {
		c.r.Problem(f["every"], "every: is one of hour, day, week, month, quarter, year")
		return s
	}
	if zone := f["zone"]; zone != nil {
		loc, err := Zone(zone.Value)
		if err != nil {
			return s // reported with the calendar
		}
		s.Zone = loc
	}
	if f["for_each"] == nil {
		c.r.Problem(n, "a schedule needs for_each:, such as boundary.systems")
		return s
	}
	from := c.r.Text(f["for_each"], "for_each")
	for prefix, lists := range map[string]map[string]*Declared{"boundary.": c.declared.Boundary, "refs.": c.declared.Refs} {
		for name, d := range lists {
			if from == prefix+name {
				if !d.plainKeys() {
					c.r.Problem(f["for_each"], "a member is one text, and keys of %s have several parts", from)
				}
				s.ForEach = Members{InRefs: prefix == "refs.", Name: name}
				return s
			}
		}
	}
	c.r.Problem(f["for_each"], "%q is not declared; for_each: names a list of the boundary or a reference table, such as boundary.systems", from)
	return s
}

func (c *compiler) tables(n *yaml.Node) {
	var options []cel.EnvOption
	c.r.Each(n, "tables", func(key, node *yaml.Node) {
		f := c.r.Mapping(node, "a table", "from", "key", "live", "restated")
		t := &DerivedTable{Name: key.Value, Index: len(c.control.Tables), Types: c.r.Texts(f["from"], "from")}
		if f["from"] == nil || f["key"] == nil {
			c.r.Problem(node, "a table needs from: and key:")
			return
		}
		c.fields["event"] = c.fieldsOf(f["from"], t.Types)
		for _, text := range c.r.Texts(f["key"], "key") {
			if p := c.path(f["key"], text, "event"); p != nil {
				c.knownField(f["key"], "event", p)
				c.readPath(p)
				t.Key = append(t.Key, p)
			}
		}
		t.Live = c.compile(f["live"], cel.BoolType)
		t.Restated = c.restated(f["restated"])
		c.control.Tables = append(c.control.Tables, t)
		if _, taken := c.declared.Refs[t.Name]; taken {
			c.r.Problem(key, "the bundle declares a table %q already", t.Name)
			return
		}
		options = append(options, c.named("refs."+t.Name, cel.DynType, derivedTable(t.Index)))
	})
	c.extend(n, options)
}

func (c *compiler) expand(n *yaml.Node) {
	if n == nil {
		return
	}
	f := c.r.Mapping(n, "expand", "over", "as", "key", "count")
	if as := f["as"]; as != nil && as.Value != "part" {
		c.r.Problem(as, "parts are called part; as: has no other value")
	}
	count := c.r.Text(f["count"], "count")
	if count != "" && count != "item" && count != "part" {
		c.r.Problem(f["count"], "count: is item, if the parts count together as their item, or part, if each is an item")
	}
	if f["over"] == nil || f["key"] == nil {
		c.r.Problem(n, "expand needs over: and key:")
		return
	}
	c.control.Expand = &Expand{
		Over: c.compile(f["over"], cel.ListType(cel.DynType)),
		Key:  c.compile(f["key"], cel.StringType),
		Each: count == "part",
	}
	if over := c.control.Expand.Over; over != nil {
		c.control.Expand.Tables = c.tablesIn(over.ast.Expr())
	}
}

// finish computes the hash and which fields events must carry.
func (c *compiler) finish(f map[string]*yaml.Node) {
	c.control.keep, c.control.shows = c.read, c.fields["item"]
	c.lend()
	if c.readsAll {
		c.control.keep = nil
	}
	meaning := map[string]any{}
	for _, key := range semantic {
		if f[key] != nil {
			meaning[key] = generic(f[key])
		}
	}
	if c.control.Waivable {
		delete(meaning, "waivable") // as if it didn't say so
	}
	if c.countsDays() {
		meaning["workdays"] = c.days.meaning()
	}
	if s := c.control.Population.Schedule; s != nil && s.Zone != time.UTC {
		meaning["zone"] = zoneMeaning(s.Zone)
	}
	if read := c.judgedBy(func(v *Control) string { return v.Hash }); len(read) > 0 {
		meaning["verdicts"] = read
	}
	c.control.source = meaning
	c.control.Hash = hashOf(meaning)
	c.meanings(f)
}

// countsDays tells whether an interval ends at a business day.
func (c *compiler) countsDays() bool {
	return slices.ContainsFunc(c.control.Expectations, func(e *Expectation) bool {
		between, unless := e.Between, e.unlessBetween()
		return between.From.Days != 0 || between.To.Days != 0 || unless.From.Days != 0 || unless.To.Days != 0
	})
}

// generic is a node without its layout.
func generic(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		pairs := [][2]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			pairs = append(pairs, [2]any{n.Content[i].Value, generic(n.Content[i+1])})
		}
		return pairs
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range n.Content {
			list = append(list, generic(child))
		}
		return list
	}
	return n.Value
}

// hashOf is a short SHA-256 of v as JSON; maps are sorted by key.
func hashOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("control: a parsed file is always JSON: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func sortedPaths(m map[string]Path) []string {
	names := slices.Collect(maps.Keys(m))
	sort.Strings(names)
	return names
}
