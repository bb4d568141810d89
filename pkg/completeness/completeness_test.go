package completeness_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/completeness"
	"assay.example/assay/pkg/compliance"
)

func at(day int) compliance.Instant {
	return compliance.InstantOf(time.Date(2026, 7, day, 0, 0, 0, 0, time.UTC))
}

// whole are facts of which everything is proven.
func whole() *completeness.Facts {
	return &completeness.Facts{
		From: at(1), To: at(31), Settled: at(31), Final: at(38), RulesFrom: at(1),
		Clock:      completeness.Clock{At: at(40), Partitions: 2},
		Items:      completeness.Items{N: 1},
		Partitions: []completeness.Partition{{Topic: "t", End: 100, Records: 100}},
		Sources: []completeness.SourceFacts{{
			Name: "/idp", Declared: true, MaxGap: "3h0m0s", Counts: true, FirstSign: at(1), LastSign: at(31), Records: 3, Events: 3,
		}},
	}
}

// Each fault alone takes a statement from what is proven, or adds one to what isn't; and
// changes the hash. So nothing stays proven that is no longer.
func TestEachFaultIsSaid(t *testing.T) {
	sound := whole()
	before := completeness.Conclude(sound)
	require.Empty(t, before.NotProven)
	require.Len(t, before.Proven, 7)
	for name, fault := range map[string]func(*completeness.Facts){
		"no clock":      func(f *completeness.Facts) { f.Clock = completeness.Clock{} },
		"behind":        func(f *completeness.Facts) { f.Clock.Behind = []string{"t/0"} },
		"late may come": func(f *completeness.Facts) { f.Final = at(41) },
		"rules later":   func(f *completeness.Facts) { f.RulesFrom = at(2) },
		"nothing read":  func(f *completeness.Facts) { f.Partitions = nil },
		"begins later":  func(f *completeness.Facts) { f.Partitions[0].First = 5 },
		"unread": func(f *completeness.Facts) {
			f.Partitions[0].Holes = []completeness.Unread{{First: 3, End: 4, Missing: 1}}
		},
		"undecoded":         func(f *completeness.Facts) { f.Partitions[0].Undecoded = 1 },
		"gone":              func(f *completeness.Facts) { f.Changed = []completeness.Change{{Source: "/idp", Counted: 2, Found: 1}} },
		"slipped in":        func(f *completeness.Facts) { f.Changed = []completeness.Change{{Source: "/idp", Counted: 1, Found: 2}} },
		"altered":           func(f *completeness.Facts) { f.Changed = []completeness.Change{{Source: "/idp", Counted: 1, Found: 1}} },
		"revision":          func(f *completeness.Facts) { f.Items.MissingRevisions = 1 },
		"miscounted":        func(f *completeness.Facts) { f.Items.MiscountedDays = 1 },
		"undecidable":       func(f *completeness.Facts) { f.Items.Undecidable = 1 },
		"calendar":          func(f *completeness.Facts) { f.Items.Scheduled, f.Items.Expected = true, 2 },
		"unsourced":         func(f *completeness.Facts) { f.Unsourced = []string{"change.approved"} },
		"unattributed":      func(f *completeness.Facts) { f.Unattributed = 1 },
		"silent":            func(f *completeness.Facts) { f.Sources[0].Silences = []completeness.Silence{{From: at(3), To: at(4)}} },
		"never heard":       func(f *completeness.Facts) { f.Sources[0].FirstSign = 0 },
		"hole":              func(f *completeness.Facts) { f.Sources[0].Holes = []completeness.Lost{{Missing: 1}} },
		"count fell":        func(f *completeness.Facts) { f.Sources[0].Holes = []completeness.Lost{{}} },
		"refused":           func(f *completeness.Facts) { f.Sources[0].Refused = []completeness.Tally{{Of: "invalid_data", N: 1}} },
		"unmapped":          func(f *completeness.Facts) { f.Sources[0].Unmapped = []completeness.Tally{{Of: "x", N: 1}} },
		"quarantined":       func(f *completeness.Facts) { f.Sources[0].Quarantined = 1 },
		"conflict":          func(f *completeness.Facts) { f.Sources[0].Conflicts = 1 },
		"a source unproven": func(f *completeness.Facts) { f.Sources = append(f.Sources, completeness.SourceFacts{Name: "/cd"}) },
	} {
		f := whole()
		fault(f)
		c := completeness.Conclude(f)
		require.NotEmpty(t, c.NotProven, name)
		require.NotEqual(t, sound.SHA256("t", "c"), f.SHA256("t", "c"), name)
		for _, u := range c.NotProven {
			require.NotEmpty(t, u.What, name)
			require.NotEmpty(t, u.Why, name)
			for _, p := range c.Proven {
				require.False(t, p.Source == u.Source && p.What == u.What, "%s: %q is proven and isn't", name, p.What)
			}
		}
	}
}

