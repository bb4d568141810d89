package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

func TestCorrected(t *testing.T) {
	w := newWorld(t)
	chain := func(item, when string, outcomes ...compliance.Outcome) {
		list := make([]said, len(outcomes))
		for i, outcome := range outcomes {
			list[i] = said{control: "AC-01", item: item, at: when, outcome: outcome, revision: i + 1}
			if i > 0 {
				list[i].before = &list[i-1]
			}
		}
		w.say(list...)
	}
	chain("was pending", "2026-07-02", compliance.Pending, compliance.Pass)
	chain("corrected", "2026-07-02", compliance.Pending, compliance.Deviation, compliance.Pass)
	chain("there and back", "2026-07-02", compliance.Pass, compliance.Deviation, compliance.Pass)
	chain("was unknown", "2026-07-02", compliance.Inconclusive, compliance.Pass)
	chain("outside", "2026-08-02", compliance.Deviation, compliance.Pass)
	got, err := report.Corrected(t.Context(), w.conn, "default", at("2026-07-01"), at("2026-08-01"))
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "corrected", got[0].ItemID)
	require.Equal(t, compliance.Deviation, got[0].Revisions[1].Outcome)
	require.Len(t, got[0].Revisions, 3)
	require.Equal(t, "there and back", got[1].ItemID)
}
