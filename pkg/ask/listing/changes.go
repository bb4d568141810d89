package listing

import (
	"context"

	"assay.example/assay/pkg/ask"
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
func Changes(ctx context.Context, a *ask.Asker, from, to compliance.Instant, limit int) (ask.Answer[Change], error) {
	type row struct {
		VerdictRow
		Previous string `ch:"previous_outcome"`
		Kind     string `ch:"kind"`
	}
	params := append(ask.Window(from, to), clickhouse.Named("limit", uint64(max(0, limit))))
	return ask.Question(ctx, a, "changes", params, func(r *row) Change {
		return Change{r.Verdict(), r.Kind, compliance.Outcome(r.Previous)}
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

// CountChanges counts what became known in [from, to), in one row.
func CountChanges(ctx context.Context, a *ask.Asker, from, to compliance.Instant) (ask.Answer[ChangeCounts], error) {
	return ask.Question(ctx, a, "change_counts", ask.Window(from, to), func(r *ChangeCounts) ChangeCounts { return *r })
}
