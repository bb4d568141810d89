// Package report says what the controls of a bundle did over a period: each
// population with its size, its outcomes and its deviations, whether the population
// is covered, and how every number came about. It states facts; whether a
// criterion is met is the auditor's to say. What it asks of ClickHouse it asks by package ask.
package report

import (
	"context"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Params choose a report.
type Params struct {
	Tenant string
	Period ask.Period
	// MadeAt is the time that the report bears.
	MadeAt compliance.Instant
	// AsOf has the report say what was known then; 0 says all that is known.
	AsOf compliance.Instant
	// Program is the version of the program that makes it.
	Program string
	// Arguments are those that named the bundle (--controls, …), for the command that
	// makes the report again.
	Arguments []string
	// Complementary are the controls that others must operate.
	Complementary Complementary
	// Console is where the console is reached, such as https://assay.example.com, for
	// links to items, or / within it; nothing makes no links.
	Console string
}

// Report is what the controls did over a period.
type Report struct {
	Schema string     `json:"schema"` // "report/v1"
	Tenant string     `json:"tenant"`
	Period ask.Period `json:"period"`
	// Bundle is the rule set that the report speaks of: its controls, and its declared
	// sources, which shows whether populations are covered.
	Bundle string             `json:"bundle"`
	MadeAt compliance.Instant `json:"made_at"`
	// AsOf is when what the report says was known; absent where it says all that is.
	AsOf    compliance.Instant `json:"as_of,omitzero"`
	Program string             `json:"program,omitempty"`
	// Command makes the report again.
	Command string         `json:"command"`
	Record  listing.Record `json:"record"`
	// Console is where links lead to; nothing if there are none.
	Console       string        `json:"console,omitempty"`
	System        System        `json:"system"`
	Controls      []Control     `json:"controls"`
	Happened      Happened      `json:"happened"`
	Rates         Rates         `json:"rates"`
	Remediation   []Remediation `json:"time_to_remediate" nullable:"false"`
	Complementary Complementary `json:"complementary"`
	Notes         []string      `json:"notes,omitempty"`
	Definitions   []Definition  `json:"definitions"`
	Made          []ask.Made    `json:"made"`
}

// Schema names the version of Report as JSON.
const Schema = "report/v1"

// Control is what one control did over the period.
type Control struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Severity string   `json:"severity"`
	Criteria []string `json:"criteria"`
	// Text is the control in the entity's own words, nothing if its file has none.
	Text string `json:"control_text,omitempty"`
	// Procedures are what was asked of every occurrence, one for each version of the rule
	// that judges items of the period.
	Procedures []Procedure `json:"procedures" nullable:"false"`
	// RuleHash is the control's in the report's bundle; Rules are those that the
	// period's items were judged by.
	RuleHash string            `json:"rule_hash"`
	Rules    []listing.Rule    `json:"rules,omitempty"`
	Result   compliance.Result `json:"result"`
	// Why are the facts that the result rests on, for results that need words.
	Why      []string           `json:"why,omitempty"`
	Counts   Counts             `json:"counts"`
	Coverage PopulationCoverage `json:"coverage"`
	// Reasons counts the items that are no plain pass, by outcome and reason.
	Reasons []Reason `json:"reasons,omitempty"`
	// FirstDeviation and LastDeviation are times of items; zero without any.
	FirstDeviation compliance.Instant `json:"first_deviation,omitzero"`
	LastDeviation  compliance.Instant `json:"last_deviation,omitzero"`
	// Deviations lists them by time, waived ones included, the first thousand.
	Deviations []Deviation `json:"deviations,omitempty"`
	// Waivers lists those that were in force in the period, by when they were approved,
	// whether they count or not.
	Waivers []Accepted `json:"waivers,omitempty"`
	// Outside counts decided items before and after the period.
	Outside int64 `json:"decided_outside_period"`
	// Response is management's to write, and always empty here.
	Response string `json:"management_response"`
}

// Deviation is one, with when it was found.
type Deviation struct {
	listing.Verdict

	// FoundAt is when it first became known that it is one.
	FoundAt compliance.Instant `json:"found_at,omitzero"`
}