// A source that promises nothing proves nothing, however much of it is on record.
func TestASourceThatPromisesNothing(t *testing.T) {
	for _, s := range []completeness.SourceFacts{
		{Name: "/cd", Declared: true}, {Name: "/cd", Declared: true, Records: 1e6, Events: 1e6, First: at(1), Last: at(31)}, {Name: "/cd"},
	} {
		f := whole()
		f.Sources = []completeness.SourceFacts{s}
		c := completeness.Conclude(f)
		require.Len(t, c.NotProven, 1)
		require.Contains(t, c.NotProven[0].Why, "nothing tells of what the source did not send")
		for _, p := range c.Proven {
			require.Empty(t, p.Source)
		}
	}
	f := whole()
	f.Sources[0].Counts = false
	c := completeness.Conclude(f)
	require.Equal(t, []completeness.Unproven{{Source: "/idp", What: "that all that it sent has come", Why: "it doesn't number its events, so one that was lost on the way doesn't show"}}, c.NotProven)
	f.Sources[0].Counts, f.Sources[0].MaxGap = true, ""
	c = completeness.Conclude(f)
	require.Equal(t, []completeness.Unproven{{Source: "/idp", What: "that it was there all through the period", Why: "it promises no signs of life"}}, c.NotProven)
}

// A source that was never heard wasn't there, though no silence of it is on record.
func TestASourceThatWasNeverHeard(t *testing.T) {
	f := whole()
	f.Sources[0].FirstSign = 0
	c := completeness.Conclude(f)
	require.Equal(t, "it never gave a sign of life", c.NotProven[0].Why)
	require.Len(t, c.NotProven, 2)
}

// What became of rows is told apart.
func TestChangedRowsAreToldApart(t *testing.T) {
	f := whole()
	for _, n := range [][2]int64{{2, 1}, {1, 2}, {2, 2}} {
		f.Changed = append(f.Changed, completeness.Change{Source: "/idp", Type: "access.login", Day: "2026-07-01", Topic: "t", End: 4096, Counted: n[0], Found: n[1]})
	}
	const at = "access.login of /idp on 2026-07-01, offsets 0 to 4095 of t/0: "
	var whys []string
	for _, u := range completeness.Conclude(f).NotProven {
		whys = append(whys, strings.TrimPrefix(u.Why, at))
	}
	require.Equal(t, []string{
		"1 of 2 rows are gone",
		"1 row was never counted, for they were recorded before anything was counted, or put there by somebody else",
		"rows aren't as they were recorded",
	}, whys)
}

// Conclusions never speak of the whole as complete: that word is the auditor's.
func TestItConcludesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 500 {
		f := whole()
		f.Clock.At, f.Items.MissingRevisions, f.Sources[0].Conflicts = at(30+r.IntN(20)), int64(r.IntN(2)), int64(r.IntN(2))
		f.Sources[0].Counts = r.IntN(2) == 0
		said := fmt.Sprint(completeness.Conclude(f))
		require.NotContains(t, strings.ToLower(said), "complete")
		require.NotContains(t, strings.ToLower(said), "effective")
	}
}

// The hash is that of docs/formats/completeness.md, and knows which name is whose.
func TestDigest(t *testing.T) {
	f := whole()
	require.Equal(t, "6d612813f97432afbaeb7d165e1ff8e9e555c41a9d01dc1dfcc8c5b244b6f916", f.SHA256("t", "c"), "made elsewhere from the documented lines")
	require.NotEqual(t, f.SHA256("t1", "c"), f.SHA256("t", "1c"))
	other := whole()
	other.Clock.At, other.Partitions[0].End = at(41), 200
	require.Equal(t, f.SHA256("t", "c"), other.SHA256("t", "c"), "how far the log went on since says nothing of the period")
}

func TestSilencesTouchDays(t *testing.T) {
	s := completeness.Silence{From: at(3), To: at(4)}
	require.False(t, s.Touches(at(2), at(3)))
	require.True(t, s.Touches(at(3), at(4)))
	require.False(t, s.Touches(at(4), at(5)))
}
