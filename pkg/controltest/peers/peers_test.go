package peers_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest/internal/timeline"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// peersFixture lists the files of a folder of third-party rules that this repository
// doesn't hold. Where they aren't, our own samples are tried alone.
func peersFixture(t *testing.T, pattern string) []string {
	t.Helper()
	folder := os.Getenv("ASSAY_TEST_FIXTURES")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "fixtures")
	}
	files, err := filepath.Glob(filepath.Join(folder, filepath.FromSlash(pattern)))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Logf("NOT TESTED: no third-party rules %s on this machine; set ASSAY_TEST_FIXTURES to their folder", pattern)
	}
	return files
}

// peer is one rule said as a control.
type peer struct {
	file   string
	bundle *control.Bundle
	orders int     // in how many the engine hears the events of a published log
	also   []*peer // further tests of the same rule; what passes one passes
}

// id is the control's.
func (p *peer) id() string { return p.bundle.Controls[0].ID }

// title is the control's: the peer's own name of the rule, or its formula.
func (p *peer) title() string { return p.bundle.Controls[0].Title }

// peersIn compiles each control of a folder by itself, by its title.
func peersIn(t *testing.T, folder string, d *dictionary.Dictionary, boundary string) map[string]*peer {
	t.Helper()
	declared, err := document.Parse(control.BoundaryFile, []byte(boundary))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	require.NoError(t, err)
	peers := map[string]*peer{}
	for _, file := range files {
		if !control.IsControlFile(file) {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		doc, err := document.Parse(file, text)
		require.NoError(t, err)
		bundle, err := control.Compile(declared, []*document.Document{doc}, d)
		require.NoError(t, err)
		p := &peer{file: file, bundle: bundle, orders: 5}
		require.NotContains(t, peers, p.title(), "%s says what another file says", file)
		peers[p.title()] = p
	}
	return peers
}

// peerEvent makes an event as the log would hold it.
func peerEvent(t *testing.T, d *dictionary.Dictionary, kind, source, id string, at compliance.Instant, data map[string]any) *compliance.Event {
	t.Helper()
	typ, err := d.Find(kind)
	require.NoError(t, err)
	raw, err := json.Marshal(data)
	require.NoError(t, err)
	fields, err := typ.Decode(raw)
	require.NoError(t, err, "%s %s", kind, raw)
	ev := &compliance.Event{Tenant: timeline.Tenant, Source: source, ID: id, Type: kind, Time: at, Data: fields}
	timeline.Seal(ev, typ, raw, 0)
	return ev
}

// afterAll is longer than any interval can be: judged so late, all have ended.
const afterAll = 2 * 3661 * 24 * time.Hour

// judged is what is said of each item once all is known. The engine hears the events
// in several orders, twice at times, and says the same as the oracle, on the way too.
func (p *peer) judged(t *testing.T, events []*compliance.Event, orders int) map[string]compliance.Outcome {
	t.Helper()
	outcomes := map[string]compliance.Outcome{}
	if len(events) == 0 {
		return outcomes
	}
	line := timeline.Timeline{Bundle: p.bundle, Control: p.bundle.Controls[0]}
	for _, ev := range events {
		line.Arrivals = append(line.Arrivals, timeline.Arrival{Event: ev, At: ev.Time})
	}
	slices.SortFunc(line.Arrivals, func(a, b timeline.Arrival) int { return a.Event.Compare(b.Event) })
	middle, last := line.Arrivals[len(events)/2].At, line.Arrivals[len(events)-1].At
	line.Watermarks = []compliance.Instant{middle, last.Add(afterAll)}
	seed := sha256.Sum256([]byte(p.title()))
	truth := line.ByOracle()
	for order := range orders {
		found, err := line.ByEngine(rand.New(rand.NewPCG(uint64(seed[0]), uint64(order))))
		require.NoError(t, err)
		at, id, differ := timeline.Difference(truth, found)
		require.False(t, differ, "%s: in order %d the engine says of %s at watermark %d %+v, the oracle %+v", p.file, order, id, at, found[at][id], truth[at][id])
	}
	for id, r := range truth[0] { // all comes on time, so that what is decided stays
		if r.Outcome == compliance.Pass || r.Outcome == compliance.Deviation {
			require.Equal(t, r.Outcome, truth[1][id].Outcome, "%s: %s is decided at %s, and then again", p.file, id, middle)
		}
	}
	for id, r := range truth[1] {
		if r.Outcome != compliance.Withdrawn {
			outcomes[id] = r.Outcome
		}
	}
	for _, other := range p.also {
		for id, outcome := range other.judged(t, events, orders) {
			if outcomes[id] != compliance.Pass {
				outcomes[id] = outcome
			}
		}
	}
	return outcomes
}

// peerRow is one line of the table that a test prints.
type peerRow struct {
	rule, as        string // the control, or why there is none
	cases, differed int
}

// peerTable prints what was tried.
func peerTable(t *testing.T, of string, rows []peerRow) {
	t.Helper()
	slices.SortStableFunc(rows, func(a, b peerRow) int { return strings.Compare(a.as, b.as) })
	var b strings.Builder
	total := peerRow{rule: "all", as: fmt.Sprintf("%d rules", len(rows))}
	fmt.Fprintf(&b, "%-10s %-70s %6s %6s %6s\n", "CONTROL", of, "CASES", "SAME", "DIFFER")
	for _, r := range append(rows, total) {
		total.cases, total.differed = total.cases+r.cases, total.differed+r.differed
		if r.rule == "all" {
			r = total
		}
		fmt.Fprintf(&b, "%-10s %-70s %6d %6d %6d\n", r.as, r.rule, r.cases, r.cases-r.differed, r.differed)
	}
	t.Logf("\n%s", b.String())
}