// Counts are a control's items in the period. definitions says the words.
type Counts struct {
	// Items is N.
	Items         int64 `json:"items"`
	Pass          int64 `json:"pass"`
	Deviation     int64 `json:"deviation"`
	Waived        int64 `json:"waived"`
	Inconclusive  int64 `json:"inconclusive"`
	NotApplicable int64 `json:"not_applicable"`
	Pending       int64 `json:"pending"`
	// Withdrawn are beside N.
	Withdrawn int64 `json:"withdrawn"`
	// Remediated are those of the deviations that were remedied since.
	Remediated int64 `json:"remediated"`
	// Tested is what the rate is of.
	Tested int64 `json:"tested"`
	// Gross are the deviations before waivers: Deviation + Waived.
	Gross int64 `json:"gross_deviation"`
	// Rate is the deviation rate, which is gross, absent if nothing was tested.
	// WorstCase counts all that isn't known as deviations; it is absent if all is
	// known. NetRate is of the deviations that no waiver covers; it is absent if no
	// waiver covers any.
	Rate      *float64 `json:"deviation_rate,omitempty"`
	WorstCase *float64 `json:"worst_case_rate,omitempty"`
	NetRate   *float64 `json:"net_deviation_rate,omitempty"`
}

// Reason counts items by what was said of them.
type Reason struct {
	Outcome    compliance.Outcome `json:"outcome"`
	Reason     string             `json:"reason"`
	Items      int64              `json:"items"`
	Remediated int64              `json:"remediated"`
}

// Make makes the report of a bundle's controls over a period. Counts of a period of
// whole UTC days come from the sums by day, others from the items.
func Make(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p Params) (*Report, error) {
	if p.Tenant == "" || p.Period.From >= p.Period.To {
		return nil, compliance.Errorf(compliance.Invalid, "a report needs a tenant and a period that isn't empty")
	}
	if err := ask.CheckAsOf(p.AsOf, p.MadeAt); err != nil {
		return nil, err
	}
	a := &ask.Inquiry{Conn: conn, Tenant: p.Tenant, At: p.MadeAt, AsOf: p.AsOf}
	answers, err := askAnswers(ctx, a, bundle, p.Period)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Schema: Schema, Tenant: p.Tenant, Period: p.Period, Bundle: bundle.Hash, MadeAt: p.MadeAt, AsOf: p.AsOf,
		Program: p.Program, Command: p.command(), Record: answers.record, Definitions: definitions(), Made: a.Made, Console: p.Console,
		System: System{membersOf(&bundle.Declarations, p.Period), answers.sourceLives(bundle.Sources)}, Happened: answers.happened, Complementary: p.Complementary,
	}
	for _, c := range bundle.Controls {
		r.Controls = append(r.Controls, answers.control(bundle, c, p.Period))
	}
	r.Rates, r.Remediation = answers.ofBundle(bundle)
	r.Notes = answers.notes(bundle)
	return r, nil
}

// Deviating and Unevaluable list the controls with those results.
func (r *Report) Deviating() []string { return r.with(compliance.OperatedWithDeviations) }

// Unevaluable lists the controls of which nothing can be said.
func (r *Report) Unevaluable() []string { return r.with(compliance.NotEvaluable) }

func (r *Report) with(result compliance.Result) (ids []string) {
	for i := range r.Controls {
		if r.Controls[i].Result == result {
			ids = append(ids, r.Controls[i].ID)
		}
	}
	return ids
}

// command is what a shell would run to make the report again.
func (p Params) command() string {
	args := []string{"assay", "report"}
	if named, err := ask.ParsePeriod(p.Period.Label); err == nil && named == p.Period {
		args = append(args, "--period", p.Period.Label)
	} else {
		args = append(args, "--from", p.Period.From.String(), "--to", p.Period.To.String())
	}
	if p.AsOf != 0 {
		args = append(args, "--as-of", p.AsOf.String())
	}
	return ask.ShellLine(append(append(args, "--tenant", p.Tenant), p.Arguments...))
}
