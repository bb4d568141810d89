package engine_test

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/engine"
)

func shipped(t *testing.T) *dictionary.Dictionary {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	return d
}

// samplesOf are a typical event of each type.
func samplesOf(t *testing.T, d *dictionary.Dictionary) map[string]compliance.Event {
	t.Helper()
	samples := map[string]compliance.Event{}
	for _, name := range d.Names() {
		typ, ok := d.Type(name)
		require.True(t, ok)
		data, err := typ.Example()
		require.NoError(t, err)
		samples[name] = compliance.Event{Tenant: "default", Source: "/" + name, ID: "delivery-0123456789", Type: name, Data: data}
	}
	return samples
}

// TestStateEndsAsFootprintsSay: an event alone is held for as long as its control says,
// to the millisecond, no more than a quarter longer, and costs what it says.
func TestStateEndsAsFootprintsSay(t *testing.T) {
	d := shipped(t)
	samples := samplesOf(t, d)
	ended, rows := 0, 0
	for _, files := range []fs.FS{controls.FS, os.DirFS("../controltest/testdata/language")} {
		b, err := control.Load(files, d)
		require.NoError(t, err)
		for i, f := range engine.Footprints(b, samples) {
			c := b.Controls[i]
			require.Equal(t, c.ID, f.Control)
			for _, fact := range f.Facts {
				ev := samples[fact.Type]
				ev.Time = minute(60 * 24 * 90)
				s := newState(b)
				sent := s.send(c, ev)
				require.LessOrEqual(t, sent, fact.Copies, "%s of %s", fact.Type, c.ID)
				if sent == 0 {
					continue // the example isn't of this population
				}
				require.InDelta(t, fact.Bytes, (s.bytes("fact")+s.bytes("hop"))/sent, slack(c), "%s of %s", fact.Type, c.ID)
				keeps := duration(t, f.Evidence)
				s.advance(ev.Time.Add(keeps - time.Millisecond))
				require.Positive(t, s.count("fact")+s.count("hop"), "%s of %s is gone before %s", fact.Type, c.ID, f.Evidence)
				s.advance(ev.Time.Add(keeps + keeps/4 + time.Millisecond))
				if s.count("fact")+s.count("hop") > 0 || c.Hops && s.count("said") > 0 {
					require.NotEmpty(t, f.Tables, "%s of %s is there after %s", fact.Type, c.ID, f.Evidence)
					rows++
					continue
				}
				ended++
			}
		}
	}
	require.Greater(t, ended, 25)
	require.Positive(t, rows, "a live row stays")
	t.Logf("%d events ended in time, %d are rows of tables", ended, rows)
}

// slack is how far a record's bytes may be off: a key at a hop has the name of its field.
func slack(c *control.Control) float64 {
	if c.Hops {
		return 24
	}
	return 8
}

// TestSlotsEndAsFootprintsSay: of a schedule's item a word remains, so long after its
// period as is said, and not a year more.
func TestSlotsEndAsFootprintsSay(t *testing.T) {
	b, err := control.Load(controls.FS, shipped(t))
	require.NoError(t, err)
	c := b.Control("AC-04")
	f := engine.Footprints(b, samplesOf(t, shipped(t)))[c.Index]
	require.Equal(t, "period + 12d", f.Items)
	july := c.Population.Schedule.First(b.EffectiveFrom)
	s := newState(b)
	s.advance(july.Start + 1)
	s.advance(july.End.Add(12*24*time.Hour - time.Millisecond))
	s.changed = nil
	for at := july.End.Add(12 * 24 * time.Hour); at < july.End.Add(25*24*time.Hour); at = at.Add(time.Hour) {
		s.advance(at)
	}
	require.Contains(t, strings.Join(s.changed, "\n"), "console@2026-07")
}

// state is what an engine's changelog holds.
type state struct {
	engine.Stages
	bundle  *control.Bundle
	records map[string]int
	changed []string
}

func newState(b *control.Bundle) *state {
	return &state{engine.NewStages(b, 1), b, map[string]int{}, nil}
}

func (s *state) send(c *control.Control, ev compliance.Event) (sent int) {
	for _, r := range s.bundle.Route(&ev) {
		if r.Control != c.ID {
			continue
		}
		fact := engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: ev}
		fact.Event.Data = r.Fields
		s.Add(0, &fact)
		sent++
	}
	s.note()
	return sent
}

func (s *state) advance(w compliance.Instant) { s.Advance(w); s.note() }

func (s *state) note() {
	var changes []engine.Change
	for _, stage := range s.Stages {
		changes = append(changes, stage[0].Changes()...)
	}
	for _, change := range changes {
		key := string(change.Key)
		s.records[key] = len(key) + len(change.Value)
		if change.Value == nil {
			delete(s.records, key)
		}
		if bytes.Contains(change.Key[:8], []byte("item")) {
			s.changed = append(s.changed, key)
		}
	}
}

// of visits the records of a kind, which their keys begin with.
func (s *state) of(kind string, visit func(size int)) {
	for key, size := range s.records {
		if bytes.Contains([]byte(key)[:8], []byte(kind)) {
			visit(size)
		}
	}
}

func (s *state) count(kind string) (n int) {
	s.of(kind, func(int) { n++ })
	return n
}

func (s *state) bytes(kind string) (n int) {
	s.of(kind, func(size int) { n += size })
	return n
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := control.ParseDuration(text)
	require.NoError(t, err)
	return d
}
