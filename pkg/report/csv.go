package report

import (
	"strconv"
	"strings"

	"assay.example/assay/pkg/output"
)

// WriteCSV writes a row for each control. Each row also says how it was made, since
// rows are copied out of their file.
func (r *Report) WriteCSV(w output.Writer) error {
	w.Format = output.CSV
	return output.Write(w, r.Controls, append(r.factColumns(), r.provenanceColumns()...))
}

func (r *Report) factColumns() []output.Column[Control] {
	number := func(head string, of func(Counts) int64) output.Column[Control] {
		return output.Column[Control]{Head: head, Cell: func(c Control) string { return count(of(c.Counts)) }}
	}
	rate := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', 6, 64)
	}
	return []output.Column[Control]{
		{Head: "control", Cell: func(c Control) string { return c.ID }},
		{Head: "title", Cell: func(c Control) string { return c.Title }},
		{Head: "criteria", Cell: func(c Control) string { return strings.Join(c.Criteria, " ") }},
		{Head: "result", Cell: func(c Control) string { return string(c.Result) }},
		{Head: "why", Cell: func(c Control) string { return strings.Join(c.Why, "; ") }},
		number("n", func(n Counts) int64 { return n.Items }),
		number("tested", func(n Counts) int64 { return n.Tested }),
		number("pass", func(n Counts) int64 { return n.Pass }),
		number("deviation", func(n Counts) int64 { return n.Deviation }),
		number("waived", func(n Counts) int64 { return n.Waived }),
		number("inconclusive", func(n Counts) int64 { return n.Inconclusive }),
		number("not_applicable", func(n Counts) int64 { return n.NotApplicable }),
		number("pending", func(n Counts) int64 { return n.Pending }),
		number("withdrawn", func(n Counts) int64 { return n.Withdrawn }),
		number("remediated", func(n Counts) int64 { return n.Remediated }),
		{Head: "deviation_rate", Cell: func(c Control) string { return rate(c.Counts.Rate) }},
		{Head: "worst_case_rate", Cell: func(c Control) string { return rate(c.Counts.WorstCase) }},
		{Head: "first_deviation", Cell: func(c Control) string { return moment(c.FirstDeviation) }},
		{Head: "last_deviation", Cell: func(c Control) string { return moment(c.LastDeviation) }},
		{Head: "population_complete", Cell: func(c Control) string { return provenWord(c.Completeness.Proven) }},
		number("gross_deviation", func(n Counts) int64 { return n.Gross }),
		{Head: "net_deviation_rate", Cell: func(c Control) string { return rate(c.Counts.NetRate) }},
		{Head: "population_why", Cell: func(c Control) string { return strings.Join(c.Completeness.Why, "; ") }},
	}
}

func (r *Report) provenanceColumns() []output.Column[Control] {
	same := func(head, value string) output.Column[Control] {
		return output.Column[Control]{Head: head, Cell: func(Control) string { return value }}
	}
	return []output.Column[Control]{
		{Head: "rule_hashes", Cell: func(c Control) string { return strings.Join(c.RuleHashes(), " ") }},
		same("tenant", r.Tenant), same("from", r.Period.From.String()), same("to", r.Period.To.String()),
		same("bundle", r.Bundle), same("made_at", r.MadeAt.String()),
		same("queries", r.queries()), same("command", r.Command), same("as_of", moment(r.AsOf)),
	}
}

// RuleHashes are those that items were judged by, or the bundle's if none was.
func (c *Control) RuleHashes() []string {
	if len(c.Rules) == 0 {
		return []string{c.RuleHash}
	}
	var hashes []string
	for _, rule := range c.Rules {
		hashes = append(hashes, rule.RuleHash)
	}
	return hashes
}

func (r *Report) queries() string {
	names := make([]string, len(r.Made))
	for i, m := range r.Made {
		names[i] = m.Query
	}
	return strings.Join(names, " ")
}
