package report

import (
	"fmt"
	"slices"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report/table"
)

// Tables are the report's, in the order of its sections. Every form of the report shows
// these, and they hang on what is in the report as JSON alone.
func (r *Report) Tables() []*table.Table {
	tables := slices.Concat(r.resultTables(), r.deviationTables(), r.systemTables(), r.changeTables(), r.coverageTables(), r.rateTables(), r.otherTables())
	for _, t := range tables {
		t.Origin.Again(r.Command + " --table " + t.Name)
	}
	return tables
}

// TableNames are those of all tables that a report has.
func TableNames() (names []string) {
	for _, t := range new(Report).Tables() {
		names = append(names, t.Name)
	}
	return names
}

// Table finds one of the tables by its name.
func (r *Report) Table(name string) (*table.Table, error) {
	for _, t := range r.Tables() {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, compliance.Errorf(compliance.Invalid, "there is no table %q; choose %s", name, strings.Join(TableNames(), ", "))
}

// field is a column with its cells.
func field[T any](kind table.Kind, name, head string, of func(*T) any) table.Field[T] {
	return table.Field[T]{Column: table.Column{Name: name, Head: head, Kind: kind}, Of: of}
}

// more marks columns that stand in files only.
func more[T any](fields ...table.Field[T]) []table.Field[T] {
	for i := range fields {
		fields[i].More = true
	}
	return fields
}

// countFields are the columns of counts.
func countFields[T any](of func(*T) *Counts) []table.Field[T] {
	number := func(name, head string, n func(*Counts) int64) table.Field[T] {
		return field(table.Count, name, head, func(t *T) any { return n(of(t)) })
	}
	return []table.Field[T]{
		number("n", "N", func(c *Counts) int64 { return c.Items }),
		number("tested", "Tested", func(c *Counts) int64 { return c.Tested }),
		number("pass", "Pass", func(c *Counts) int64 { return c.Pass }),
		number("deviation", "Deviation", func(c *Counts) int64 { return c.Deviation }),
		number("waived", "Waived", func(c *Counts) int64 { return c.Waived }),
		number("gross_deviation", "Gross", func(c *Counts) int64 { return c.Gross }),
		number("inconclusive", "Inconclusive", func(c *Counts) int64 { return c.Inconclusive }),
		number("not_applicable", "N/A", func(c *Counts) int64 { return c.NotApplicable }),
		number("pending", "Pending", func(c *Counts) int64 { return c.Pending }),
		field(table.Share, "deviation_rate", "Rate", func(t *T) any { return table.Part(of(t).Rate) }),
		field(table.Share, "net_deviation_rate", "Net rate", func(t *T) any { return table.Part(of(t).NetRate) }),
		field(table.Share, "worst_case_rate", "Worst case", func(t *T) any { return table.Part(of(t).WorstCase) }),
	}
}

func (r *Report) resultTables() []*table.Table {
	id := field(table.Code, "control", "Control", func(c *Control) any { return c.ID })
	counts := countFields(func(c *Control) *Counts { return &c.Counts })
	results := slices.Concat([]table.Field[Control]{id}, counts, []table.Field[Control]{
		field(table.Word, "result", "Result", func(c *Control) any { return string(c.Result) }),
		field(table.Text, "title", "Title", func(c *Control) any { return c.Title }),
	}, more(
		field(table.Text, "criteria", "Criteria", func(c *Control) any { return table.Joined(c.Criteria) }),
		field(table.Text, "why", "Why", func(c *Control) any { return strings.Join(c.Why, "; ") }),
		field(table.Count, "withdrawn", "Withdrawn", func(c *Control) any { return c.Counts.Withdrawn }),
		field(table.Count, "remediated", "Remediated", func(c *Control) any { return c.Counts.Remediated }),
		field(table.Moment, "first_deviation", "First deviation", func(c *Control) any { return table.When(c.FirstDeviation) }),
		field(table.Moment, "last_deviation", "Last deviation", func(c *Control) any { return table.When(c.LastDeviation) }),
		field(table.Word, "population_covered", "Population", func(c *Control) any { return coveredWord(c.Coverage.Covered) }),
		field(table.Text, "population_why", "Population, why", func(c *Control) any { return strings.Join(c.Coverage.Why, "; ") }),
		field(table.Text, "rule_hashes", "Rules", func(c *Control) any { return table.Joined(c.RuleHashes()) }),
	))
	return []*table.Table{
		table.Of("results", "Results of tests, by control", "One row a control: its population in the period and what became of each item.", r.Controls, results...).
			Made(r.origin("counts_by_", "outside_by_", "rules", "signs_of_life")),
		table.Of("criteria", "Controls by criterion", "Which controls are mapped to which criterion, and what they did. A control stands under each of its criteria.", r.byCriterion(),
			field(table.Code, "criterion", "Criterion", func(l *criterionLine) any { return l.id }),
			field(table.Text, "about", "About", func(l *criterionLine) any { return l.about }),
			field(table.Code, "control", "Control", func(l *criterionLine) any { return l.control.ID }),
			field(table.Count, "n", "N", func(l *criterionLine) any { return l.control.Counts.Items }),
			field(table.Count, "tested", "Tested", func(l *criterionLine) any { return l.control.Counts.Tested }),
			field(table.Count, "gross_deviation", "Gross", func(l *criterionLine) any { return l.control.Counts.Gross }),
			field(table.Word, "result", "Result", func(l *criterionLine) any { return string(l.control.Result) }),
			field(table.Text, "title", "Title", func(l *criterionLine) any { return l.control.Title })).Made(r.origin("counts_by_")),
		r.testTable(),
	}
}

// procedureLine is a procedure with its control.
type procedureLine struct {
	control *Control
	Procedure
}

func (r *Report) testTable() *table.Table {
	var lines []procedureLine
	for i := range r.Controls {
		for _, p := range r.Controls[i].Procedures {
			lines = append(lines, procedureLine{&r.Controls[i], p})
		}
	}
	return table.Of("tests", "Controls and the tests performed", "What was asked of every occurrence, generated from the rule that ran. No sample was drawn.", lines,
		field(table.Code, "control", "Control", func(l *procedureLine) any { return l.control.ID }),
		field(table.Text, "criteria", "Criteria", func(l *procedureLine) any { return table.Joined(l.control.Criteria) }),
		field(table.Text, "control_text", "Control, in the entity’s words", func(l *procedureLine) any { return l.control.Words() }),
		field(table.Text, "population", "Population", func(l *procedureLine) any { return l.Population }),
		field(table.Text, "test", "Test performed", func(l *procedureLine) any { return strings.Join(l.Steps, " ") }),
		field(table.Moment, "from", "Items from", func(l *procedureLine) any { return table.When(l.From) }),
		field(table.Moment, "until", "Items until", func(l *procedureLine) any { return table.When(l.Until) }),
		field(table.Code, "rule_hash", "Rule", func(l *procedureLine) any { return l.RuleHash }),
	).Made(r.origin()).AsBlocks()
}

// Words are the control in the entity's own, or its title if its file has none.
func (c *Control) Words() string {
	if c.Text != "" {
		return c.Text
	}
	return c.Title
}

func (r *Report) deviationTables() []*table.Table {
	return []*table.Table{
		r.deviationTable(),
		table.Of("reasons", "Reasons", "The items that are no plain pass, by what was said of them.", r.reasonLines(),
			field(table.Code, "control", "Control", func(l *reasonLine) any { return l.Control }),
			field(table.Word, "outcome", "Outcome", func(l *reasonLine) any { return string(l.Outcome) }),
			field(table.Code, "reason", "Reason", func(l *reasonLine) any { return l.Reason.Reason }),
			field(table.Count, "items", "Items", func(l *reasonLine) any { return l.Items }),
			field(table.Count, "remediated", "Remediated", func(l *reasonLine) any { return l.Remediated })).Made(r.origin("counts_by_")),
		table.Of("waivers", "Waivers in force", "Deviations that an approved waiver covers stay deviations: counted gross, shown net.", r.waiverLines(),
			field(table.Code, "control", "Control", func(l *waiverLine) any { return l.control }),
			field(table.Code, "waiver", "Waiver", func(l *waiverLine) any { return l.ID }),
			field(table.Count, "items", "Items", func(l *waiverLine) any { return l.Items }),
			field(table.Moment, "approved", "Approved", func(l *waiverLine) any { return l.Approved }),
			field(table.Moment, "until", "Until", func(l *waiverLine) any { return l.Until }),
			field(table.Moment, "revoked", "Revoked", func(l *waiverLine) any { return table.When(l.Revoked) }),
			field(table.Text, "requester", "Requester", func(l *waiverLine) any { return l.Requester }),
			field(table.Text, "approver", "Approver", func(l *waiverLine) any { return l.Approver }),
			field(table.Text, "reason", "Reason", func(l *waiverLine) any { return l.Reason }),
			field(table.Text, "does_not_count", "Doesn’t count", func(l *waiverLine) any { return l.Why })).Made(r.origin("waivers")),
		table.Of("time_to_remediate", "Time to remediate", "From the item’s time to its remedy, of each control’s deviations, waived ones included. A remedy erases no deviation.", r.Remediation,
			field(table.Code, "control", "Control", func(m *Remediation) any { return m.Control }),
			field(table.Count, "deviations", "Deviations", func(m *Remediation) any { return m.Deviations }),
			field(table.Count, "remediated", "Remediated", func(m *Remediation) any { return m.Remediated }),
			field(table.Count, "open", "Not remediated on record", func(m *Remediation) any { return m.Deviations - m.Remediated }),
			field(table.Length, "shortest", "Shortest", func(m *Remediation) any { return lasted(m.Shortest, m.Remediated > 0) }),
			field(table.Length, "median", "Median", func(m *Remediation) any { return lasted(m.Median, m.Remediated > 0) }),
			field(table.Length, "longest", "Longest", func(m *Remediation) any { return lasted(m.Longest, m.Remediated > 0) })).Made(r.origin("time_to_remediate")),
		table.Of("management_response", "Management’s response", "Management’s to write. It is left empty here.", r.deviating(),
			field(table.Code, "control", "Control", func(c *Control) any { return c.ID }),
			field(table.Count, "deviations", "Deviations", func(c *Control) any { return c.Counts.Gross }),
			field(table.Text, "response", "Management’s response", func(c *Control) any { return c.Response })).Made(r.origin("counts_by_")),
	}
}

func (r *Report) deviationTable() *table.Table {
	var lines []Deviation
	for i := range r.Controls {
		lines = append(lines, r.Controls[i].Deviations...)
	}
	fields := []table.Field[Deviation]{
		field(table.Code, "control", "Control", func(d *Deviation) any { return d.Control }),
		field(table.Code, "item", "Item", func(d *Deviation) any { return d.Item.ID }),
		field(table.Moment, "happened", "Happened", func(d *Deviation) any { return d.Item.Time }),
		field(table.Word, "outcome", "Outcome", func(d *Deviation) any { return string(d.Outcome) }),
		field(table.Code, "reason", "Reason", func(d *Deviation) any { return d.Reason }),
		field(table.Moment, "found", "Found", func(d *Deviation) any { return table.When(d.FoundAt) }),
		field(table.Moment, "remediated", "Remediated", func(d *Deviation) any { return table.When(d.RemediatedAt) }),
		field(table.Length, "time_to_remediate", "Time to remediate", func(d *Deviation) any { return lasted(after(d.Item.Time, d.RemediatedAt)) }),
		field(table.Count, "revision", "Revision", func(d *Deviation) any { return int64(d.Revision) }),
		field(table.Code, "explain", "Explained by", func(d *Deviation) any { return r.explain(d) }),
	}
	if r.Console != "" {
		link := field(table.Address, "link", "In the console", func(d *Deviation) any { return r.link(d) })
		link.From = "item"
		fields = append(fields, link)
	}
	return table.Of("deviations", "Deviations", "Each item that deviated, the first thousand of each control, waived ones included.", lines, fields...).
		Made(r.origin("deviations", "found"))
}

func (r *Report) deviating() (list []Control) {
	for i := range r.Controls {
		if r.Controls[i].Counts.Gross > 0 {
			list = append(list, r.Controls[i])
		}
	}
	return list
}

// reasonLine is a reason with its control.
type reasonLine struct {
	Control string
	Reason
}

func (r *Report) reasonLines() (lines []reasonLine) {
	for i := range r.Controls {
		c := &r.Controls[i]
		for _, reason := range c.Reasons {
			lines = append(lines, reasonLine{Control: c.ID, Reason: reason})
		}
	}
	return lines
}

// explain is the command that shows everything of a deviation.
func (r *Report) explain(d *Deviation) string {
	command := "assay explain " + ask.ShellWord(d.Control+"/"+d.Item.ID)
	if r.Tenant != "default" {
		command += " --tenant " + ask.ShellWord(r.Tenant)
	}
	return command
}

// origin says how a table was made, by the questions whose names are these or begin with
// them; by none, it is made of the rules alone.
func (r *Report) origin(names ...string) table.Origin {
	var o table.Origin
	for _, m := range r.Made {
		if slices.ContainsFunc(names, func(name string) bool {
			return m.Query == name || strings.HasSuffix(name, "_") && strings.HasPrefix(m.Query, name)
		}) {
			o.Queries = append(o.Queries, m.Query)
		}
	}
	by := "the rules and declarations of the bundle"
	if len(o.Queries) > 0 {
		by = strings.Join(o.Queries, ".sql, ") + ".sql"
	}
	known := "of all on record"
	if r.AsOf != 0 {
		known = "as of " + r.AsOf.String()
	}
	o.Text = fmt.Sprintf("Made at %s from %s, %s.", r.MadeAt, by, known)
	o.Facts = [][2]string{
		{"tenant", r.Tenant},
		{"from", r.Period.From.String()},
		{"to", r.Period.To.String()},
		{"bundle", r.Bundle},
		{"made_at", r.MadeAt.String()},
		{"queries", strings.Join(o.Queries, " ")},
		{"as_of", output.Moment(r.AsOf)},
	}
	return o
}
