package report

import (
	"net/url"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report/table"
)

// link leads to a deviation in the console.
func (r *Report) link(d *Deviation) string {
	return strings.TrimSuffix(r.Console, "/") + "/items/" + url.PathEscape(d.Control) + "/" + url.PathEscape(d.Item.ID) + "?" + url.Values{"tenant": {r.Tenant}}.Encode()
}

func (r *Report) systemTables() []*table.Table {
	return []*table.Table{
		table.Of("boundary", "Boundary, as declared", "What was declared to be in scope in the period, and the reference tables that rules read.", r.System.Members,
			field(table.Code, "list", "List", func(m *Member) any { return m.List }),
			field(table.Code, "id", "Member", func(m *Member) any { return m.ID }),
			field(table.Moment, "from", "In scope from", func(m *Member) any { return table.When(m.From) }),
			field(table.Moment, "until", "Until", func(m *Member) any { return table.When(m.Until) }),
			field(table.Text, "says", "Says", func(m *Member) any { return m.Says })).Made(r.origin()),
		table.Of("sources", "Sources of evidence", "The declared senders of events, and how long each was heard.", r.System.Sources,
			field(table.Code, "source", "Source", func(s *sources.Life) any { return s.Source }),
			field(table.Length, "max_gap", "May be silent for", func(s *sources.Life) any { return lasted(s.MaxGap, s.MaxGap > 0) }),
			field(table.Moment, "first", "First heard", func(s *sources.Life) any { return table.When(s.First) }),
			field(table.Moment, "last", "Last heard", func(s *sources.Life) any { return table.When(s.Last) }),
			field(table.Moment, "retired", "Retired", func(s *sources.Life) any { return table.When(s.RetiredAt) }),
			field(table.Count, "silences", "Silences", func(s *sources.Life) any { return int64(len(s.Gaps)) }),
			field(table.Count, "holes", "Holes in numbers", func(s *sources.Life) any { return int64(len(s.Holes)) })).Made(r.origin("signs_of_life", "holes")),
		table.Of("complementary", "Controls that others operate", "Complementary user-entity controls and those of subservice organizations, as complementary.yaml declares them. None of them was tested.", r.Complementary.lines(),
			field(table.Text, "operated_by", "Operated by", func(l *complementaryLine) any { return l.kind }),
			field(table.Text, "organization", "Organization", func(l *complementaryLine) any { return l.organization }),
			field(table.Text, "provides", "Provides", func(l *complementaryLine) any { return l.provides }),
			field(table.Word, "method", "Method", func(l *complementaryLine) any { return l.method }),
			field(table.Code, "id", "Control", func(l *complementaryLine) any { return l.ID }),
			field(table.Text, "criteria", "Criteria", func(l *complementaryLine) any { return table.Joined(l.Criteria) }),
			field(table.Text, "text", "What is expected", func(l *complementaryLine) any { return l.Text })).Made(r.origin()),
	}
}

