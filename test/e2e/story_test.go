//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// playWithin bounds one performance of the story.
const playWithin = 6 * time.Minute

var judged = regexp.MustCompile(`(\d+) items judged, 0 differ from what was planted`)

// TestStory plays the whole story into two evaluators and a recorder that nobody
// disturbs. assay demo play itself compares with what was planted; then Kafka and
// ClickHouse are held against the events.
func TestStory(t *testing.T) {
	f := newFleet(t)
	f.start(2, 1)
	began := time.Now()
	out := f.run(playWithin, f.play()...)
	took := time.Since(began)
	require.Regexp(t, judged, out)
	found := f.check()
	say(t, "story: %d events, %s in %.1f s, %.0f events/s to the last verdict in ClickHouse",
		found.events, found.verdicts, took.Seconds(), float64(found.events)/took.Seconds())
	f.checkReport(found.histories)
	for _, p := range f.all() {
		require.Empty(t, faults(t, p.log), "errors in the log of %s", p.name)
	}
	say(t, "CPU: %s", f.effort())
}

// effort is what each service's last process used.
func (f *fleet) effort() string {
	var parts []string
	for _, p := range f.all() {
		used := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
		parts = append(parts, fmt.Sprintf("%s %.1f s", p.name, used.Seconds()))
	}
	return strings.Join(parts, ", ")
}

func (f *fleet) play() []string {
	return append([]string{"demo", "play", "--collector", "http://" + f.door}, f.size...)
}

// findings are the numbers of one run that passed.
type findings struct {
	events, violations, repeats int
	verdicts                    *tally
	histories                   map[itemKey][]stated
}

// check stops the services along the flow and holds everything against the events.
func (f *fleet) check() findings {
	f.t.Helper()
	began := time.Now()
	defer func() { f.t.Logf("checked in %s", time.Since(began).Round(time.Millisecond)) }()
	for _, p := range append([]*process{f.collector}, f.evaluators...) {
		require.NoError(f.t, p.stop())
	}
	events, histories := f.events(), f.histories()
	found := findings{events: len(events), verdicts: tallyOf(f, events, histories), histories: histories}
	found.verdicts.clean(f)
	found.violations, found.repeats = f.checkViolations(histories)
	f.awaitRecorder(found.events, found.verdicts.revisions, found.violations)
	for _, p := range f.recorders {
		require.NoError(f.t, p.stop())
	}
	f.checkTables(events, histories)
	return found
}
