package report

import (
	"context"
	"time"

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
func (a *Asker) ControlRules(ctx context.Context, control string, p Period) (Answer[Rule], error) {
	type row struct {
		Control  string    `ch:"control"`
		RuleHash string    `ch:"rule_hash"`
		Bundle   string    `ch:"bundle"`
		Items    int64     `ch:"items"`
		First    time.Time `ch:"first"`
		Last     time.Time `ch:"last"`
	}
	params := append(window(p.From, p.To), clickhouse.Named("control", control))
	return answer(ctx, a, "control_rules", params, func(r *row) Rule {
		return Rule{r.RuleHash, r.Bundle, r.Items, instant(r.First), instant(r.Last)}
	})
}
