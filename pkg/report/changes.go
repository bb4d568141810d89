package report

import (
	"context"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Change is something that became known of an item.
type Change struct {
	Verdict
	// Kind is deviation, unknown, corrected or remediated.
	Kind     string
	Previous compliance.Outcome
}

// Changes lists what became known in [from, to), the latest first.
func (a *Asker) Changes(ctx context.Context, from, to compliance.Instant, limit int) (Answer[Change], error) {
	type row struct {
		verdictRow
		Previous string `ch:"previous_outcome"`
		Kind     string `ch:"kind"`
	}
	params := append(window(from, to), clickhouse.Named("limit", uint64(max(0, limit))))
	return answer(ctx, a, "changes", params, func(r *row) Change {
		return Change{r.verdict(), r.Kind, compliance.Outcome(r.Previous)}
	})
}

// ChangeCounts are how many of each kind became known, and the revisions of any kind.
type ChangeCounts struct {
	Deviations int64 `ch:"deviations"`
	Unknown    int64 `ch:"unknown"`
	Corrected  int64 `ch:"corrected"`
	Remediated int64 `ch:"remediated"`
	Revisions  int64 `ch:"revisions"`
}

// ChangeCounts counts what became known in [from, to), in one row.
func (a *Asker) ChangeCounts(ctx context.Context, from, to compliance.Instant) (Answer[ChangeCounts], error) {
	return answer(ctx, a, "change_counts", window(from, to), func(r *ChangeCounts) ChangeCounts { return *r })
}
