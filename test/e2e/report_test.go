//go:build e2e

package e2e

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// counts are a control's items in the report of a period.
type counts struct {
	Items         int `json:"items"`
	Pass          int `json:"pass"`
	Deviation     int `json:"deviation"`
	Waived        int `json:"waived"`
	Inconclusive  int `json:"inconclusive"`
	NotApplicable int `json:"not_applicable"`
	Pending       int `json:"pending"`
	Withdrawn     int `json:"withdrawn"`
	Remediated    int `json:"remediated"`
}

func (c *counts) add(rev *compliance.Revision) {
	*map[compliance.Outcome]*int{
		compliance.Pass: &c.Pass, compliance.Deviation: &c.Deviation, compliance.Waived: &c.Waived,
		compliance.Inconclusive: &c.Inconclusive, compliance.NotApplicable: &c.NotApplicable,
		compliance.Pending: &c.Pending, compliance.Withdrawn: &c.Withdrawn,
	}[rev.Outcome]++
	if rev.Outcome != compliance.Withdrawn {
		c.Items++
	}
	if rev.RemediatedAt != 0 {
		c.Remediated++
	}
}

// checkReport: the report of the quarter, as a user gets it, counts what the log
// says. assay demo play has found the log's verdicts to be those planted.
func (f *fleet) checkReport(histories map[itemKey][]stated) {
	f.t.Helper()
	var report struct {
		Bundle   string `json:"bundle"`
		Controls []struct {
			ID     string `json:"id"`
			Counts counts `json:"counts"`
		} `json:"controls"`
	}
	out := f.run(time.Minute, "report", "--period", "2026-Q3", "-o", "json", "--fail-on", "none")
	require.NoError(f.t, json.Unmarshal([]byte(out), &report))
	require.Equal(f.t, f.bundle.Hash, report.Bundle)
	want, got := map[string]counts{}, map[string]counts{}
	for k, history := range histories {
		c := want[k.control]
		c.add(last(history).Revision)
		want[k.control] = c
	}
	for _, c := range report.Controls {
		got[c.ID] = c.Counts
	}
	require.Equal(f.t, want, got)
}
