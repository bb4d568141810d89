package recorder

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// certify makes the certificate of a control over approvals, of the day of the events.
func (w *world) certify() *certificate.Certificate {
	w.Helper()
	types, err := dictionary.Default()
	require.NoError(w, err)
	bundle, err := control.LoadWith(fstest.MapFS{"CH-09.yaml": {Data: []byte(`
id: CH-09
title: Approvals have an approver
criteria: [CC8.1]
population: {event: change.approved}
assert: item.approver != ""
`)}}, []byte("effective_from: 2026-06-01T00:00:00Z\nsources:\n  /vcs: {types: [change.*]}\n"), types)
	require.NoError(w, err)
	c, err := certificate.Make(w.Context(), w.conn, bundle, certificate.Params{
		Tenant: "default", Controls: []string{"CH-09"}, Now: compliance.InstantOf(time.Now()),
		Period: ask.Period{From: start.Add(-24 * time.Hour), To: start.Add(24 * time.Hour)},
	})
	require.NoError(w, err)
	return c
}

// told are the statements of a certificate about what was read and kept.
func told(c *certificate.Certificate) (proven, open []string) {
	for _, p := range c.Proven {
		proven = append(proven, p.What)
	}
	for _, u := range c.NotProven {
		open = append(open, u.Why)
	}
	return proven, open
}

const (
	wasRead = "that everything in the log was read"
	wasKept = "that what was recorded is still there, as it was"
)

// What a recorder that was killed in between leaves is made whole by its successor, what
// was delivered twice is counted as that, and what is taken away behind its back shows.
func TestWhatIsRecordedCanBeCertified(t *testing.T) {
	const events = 200
	for _, where := range []string{"intent", "events", "coverage"} {
		w := newWorld(t)
		w.fill(events, 0)
		w.produce("events.deployment", event(7, 0), event(7, 1)) // delivered again, twice
		crashed := w.start(crashAfter(2, where), func(c *Config) { c.BatchRows = 40 })
		require.ErrorIs(t, crashed.wait(), errCrash)
		r := w.start(seams{}, func(c *Config) { c.BatchRows = 27 })
		w.awaitCovered("events.deployment", uint64(events+2+clocks(events)))
		r.stop()

		c := w.certify()
		proven, _ := told(c)
		require.Contains(t, proven, wasRead, where)
		require.Contains(t, proven, wasKept, where)
		vcs := c.Facts.Sources[0]
		require.Equal(t, []int64{events + 2, events, 2, 0}, []int64{vcs.Records, vcs.Events, vcs.Repeats, vcs.Conflicts}, where)
		require.Len(t, c.Facts.Partitions, 2)

		require.NoError(t, w.conn.Exec(t.Context(), "ALTER TABLE events DELETE WHERE id = 'ev-000011' SETTINGS mutations_sync = 2"))
		proven, open := told(w.certify())
		require.NotContains(t, proven, wasKept, where)
		require.Contains(t, open, "change.approved of /vcs on 2026-07-01, offsets 0 to 4095 of "+w.config.Kafka.Topic("events.deployment")+"/1: 1 of 101 rows are gone", where)
	}
}

// Records that the log lost before they were read are named.
func TestWhatTheLogLostIsNamed(t *testing.T) {
	w := newWorld(t)
	w.fillEvents(0, 100)
	first := w.start(seams{})
	w.awaitCovered("events.deployment", uint64(100+clocks(100)))
	first.stop()
	topic := w.config.Kafka.Topic("events.deployment")
	end := one[int64](w, "SELECT max(end_offset) FROM coverage WHERE topic = ? AND partition = 0", topic)
	w.fillEvents(100, 200)
	lost := kadm.Offsets{}
	lost.AddOffset(topic, 0, end+10, -1)
	deleted, err := kadm.NewClient(w.kafka).DeleteRecords(t.Context(), lost)
	require.NoError(t, err)
	require.NoError(t, deleted.Error())
	second := w.start(seams{})
	w.awaitCovered("events.deployment", uint64(200+clocks(200)-10))
	second.stop()

	c := w.certify()
	proven, _ := told(c)
	require.NotContains(t, proven, wasRead)
	p := c.Facts.Partitions[0]
	require.Len(t, p.Holes, 1)
	require.Equal(t, end, p.Holes[0].First)
	require.Equal(t, int64(10), p.Holes[0].Missing)
	require.Empty(t, c.Facts.Partitions[1].Holes)
}
