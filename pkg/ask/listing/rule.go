package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Rule is a version of a control's rule that items of the period were judged by.
type Rule struct {
	RuleHash string             `json:"rule_hash"`
	Bundle   string             `json:"bundle"`
	Items    int64              `json:"items"`
	First    compliance.Instant `json:"first_item"`
	Last     compliance.Instant `json:"last_item"`
}

// ControlRules lists the versions of a control's rule that its items of a period were
// judged by.
func ControlRules(ctx context.Context, a *ask.Asker, control string, p ask.Period) (ask.Answer[Rule], error) {
	type row struct {
		Control  string    `ch:"control"`
		RuleHash string    `ch:"rule_hash"`
		Bundle   string    `ch:"bundle"`
		Items    int64     `ch:"items"`
		First    time.Time `ch:"first"`
		Last     time.Time `ch:"last"`
	}
	params := append(ask.Window(p.From, p.To), clickhouse.Named("control", control))
	return ask.Question(ctx, a, "control_rules", params, func(r *row) Rule {
		return Rule{r.RuleHash, r.Bundle, r.Items, ask.Instant(r.First), ask.Instant(r.Last)}
	})
}
