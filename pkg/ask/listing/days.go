package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// DayCount is how many items of a control a day has, by what is said of them.
type DayCount struct {
	Control    string
	Day        time.Time
	Outcome    compliance.Outcome
	Reason     string
	Remediated bool
	Items      int64
}

type dayCountRow struct {
	Control    string    `ch:"control"`
	Day        time.Time `ch:"day"`
	Outcome    string    `ch:"outcome"`
	Reason     string    `ch:"reason"`
	Remediated bool      `ch:"remediated"`
	Items      int64     `ch:"items"`
}

// DayCounts counts items by control and day of a period, of one control or, with an
// empty id, of all.
func DayCounts(ctx context.Context, a *ask.Asker, control string, p ask.Period) (ask.Answer[DayCount], error) {
	params := append(ask.Window(p.From, p.To), clickhouse.Named("control", control))
	return ask.Question(ctx, a, "day_counts", params, func(r *dayCountRow) DayCount {
		return DayCount{r.Control, r.Day.UTC(), compliance.Outcome(r.Outcome), r.Reason, r.Remediated, r.Items}
	})
}

// Quarter is a calendar quarter that has items on record.
type Quarter struct {
	First time.Time
	Items int64
}

// Quarters lists them, the earliest first.
func Quarters(ctx context.Context, a *ask.Asker) (ask.Answer[Quarter], error) {
	type row struct {
		Quarter time.Time `ch:"quarter"`
		Items   int64     `ch:"items"`
	}
	return ask.Question(ctx, a, "quarters", nil, func(r *row) Quarter { return Quarter{r.Quarter.UTC(), r.Items} })
}
