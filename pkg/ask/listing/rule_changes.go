package listing

import (
	"context"
	"encoding/json"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// RuleChange is a change of the rules that was proposed, and what became of it.
type RuleChange struct {
	Proposal   string
	Bundle     string
	Activation uint32
	ProposedBy string
	ProposedAt compliance.Instant
	Why        string
	ApprovedBy string
	// Refused is why nothing came of it.
	Refused  string
	Restates bool
	// State is proposed, refused or activated.
	State string
	// Changed of Judged verdicts are others by the replay that it was proposed with.
	Changed, Judged int
	// InForceAt is the log's clock at its markers.
	InForceAt compliance.Instant
}

type ruleChangeRow struct {
	Proposal   string    `ch:"proposal"`
	Bundle     string    `ch:"bundle"`
	Activation uint32    `ch:"activation"`
	ProposedBy string    `ch:"proposed_by"`
	ProposedAt time.Time `ch:"proposed_at"`
	Why        string    `ch:"why"`
	ApprovedBy string    `ch:"approved_by"`
	Refused    string    `ch:"refused"`
	IsApproved bool      `ch:"is_approved"`
	IsRefused  bool      `ch:"is_refused"`
	Restates   bool      `ch:"is_restating"`
	Totals     string    `ch:"totals"`
	InForceAt  time.Time `ch:"in_force_at"`
}

// RuleChanges lists the changes of rules that concern a control, the latest first.
func RuleChanges(ctx context.Context, a *ask.Asker, control string) (ask.Answer[RuleChange], error) {
	return ask.Question(ctx, a, "rule_changes", []clickhouse.Param{clickhouse.Named("control", control)}, (*ruleChangeRow).change)
}

func (r *ruleChangeRow) change() RuleChange {
	c := RuleChange{
		Proposal: r.Proposal, Bundle: r.Bundle, Activation: r.Activation, ProposedBy: r.ProposedBy, ProposedAt: ask.Instant(r.ProposedAt),
		Why: r.Why, ApprovedBy: r.ApprovedBy, Refused: r.Refused, Restates: r.Restates, State: "proposed", InForceAt: ask.Instant(r.InForceAt),
	}
	switch {
	case r.IsRefused:
		c.State = "refused"
	case r.Activation > 0:
		c.State = "activated"
	case r.IsApproved:
		c.State = "approved"
	}
	var totals struct {
		Judged  int `json:"judged"`
		Changed int `json:"changed"`
	}
	if json.Unmarshal([]byte(r.Totals), &totals) == nil { // empty unless it restates
		c.Changed, c.Judged = totals.Changed, totals.Judged
	}
	return c
}
