package engine_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// constructs are the parts of the language that the generator aims at: what shows
// one in a control's text, and which revisions it decides.
var constructs = []struct {
	name    string
	shows   *regexp.Regexp
	decides func(compliance.Revision) bool
}{
	{"unless", regexp.MustCompile(`unless:`), settled},
	{"latest", regexp.MustCompile(`latest:`), settled},
	{"fold", regexp.MustCompile(`fold:`), settled},
	{"clock", regexp.MustCompile(`clock:`), settled},
	{"sender", regexp.MustCompile(`item.source`), settled},
	{"digest", regexp.MustCompile(`(assert|applies): '[^']*\.same `), settled},
	{"expand", regexp.MustCompile(`expand:`), settled},
	{"count: part", regexp.MustCompile(`count: part`), settled},
	{"over a list", regexp.MustCompile(`over: boundary`), settled},
	{"over a list, beside a table", regexp.MustCompile(`(?s)tables:.*over: boundary`), settled},
	{"part withdrawn", regexp.MustCompile(`count: part`), func(r compliance.Revision) bool {
		return r.Outcome == compliance.Withdrawn && strings.Contains(r.Item.ID, "/")
	}},
	{"having", regexp.MustCompile(`having:`), settled},
	{"having: withdrawn", regexp.MustCompile(`having:`), func(r compliance.Revision) bool { return r.Outcome == compliance.Withdrawn }},
	{"bucket", regexp.MustCompile(`bucket\(`), settled},
	{"instead", regexp.MustCompile(`instead:`), settled},
	{"instead: taken", regexp.MustCompile(`instead:`), func(r compliance.Revision) bool {
		return settled(r) && slices.ContainsFunc(r.Evidence, func(e compliance.Evidence) bool { return e.Expectation[0] == 'f' })
	}},
	{"computed ends", regexp.MustCompile(`cap:`), settled},
	{"business days", regexp.MustCompile(`\dbd`), settled},
	{"cancelled_by", regexp.MustCompile(`cancelled_by:`), func(r compliance.Revision) bool { return r.Reason == compliance.ReasonCancelled }},
	{"waivable: false", regexp.MustCompile(`waivable: false`), settled},
	{"waived", anything, func(r compliance.Revision) bool { return r.Outcome == compliance.Waived }},
	{"waived late", anything, func(r compliance.Revision) bool { return turns(r, compliance.Deviation, compliance.Waived) }},
	{"no longer waived", anything, func(r compliance.Revision) bool { return turns(r, compliance.Waived, compliance.Deviation) }},
	{"a part waived", regexp.MustCompile(`count: part`), func(r compliance.Revision) bool {
		return r.Outcome == compliance.Waived && strings.Contains(r.Item.ID, "/")
	}},
	{"waiver flawed", anything, func(r compliance.Revision) bool {
		return slices.ContainsFunc(r.Evidence, func(e compliance.Evidence) bool { return strings.HasPrefix(e.Expectation, "waiver.") })
	}},
	{"conflicts", regexp.MustCompile(`expect:`), func(r compliance.Revision) bool { return r.Reason == compliance.ReasonConflictingEvidence }},
	{"silence", regexp.MustCompile(`expect:`), func(r compliance.Revision) bool { return r.Reason == compliance.ReasonSourceSilent }},
	{"no history", regexp.MustCompile(`expect:`), func(r compliance.Revision) bool { return r.Reason == compliance.ReasonNoHistory }},
	{"tables", readsTable, settled},
	{"tables unheard", readsTable, func(r compliance.Revision) bool { return r.Reason == compliance.ReasonSourceSilent }},
	{"restated", regexp.MustCompile(`restated:`), settled},
	{"tables as of events", regexp.MustCompile(`refs.held.at\((event|x|e\d)`), settled},
	{"clock of items", regexp.MustCompile(`population:\n  event: .*\n(  where: .*\n)?  clock`), settled},
	{"same_for", regexp.MustCompile(`same_for:`), settled},
	{"same_for: withdrawn", regexp.MustCompile(`same_for:`), func(r compliance.Revision) bool { return r.Outcome == compliance.Withdrawn }},
	{"versions", regexp.MustCompile(`effective_from:`), settled},
	{"where of others", regexp.MustCompile(`where: '[^']*\be\d\b`), settled},
}

var readsTable = regexp.MustCompile(`(?s)key: \[event.k(, event.v)?\].*(assert|applies): '[^']*refs.held`)

var anything = regexp.MustCompile("")

func turns(r compliance.Revision, from, to compliance.Outcome) bool {
	return r.Previous != nil && r.Previous.Outcome == from && r.Outcome == to
}

// settled: it was decided, one way or the other.
func settled(r compliance.Revision) bool {
	return r.Outcome == compliance.Pass || r.Outcome == compliance.Deviation || r.Outcome == compliance.NotApplicable
}

// noteDecided counts the revision for each construct in the control's text that
// decides it.
func (w *world) noteDecided(r compliance.Revision) {
	for _, c := range constructs {
		if c.decides(r) && c.shows.MatchString(w.text) {
			w.decided[c.name]++
		}
	}
}

// tallies say of each construct in how many worlds it stood, and how many
// revisions were decided there.
type tallies map[string]struct{ worlds, decided int }

func (t tallies) add(w *world) {
	for _, c := range constructs {
		if c.shows.MatchString(w.text) {
			n := t[c.name]
			n.worlds++
			n.decided += w.decided[c.name]
			t[c.name] = n
		}
	}
}

func (t tallies) String() string {
	var b strings.Builder
	b.WriteString("construct: worlds, revisions decided")
	for _, c := range constructs {
		fmt.Fprintf(&b, "\n  %-16s %5d %6d", c.name, t[c.name].worlds, t[c.name].decided)
	}
	return b.String()
}

// require fails if the generator misses a construct.
func (t tallies) require(tt *testing.T) {
	tt.Helper()
	for _, c := range constructs {
		require.Greater(tt, t[c.name].worlds, 15, "the generator makes too few of %s", c.name)
		require.Greater(tt, t[c.name].decided, 10, "too few revisions are decided by %s", c.name)
	}
}
