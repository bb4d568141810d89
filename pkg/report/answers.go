package report

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// answers are what ClickHouse said, by control.
type answers struct {
	counts     map[string][]countRow
	outside    map[string]int64
	spans      map[string]span
	deviations map[string][]listing.Verdict
	rules      map[string][]listing.Rule
	waivers    map[string][]waiverRow
	lives      map[string]*sources.Life
	record     listing.Record
	at         compliance.Instant
	found      map[[2]string]compliance.Instant
	rates      Rates
	remedies   []Remediation
	happened   Happened
}

type countRow struct {
	Control    string `ch:"control"`
	Outcome    string `ch:"outcome"`
	Reason     string `ch:"reason"`
	Remediated bool   `ch:"remediated"`
	Items      int64  `ch:"items"`
}

type outsideRow struct {
	Control string `ch:"control"`
	Items   int64  `ch:"items"`
}

type ruleRow struct {
	Control  string    `ch:"control"`
	RuleHash string    `ch:"rule_hash"`
	Bundle   string    `ch:"bundle"`
	Items    int64     `ch:"items"`
	First    time.Time `ch:"first"`
	Last     time.Time `ch:"last"`

	FirstDeviation time.Time `ch:"first_deviation"`
	LastDeviation  time.Time `ch:"last_deviation"`
}

// askAnswers asks all that a report is made of, some questions at a time. Each task writes
// fields of its own.
func askAnswers(ctx context.Context, a *ask.Inquiry, bundle *control.Bundle, p ask.Period) (*answers, error) {
	got := &answers{at: cmp.Or(a.AsOf, a.At)}
	by := "item"
	if p.WholeDays() && a.AsOf == 0 {
		by = "day" // the sums by day know the present only
	}
	err := a.Together(ctx,
		func(ctx context.Context, a *ask.Inquiry) error { return askExtent(ctx, a, got) },
		func(ctx context.Context, a *ask.Inquiry) error { return askCounts(ctx, a, by, p, got) },
		func(ctx context.Context, a *ask.Inquiry) error { return askDeviations(ctx, a, p, got) },
		func(ctx context.Context, a *ask.Inquiry) error { return askWaivers(ctx, a, p, got) },
		func(ctx context.Context, a *ask.Inquiry) error { return askRules(ctx, a, p, got) },
		func(ctx context.Context, a *ask.Inquiry) (err error) {
			got.lives, err = sources.LivesIn(ctx, a, bundle.Sources, p)
			return err
		},
		func(ctx context.Context, a *ask.Inquiry) (err error) {
			got.rates, err = askParts(ctx, a, p)
			return err
		},
		func(ctx context.Context, a *ask.Inquiry) (err error) {
			got.remedies, err = told(ctx, a, "time_to_remediate", p, (*remediationRow).remediation)
			return err
		},
		func(ctx context.Context, a *ask.Inquiry) error { return askChanges(ctx, a, p, &got.happened) },
	)
	return got, err
}

func askExtent(ctx context.Context, a *ask.Inquiry, got *answers) error {
	rows, err := ask.Rows[listing.ExtentRow](ctx, a, "extent")
	for _, row := range rows {
		got.record = row.Record()
	}
	return err
}

func askCounts(ctx context.Context, a *ask.Inquiry, by string, p ask.Period, got *answers) error {
	got.counts, got.outside = map[string][]countRow{}, map[string]int64{}
	counts, err := ask.Rows[countRow](ctx, a, "counts_by_"+by, ask.Window(p.From, p.To)...)
	if err != nil {
		return err
	}
	for _, row := range counts {
		got.counts[row.Control] = append(got.counts[row.Control], row)
	}
	outside, err := ask.Rows[outsideRow](ctx, a, "outside_by_"+by, ask.Window(p.From, p.To)...)
	for _, row := range outside {
		got.outside[row.Control] = row.Items
	}
	return err
}

func askDeviations(ctx context.Context, a *ask.Inquiry, p ask.Period, got *answers) error {
	type foundRow struct {
		Control string    `ch:"control"`
		ItemID  string    `ch:"item_id"`
		Found   time.Time `ch:"found"`
	}
	got.deviations, got.found = map[string][]listing.Verdict{}, map[[2]string]compliance.Instant{}
	deviations, err := ask.Rows[listing.VerdictRow](ctx, a, "deviations", ask.Window(p.From, p.To)...)
	if err != nil {
		return err
	}
	for i := range deviations {
		id := deviations[i].Control
		got.deviations[id] = append(got.deviations[id], deviations[i].Verdict())
	}
	found, err := ask.Rows[foundRow](ctx, a, "found", ask.Window(p.From, p.To)...)
	for _, row := range found {
		got.found[[2]string{row.Control, row.ItemID}] = ask.Instant(row.Found)
	}
	return err
}

