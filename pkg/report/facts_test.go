package report_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

// The facts are those of docs/formats/periods.md, made here by hand.
func TestFactsAreWhatIsDocumented(t *testing.T) {
	w := newWorld(t)
	w.say(
		said{control: "AC-01", item: "b", at: "2026-07-02T10:00:00Z", outcome: compliance.Deviation, reason: "no_mfa", remediated: "2026-07-05"},
		said{control: "AC-01", item: "ä\nc", at: "2026-07-01", outcome: compliance.Pass},
		said{control: "AC-01", item: "d", at: "2026-08-01", outcome: compliance.Pass}, // not in the period
		said{control: "CH-01", item: "x", at: "2026-07-31T23:59:59.999999Z", outcome: compliance.Pending},
	)
	p, err := report.ParsePeriod("2026-07")
	require.NoError(t, err)
	asOf := at("2026-09-01")
	facts, err := report.Facts(t.Context(), w.conn, w.tenant, p, asOf)
	require.NoError(t, err)
	digest := func(lines ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(lines, "")))
		return hex.EncodeToString(sum[:])
	}
	require.Equal(t, []report.Fact{
		{Control: "AC-01", Items: 2, SHA256: digest("4:ä\nc 1782864000000000 pass  1 0\n", "1:b 1782986400000000 deviation no_mfa 1 1783209600000000\n")},
		{Control: "CH-01", Items: 1, SHA256: digest("1:x 1785542399999999 pending  1 0\n")},
	}, facts)
	require.Equal(t,
		digest("assay.period/v1\n", "7:default\n", "1782864000000000 1785542400000000 1788220800000000\n", "bundle\n",
			"AC-01 2 ", facts[0].SHA256, "\n", "CH-01 1 ", facts[1].SHA256, "\n"),
		report.FactsSHA256(w.tenant, p, asOf, "bundle", facts))
}

// What is restated is what differs between the facts then and now: nothing more, and
// nothing less, whatever happens to the items in between.
func TestRestatedIsTheDifference(t *testing.T) {
	all := newWorld(t)
	p, err := report.ParsePeriod("2026-07")
	require.NoError(t, err)
	moved := 0
	for seed := range uint64(8) {
		w := all.as(t, fmt.Sprintf("seed-%d", seed))
		revisions, _ := history(rand.New(rand.NewPCG(seed, 11)))
		w.say(revisions...)
		for _, sealed := range []compliance.Instant{at("2026-07-03"), at("2026-07-20"), at("2026-08-06"), at("2027-01-01")} {
			before, now := lastSaid(revisions, sealed), lastSaid(revisions, compliance.Never)
			var want []string
			for key, n := range now {
				b, was := before[key]
				in := func(s said) bool { return at(s.at) >= p.From && at(s.at) < p.To }
				differs := !was || b.outcome != n.outcome || b.reason != n.reason || b.at != n.at || b.remediated != n.remediated
				if differs && (in(n) || was && in(b)) {
					want = append(want, key)
				}
				if was && differs && in(b) != in(n) {
					moved++
				}
			}
			restated, err := asker(w).RestatedSince(t.Context(), p, sealed)
			require.NoError(t, err)
			got := []string{}
			for _, r := range restated.Rows {
				key := r.Control + "/" + r.ItemID
				got = append(got, key)
				require.Equal(t, now[key].outcome, r.Now.Outcome)
				require.Greater(t, r.KnownAt, sealed)
				require.Equal(t, before[key].revision, revisionOf(r.Before))
			}
			require.ElementsMatch(t, want, got, "seed %d, sealed %s", seed, sealed)
			require.True(t, slices.IsSortedFunc(restated.Rows, func(a, b report.Restated) int { return int(a.KnownAt - b.KnownAt) }))
		}
	}
	require.Positive(t, moved, "some item has to leave or enter the period")
}

func revisionOf(s *report.Saying) int {
	if s == nil {
		return 0
	}
	return s.Revision
}
