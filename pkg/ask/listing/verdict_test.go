package listing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

func TestCorrected(t *testing.T) {
	w := asktest.New(t)
	chain := func(item, when string, outcomes ...compliance.Outcome) {
		list := make([]asktest.Said, len(outcomes))
		for i, outcome := range outcomes {
			list[i] = asktest.Said{Control: "AC-01", Item: item, At: when, Outcome: outcome, Revision: i + 1}
			if i > 0 {
				list[i].Before = &list[i-1]
			}
		}
		w.Say(list...)
	}
	chain("was pending", "2026-07-02", compliance.Pending, compliance.Pass)
	chain("corrected", "2026-07-02", compliance.Pending, compliance.Deviation, compliance.Pass)
	chain("there and back", "2026-07-02", compliance.Pass, compliance.Deviation, compliance.Pass)
	chain("was unknown", "2026-07-02", compliance.Inconclusive, compliance.Pass)
	chain("outside", "2026-08-02", compliance.Deviation, compliance.Pass)
	got, err := listing.Corrected(t.Context(), w.Conn, "default", asktest.At("2026-07-01"), asktest.At("2026-08-01"))
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "corrected", got[0].ItemID)
	require.Equal(t, compliance.Deviation, got[0].Revisions[1].Outcome)
	require.Len(t, got[0].Revisions, 3)
	require.Equal(t, "there and back", got[1].ItemID)
}