func askWaivers(ctx context.Context, a *ask.Inquiry, p ask.Period, got *answers) error {
	got.waivers = map[string][]waiverRow{}
	waivers, err := ask.Rows[waiverRow](ctx, a, "waivers", ask.Window(p.From, p.To)...)
	for _, row := range waivers {
		got.waivers[row.Control] = append(got.waivers[row.Control], row)
	}
	return err
}

func askRules(ctx context.Context, a *ask.Inquiry, p ask.Period, got *answers) error {
	got.rules, got.spans = map[string][]listing.Rule{}, map[string]span{}
	rules, err := ask.Rows[ruleRow](ctx, a, "rules", ask.Window(p.From, p.To)...)
	for _, row := range rules {
		got.rules[row.Control] = append(got.rules[row.Control],
			listing.Rule{
				RuleHash: row.RuleHash, Bundle: row.Bundle, Items: row.Items, First: ask.Instant(row.First), Last: ask.Instant(row.Last),
			})
		got.spans[row.Control] = got.spans[row.Control].with(ask.Instant(row.FirstDeviation), ask.Instant(row.LastDeviation))
	}
	return err
}

func (a *answers) control(bundle *control.Bundle, c *control.Control, p ask.Period) Control {
	out := Control{
		ID: c.ID, Title: c.Title, Severity: c.Severity, Criteria: c.Criteria, RuleHash: c.Hash,
		Rules: a.rules[c.ID], Outside: a.outside[c.ID],
		Text: readRule(bundle, c).Text, Procedures: procedures(bundle, c, p),
	}
	for _, v := range a.deviations[c.ID] {
		out.Deviations = append(out.Deviations, Deviation{Verdict: v, FoundAt: a.found[[2]string{c.ID, v.Item.ID}]})
	}
	out.Waivers = accepted(c, a.waivers[c.ID], p)
	out.count(a.counts[c.ID])
	out.FirstDeviation, out.LastDeviation = a.spans[c.ID].first, a.spans[c.ID].last
	out.Coverage = a.coverage(bundle, c, p, &out)
	out.settle()
	return out
}

// count sums the rows of the control.
func (c *Control) count(rows []countRow) {
	reasons := map[[2]string]*Reason{}
	for _, row := range rows {
		c.Counts.add(compliance.Outcome(row.Outcome), row.Items)
		if row.Remediated && row.Outcome == string(compliance.Deviation) {
			c.Counts.Remediated += row.Items
		}
		if row.Outcome == string(compliance.Pass) {
			continue
		}
		key := [2]string{row.Outcome, row.Reason}
		if reasons[key] == nil {
			reasons[key] = &Reason{Outcome: compliance.Outcome(row.Outcome), Reason: row.Reason}
		}
		reasons[key].Items += row.Items
		if row.Remediated {
			reasons[key].Remediated += row.Items
		}
	}
	for _, r := range reasons {
		c.Reasons = append(c.Reasons, *r)
	}
	slices.SortFunc(c.Reasons, func(a, b Reason) int {
		order := compliance.Outcomes()
		return cmp.Or(cmp.Compare(slices.Index(order, a.Outcome), slices.Index(order, b.Outcome)),
			cmp.Compare(b.Items, a.Items), cmp.Compare(a.Reason, b.Reason))
	})
	c.Counts.finish()
}

// notes are what a reader of the whole report should know.
func (a *answers) notes(bundle *control.Bundle) (notes []string) {
	var unknown, other []string
	for id := range a.counts {
		if bundle.Control(id) == nil {
			unknown = append(unknown, id)
		}
	}
	for _, c := range bundle.Controls {
		if slices.ContainsFunc(a.rules[c.ID], func(r listing.Rule) bool {
			return !c.Some(func(v *control.Control) bool { return v.Hash == r.RuleHash })
		}) {
			other = append(other, c.ID)
		}
	}
	slices.Sort(unknown)
	if len(unknown) > 0 {
		notes = append(notes, "The period has items of controls that this bundle doesn't hold, and that this report leaves out: "+strings.Join(unknown, ", ")+".")
	}
	if len(other) > 0 {
		notes = append(notes, "Items were judged by other versions of the rule than this bundle's, as listed: "+strings.Join(other, ", ")+".")
	}
	return notes
}