func (r *Report) changeTables() []*table.Table {
	h := &r.Happened
	return []*table.Table{
		table.Of("activations", "Changes of the rules", "Versions of the rules that came into force in the period.", h.Activations,
			field(table.Moment, "in_force", "In force", func(a *Activation) any { return a.At }),
			field(table.Count, "activation", "Activation", func(a *Activation) any { return a.Activation }),
			field(table.Text, "controls", "Controls", func(a *Activation) any { return table.Joined(a.Controls) }),
			field(table.Text, "proposed_by", "Proposed by", func(a *Activation) any { return a.ProposedBy }),
			field(table.Text, "approved_by", "Approved by", func(a *Activation) any { return a.ApprovedBy }),
			field(table.Word, "restates", "Judges again", func(a *Activation) any { return yes(a.Restates) }),
			field(table.Text, "why", "Why", func(a *Activation) any { return a.Why }),
			field(table.Code, "bundle", "Bundle", func(a *Activation) any { return a.Bundle })).Made(r.origin("activations")),
		table.Of("model_routes", "Changes of models", "Which provider and model served an application from when on, the first thousand.", h.ModelRoutes,
			field(table.Moment, "time", "Time", func(c *ModelChange) any { return c.At }),
			field(table.Code, "app", "Application", func(c *ModelChange) any { return c.App }),
			field(table.Word, "environment", "Environment", func(c *ModelChange) any { return c.Environment }),
			field(table.Code, "provider", "Provider", func(c *ModelChange) any { return c.Provider }),
			field(table.Code, "model", "Model", func(c *ModelChange) any { return c.Model }),
			field(table.Code, "author", "Author", func(c *ModelChange) any { return c.Author }),
			field(table.Code, "change", "Change", func(c *ModelChange) any { return c.Change }),
			field(table.Code, "topic", "Topic", func(c *ModelChange) any { return c.Topic }),
			field(table.Count, "partition", "Partition", func(c *ModelChange) any { return int64(c.Partition) }),
			field(table.Count, "offset", "Offset", func(c *ModelChange) any { return c.Offset })).Made(r.origin("model_routes")),
		table.Of("releases", "Releases", "How often each component, prompt, tool and setting was released, by environment.", h.Releases,
			field(table.Code, "type", "Event", func(c *Release) any { return c.Type }),
			field(table.Code, "subject", "What", func(c *Release) any { return c.Subject }),
			field(table.Word, "environment", "Environment", func(c *Release) any { return c.Environment }),
			field(table.Count, "times", "Times", func(c *Release) any { return c.Times }),
			field(table.Count, "authors", "Authors", func(c *Release) any { return c.Authors }),
			field(table.Moment, "first", "First", func(c *Release) any { return c.First }),
			field(table.Moment, "last", "Last", func(c *Release) any { return c.Last })).Made(r.origin("releases")),
		table.Of("rules", "Rules that the items were judged by", "Each version of a rule and the bundle that it came with.", r.ruleLines(),
			field(table.Code, "control", "Control", func(l *ruleLine) any { return l.control }),
			field(table.Count, "items", "Items", func(l *ruleLine) any { return l.Items }),
			field(table.Moment, "first_item", "First item", func(l *ruleLine) any { return table.When(l.First) }),
			field(table.Moment, "last_item", "Last item", func(l *ruleLine) any { return table.When(l.Last) }),
			field(table.Code, "rule_hash", "Rule", func(l *ruleLine) any { return l.RuleHash }),
			field(table.Code, "bundle", "Bundle", func(l *ruleLine) any { return l.Bundle })).Made(r.origin("rules")),
		table.Of("incidents", "Incidents", "Those that were opened in the period.", h.Incidents,
			field(table.Code, "incident", "Incident", func(i *Incident) any { return i.ID }),
			field(table.Word, "severity", "Severity", func(i *Incident) any { return i.Severity }),
			field(table.Code, "service", "Service", func(i *Incident) any { return i.Service }),
			field(table.Moment, "opened", "Opened", func(i *Incident) any { return i.At }),
			field(table.Moment, "acknowledged", "Taken on by a person", func(i *Incident) any { return table.When(i.Acknowledged) }),
			field(table.Length, "time_to_acknowledge", "After", func(i *Incident) any { return lasted(after(i.At, i.Acknowledged)) }),
			field(table.Moment, "resolved", "Resolved", func(i *Incident) any { return table.When(i.Resolved) }),
			field(table.Length, "time_to_resolve", "After", func(i *Incident) any { return lasted(after(i.At, i.Resolved)) }),
			field(table.Text, "title", "Title", func(i *Incident) any { return i.Title })).Made(r.origin("incidents")),
	}
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

type ruleLine struct {
	control string
	listing.Rule
}

func (r *Report) ruleLines() (lines []ruleLine) {
	for i := range r.Controls {
		for _, rule := range r.Controls[i].Rules {
			lines = append(lines, ruleLine{r.Controls[i].ID, rule})
		}
	}
	return lines
}

func (r *Report) coverageTables() []*table.Table {
	return []*table.Table{
		table.Of("populations", "Coverage of populations", "Whether each population is covered: whether its sources were heard all through, or all that the calendar makes is on record; and why not. That nothing occurred in a population that isn’t covered is no result. What is proven of its completeness, and what isn’t, a control’s certificate says (assay completeness).", r.Controls,
			field(table.Code, "control", "Control", func(c *Control) any { return c.ID }),
			field(table.Word, "population_covered", "Covered", func(c *Control) any { return coveredWord(c.Coverage.Covered) }),
			field(table.Word, "by", "By", func(c *Control) any { return c.Coverage.How }),
			field(table.Count, "on_record", "On record", func(c *Control) any { return c.Counts.Items }),
			field(table.Count, "withdrawn", "Withdrawn", func(c *Control) any { return c.Counts.Withdrawn }),
			field(table.Count, "outside", "Outside the period", func(c *Control) any { return c.Outside }),
			field(table.Count, "expected", "By the calendar", func(c *Control) any { return expected(&c.Coverage) }),
			field(table.Count, "missing", "Missing", func(c *Control) any { return c.Coverage.Missing }),
			field(table.Count, "unknown", "Unknown", func(c *Control) any { return c.Unknown() }),
			field(table.Text, "basis", "Basis, or why not", func(c *Control) any { return c.Coverage.reasoned() })).Made(r.origin("signs_of_life", "holes", "counts_by_", "outside_by_")),
		table.Of("silences", "Gaps and silences", "Times that nothing, or not everything, is known of. What isn’t known is never a pass.", r.silences(),
			field(table.Code, "source", "Source", func(s *silence) any { return s.source }),
			field(table.Text, "what", "What", func(s *silence) any { return s.what }),
			field(table.Moment, "from", "From", func(s *silence) any { return s.From }),
			field(table.Moment, "to", "To", func(s *silence) any { return s.To }),
			field(table.Length, "length", "For", func(s *silence) any { return lasted(after(s.From, s.To)) }),
			field(table.Count, "missing", "Missing numbers", func(s *silence) any { return s.missing }),
			field(table.Text, "controls", "Populations touched", func(s *silence) any { return table.Joined(s.controls) })).Made(r.origin("signs_of_life", "holes")),
	}
}

func expected(c *PopulationCoverage) any {
	if c.How != ByCalendar {
		return nil
	}
	return c.Expected
}

// reasoned says what the proof rests on, or why there is none.
func (c *PopulationCoverage) reasoned() string {
	if c.Covered {
		return c.Basis()
	}
	return strings.Join(c.Why, "; ")
}

func (r *Report) rateTables() []*table.Table {
	parts := func(name, title, head string, list []Part) *table.Table {
		fields := append([]table.Field[Part]{
			field(table.Code, "control", "Control", func(p *Part) any { return p.Control }),
			field(table.Text, "start", head, func(p *Part) any { return day(p.Start) }),
		}, countFields(func(p *Part) *Counts { return &p.Counts })...)
		return table.Of(name, title, "", list, fields...).Made(r.origin("rates_by_day"))
	}
	return []*table.Table{
		parts("rates_by_month", "Deviation rate by month", "Month from", r.Rates.Months),
		parts("rates_by_week", "Deviation rate by week", "Week from", r.Rates.Weeks).AsLong(),
		parts("rates_by_day", "Deviation rate by day", "Day", r.Rates.Days).AsLong(),
	}
}

func day(i compliance.Instant) string { return i.Time().Format("2006-01-02") }

func (r *Report) otherTables() []*table.Table {
	return []*table.Table{
		table.Of("words", "Words", "", r.Definitions,
			field(table.Code, "word", "Word", func(d *Definition) any { return d.Word }),
			field(table.Text, "meaning", "Meaning", func(d *Definition) any { return d.Meaning })).AsBlocks().Made(r.origin()),
		table.Of("queries", "Questions that were asked", "The SQL files are in pkg/ask/sql.", r.Made,
			field(table.Code, "query", "Query", func(m *ask.Made) any { return m.Query }),
			field(table.Count, "rows", "Rows", func(m *ask.Made) any { return int64(m.Rows) }),
			field(table.Code, "sha256", "SHA-256 of its text", func(m *ask.Made) any { return m.SHA256 }),
			field(table.Code, "parameters", "Parameters", func(m *ask.Made) any { return m.Bound() })).Made(r.origin()),
	}
}
