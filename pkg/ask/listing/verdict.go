package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Verdict is one revision of what a control says about an item.
type Verdict struct {
	Control  string             `json:"control"`
	Item     compliance.Item    `json:"item"`
	Outcome  compliance.Outcome `json:"outcome"`
	Reason   string             `json:"reason,omitempty"`
	Revision int                `json:"revision"`
	// RemediatedAt is zero if the item was never remedied.
	RemediatedAt compliance.Instant `json:"remediated_at,omitzero"`
	Due          compliance.Instant `json:"due"`
	KnownAt      compliance.Instant `json:"known_at"`
	FinalAt      compliance.Instant `json:"final_at"`
	RuleHash     string             `json:"rule_hash"`
	Bundle       string             `json:"bundle"`
}

// VerdictRow is a row of verdicts or of verdict_revisions.
type VerdictRow struct {
	Control      string    `ch:"control"`
	ItemID       string    `ch:"item_id"`
	ItemTime     time.Time `ch:"item_time"`
	Outcome      string    `ch:"outcome"`
	Reason       string    `ch:"reason"`
	Revision     uint32    `ch:"revision"`
	RemediatedAt time.Time `ch:"remediated_at"`
	Due          time.Time `ch:"due"`
	KnownAt      time.Time `ch:"known_at"`
	FinalAt      time.Time `ch:"final_at"`
	RuleHash     string    `ch:"rule_hash"`
	Bundle       string    `ch:"bundle"`
}

// Verdict is what the row says.
func (r *VerdictRow) Verdict() Verdict {
	return Verdict{
		Control: r.Control, Item: compliance.Item{ID: r.ItemID, Time: ask.Instant(r.ItemTime)},
		Outcome: compliance.Outcome(r.Outcome), Reason: r.Reason, Revision: int(r.Revision),
		RemediatedAt: ask.Instant(r.RemediatedAt), Due: ask.Instant(r.Due), KnownAt: ask.Instant(r.KnownAt), FinalAt: ask.Instant(r.FinalAt),
		RuleHash: r.RuleHash, Bundle: r.Bundle,
	}
}

// Items lists what a control said at a time of each of its items in [from, to), in the
// order of (time, id); asOf 0 says now.
func Items(ctx context.Context, conn clickhouse.Conn, tenant, control string, from, to, asOf compliance.Instant) ([]Verdict, error) {
	a := ask.Inquiry{Conn: conn, Tenant: tenant, AsOf: asOf}
	rows, err := ask.Rows[VerdictRow](ctx, &a, "items", append(ask.Window(from, to), clickhouse.Named("control", control))...)
	if err != nil {
		return nil, err
	}
	items := make([]Verdict, len(rows))
	for i := range rows {
		items[i] = rows[i].Verdict()
	}
	return items, nil
}
