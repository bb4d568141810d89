package listing_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

// The facts are those of docs/formats/periods.md, made here by hand.
func TestFactsAreWhatIsDocumented(t *testing.T) {
	w := asktest.New(t)
	w.Say(
		asktest.Said{Control: "AC-01", Item: "b", At: "2026-07-02T10:00:00Z", Outcome: compliance.Deviation, Reason: "no_mfa", Remediated: "2026-07-05"},
		asktest.Said{Control: "AC-01", Item: "ä\nc", At: "2026-07-01", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-01", Item: "d", At: "2026-08-01", Outcome: compliance.Pass}, // not in the period
		asktest.Said{Control: "CH-01", Item: "x", At: "2026-07-31T23:59:59.999999Z", Outcome: compliance.Pending},
	)
	p, err := ask.ParsePeriod("2026-07")
	require.NoError(t, err)
	asOf := asktest.At("2026-09-01")
	facts, err := listing.Facts(t.Context(), w.Conn, w.Tenant, p, asOf)
	require.NoError(t, err)
	digest := func(lines ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(lines, "")))
		return hex.EncodeToString(sum[:])
	}
	require.Equal(t, []listing.Fact{
		{Control: "AC-01", Items: 2, SHA256: digest("4:ä\nc 1782864000000000 pass  1 0\n", "1:b 1782986400000000 deviation no_mfa 1 1783209600000000\n")},
		{Control: "CH-01", Items: 1, SHA256: digest("1:x 1785542399999999 pending  1 0\n")},
	}, facts)
	require.Equal(t,
		digest("assay.period/v1\n", "7:default\n", "1782864000000000 1785542400000000 1788220800000000\n", "bundle\n",
			"AC-01 2 ", facts[0].SHA256, "\n", "CH-01 1 ", facts[1].SHA256, "\n"),
		listing.FactsSHA256(w.Tenant, p, asOf, "bundle", facts))
}

// What is restated is what differs between the facts then and now: nothing more, and
// nothing less, whatever happens to the items in between.
func TestRestatedIsTheDifference(t *testing.T) {
	all := asktest.New(t)
	p, err := ask.ParsePeriod("2026-07")
	require.NoError(t, err)
	moved := 0
	for seed := range uint64(8) {
		w := all.As(t, fmt.Sprintf("seed-%d", seed))
		revisions, _ := asktest.History(rand.New(rand.NewPCG(seed, 11)))
		w.Say(revisions...)
		for _, sealed := range []compliance.Instant{asktest.At("2026-07-03"), asktest.At("2026-07-20"), asktest.At("2026-08-06"), asktest.At("2027-01-01")} {
			before, now := asktest.LastSaid(revisions, sealed), asktest.LastSaid(revisions, compliance.Never)
			var want []string
			for key, n := range now {
				b, was := before[key]
				in := func(s asktest.Said) bool { return asktest.At(s.At) >= p.From && asktest.At(s.At) < p.To }
				differs := !was || b.Outcome != n.Outcome || b.Reason != n.Reason || b.At != n.At || b.Remediated != n.Remediated
				if differs && (in(n) || was && in(b)) {
					want = append(want, key)
				}
				if was && differs && in(b) != in(n) {
					moved++
				}
			}
			restated, err := listing.RestatedSince(t.Context(), w.Asker(), p, sealed)
			require.NoError(t, err)
			got := []string{}
			for _, r := range restated.Rows {
				key := r.Control + "/" + r.ItemID
				got = append(got, key)
				require.Equal(t, now[key].Outcome, r.Now.Outcome)
				require.Greater(t, r.KnownAt, sealed)
				require.Equal(t, before[key].Revision, revisionOf(r.Before))
			}
			require.ElementsMatch(t, want, got, "seed %d, sealed %s", seed, sealed)
			require.True(t, slices.IsSortedFunc(restated.Rows, func(a, b listing.Restated) int { return int(a.KnownAt - b.KnownAt) }))
		}
	}
	require.Positive(t, moved, "some item has to leave or enter the period")
}

func revisionOf(s *listing.Saying) int {
	if s == nil {
		return 0
	}
	return s.Revision
}
