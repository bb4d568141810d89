//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/record"
)

// horizon is after every deadline of the story and of its items' remedies.
func horizon() compliance.Instant {
	return compliance.InstantOf(time.Date(2026, 11, 6, 0, 0, 0, 0, time.UTC))
}

// tally is what a run is judged by. All but the first two must be 0.
type tally struct {
	items, revisions        int
	lost, duplicated, wrong int
	examples                []string
}

func (c *tally) note(format string, args ...any) {
	const most = 10
	if len(c.examples) < most {
		c.examples = append(c.examples, fmt.Sprintf(format, args...))
	}
}

func (c *tally) String() string {
	return fmt.Sprintf("items %d, revisions %d; lost %d, duplicated %d, wrong %d", c.items, c.revisions, c.lost, c.duplicated, c.wrong)
}

// tallyOf holds the verdicts against the events: revisions count 1, 2, … without
// gap and repeat, each says what the one before said, and the last says what the
// oracle does of all events at once.
func tallyOf(f *fleet, events []said, histories map[itemKey][]stated) *tally {
	f.t.Helper()
	c := &tally{items: len(histories)}
	for _, k := range keys(histories) {
		c.count(k, histories[k])
	}
	c.compare(f.truth(events), histories)
	return c
}

func (c *tally) count(k itemKey, history []stated) {
	c.revisions += len(history)
	highest, seen := 0, map[int]bool{}
	for i, rev := range history {
		if seen[rev.Number] {
			c.duplicated++
			c.note("%s: revision %d stands there twice", k, rev.Number)
		}
		seen[rev.Number] = true
		highest = max(highest, rev.Number)
		if i > 0 && !follows(rev.Revision, history[i-1].Revision) {
			c.wrong++
			c.note("%s: revision %d doesn't follow from what stands before it", k, rev.Number)
		}
	}
	if missing := highest - len(seen); missing > 0 {
		c.lost += missing
		c.note("%s: %d of %d revisions are missing", k, missing, highest)
	}
}

// follows says whether what a revision calls the previous one is that.
func follows(rev, before *compliance.Revision) bool {
	p := rev.Previous
	return rev.Number == before.Number+1 && rev.KnownAt >= before.KnownAt && p != nil &&
		p.Outcome == before.Outcome && p.Reason == before.Reason && p.ItemTime == before.Item.Time && p.RemediatedAt == before.RemediatedAt
}

// truth is what the oracle says of all events.
func (f *fleet) truth(events []said) map[itemKey]*compliance.Verdict {
	admitted := make([]*compliance.Event, len(events))
	for i, ev := range events {
		admitted[i] = ev.Event
	}
	all := map[itemKey]*compliance.Verdict{}
	for _, c := range f.bundle.Controls {
		for _, v := range oracle.Verdicts(f.bundle, c, record.DefaultTenant, admitted, horizon()) {
			all[itemKey{record.DefaultTenant, c.ID, v.Item.ID}] = &v
		}
	}
	return all
}

func (c *tally) compare(truth map[itemKey]*compliance.Verdict, histories map[itemKey][]stated) {
	for _, k := range keys(truth) {
		history, ok := histories[k]
		if !ok {
			c.lost++
			c.note("%s: no verdict; the oracle says %s %s", k, truth[k].Outcome, truth[k].Reason)
			continue
		}
		if rev := last(history); !rev.Same(truth[k]) {
			c.wrong++
			c.note("%s: revision %d says %s; the oracle says %s", k, rev.Number, text(&rev.Verdict), text(truth[k]))
		}
	}
	for _, k := range keys(histories) {
		if truth[k] == nil && last(histories[k]).Outcome != compliance.Withdrawn {
			c.wrong++
			c.note("%s: the oracle knows no such item", k)
		}
	}
}

func text(v *compliance.Verdict) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s at %s (remedied %s)", v.Outcome, v.Reason, v.Item.Time, v.RemediatedAt)
	for _, e := range v.Evidence {
		fmt.Fprintf(&s, " [%s %s %s]", e.Expectation, e.Source, e.ID)
	}
	return s.String()
}

// clean fails the test unless nothing is lost, duplicated or wrong.
func (c *tally) clean(f *fleet) {
	f.t.Helper()
	require.Positive(f.t, c.items)
	require.Empty(f.t, c.examples, "%s", c)
	require.Zero(f.t, c.lost+c.duplicated+c.wrong, "%s", c)
}
