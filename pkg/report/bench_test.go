package report_test

import (
	"cmp"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

// BenchmarkMake reports a quarter out of a year of verdicts (BENCH_ROWS, a million
// unless set) by day, and by item.
func BenchmarkMake(b *testing.B) {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("BENCH_ROWS"), "1000000"))
	require.NoError(b, err)
	w := asktest.New(b)
	const block = 500_000
	for from := 0; from < rows; from += block {
		require.NoError(b, w.Conn.Exec(b.Context(), `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason, rule_hash, bundle, known_at)
		SELECT 'default', ['AC-01', 'CH-01', 'IN-01', 'BC-01'][number % 4 + 1], toString(number),
			toDateTime64('2026-01-01', 6, 'UTC') + toIntervalSecond(cityHash64(number) % 31536000), 1,
			if(number % 1000 = 0, 'deviation', 'pass'), if(number % 1000 = 0, 'no_mfa', ''), 'r', 'b', now64(6)
		FROM numbers($1, $2)`, from, min(block, rows-from)))
	}
	w.Beats("/idp", "2026-06-30", "2026-10-02", time.Hour)
	for name, extra := range map[string]compliance.Instant{"by day": 0, "by item": 1} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := reported(w, "2026-Q3", func(p *report.Params) { p.Period.From += extra })
				require.Positive(b, r.Controls[0].Counts.Items)
			}
		})
	}
}
