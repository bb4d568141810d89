package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestEventsBecomeVerdicts posts a handful of events and reads what came of them.
func TestEventsBecomeVerdicts(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	ago := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }

	t.Run("a self-approved deployment", func(t *testing.T) {
		w := w.in(t)
		w.change("self", "ann", ago(30))
		w.approve("self", "ann", ago(20))
		w.deploy("self", "ann", ago(10))
		w.shows("CH-01", "D-self", verdict{"deviation", "self_approval", 1})
		w.changes("CH-01", "D-self", "opened")
	})
	t.Run("an acknowledgement in time", func(t *testing.T) {
		w := w.in(t)
		// The acknowledgement is sent first: its deadline is long past, so an incident
		// alone would be a deviation at the next mark.
		w.post("ack-1", "/pager", "incident.acknowledged", ago(20), fields{"incident_id": "I-1", "responder": "bob", "responder_kind": "human"})
		w.post("open-1", "/pager", "incident.opened", ago(30), fields{"incident_id": "I-1", "severity": "sev1", "service": "api"})
		w.shows("IN-01", "I-1", verdict{"pass", "", 1})
	})
	t.Run("an approval that comes late", func(t *testing.T) {
		w := w.in(t)
		w.change("late", "ann", ago(30))
		w.deploy("late", "ann", ago(10))
		w.shows("CH-01", "D-late", verdict{"deviation", "no_approval", 1})
		w.approve("late", "bob", ago(20))
		w.shows("CH-01", "D-late", verdict{"pass", "", 2})
		w.changes("CH-01", "D-late", "opened", "corrected")
	})
	t.Run("a record that is no event", func(t *testing.T) {
		w := w.in(t)
		topic := w.kafka.Topic("events.deployment")
		cl := w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
		for partition := range int32(2) {
			require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: partition, Value: []byte("not an event")}).FirstErr())
		}
		w.count(2, "SELECT count() FROM rejected FINAL WHERE code = 'malformed' AND origin_topic = '"+topic+"'")
		w.change("after", "ann", ago(30)) // its partition goes on
		w.deploy("after", "ann", ago(10))
		w.shows("CH-01", "D-after", verdict{"deviation", "no_approval", 1})
	})
	t.Run("an id with two bodies", func(t *testing.T) {
		w := w.in(t)
		for _, severity := range []string{"sev3", "sev4"} {
			w.post("twice", "/pager", "incident.opened", ago(30), fields{"incident_id": "I-2", "severity": severity, "service": "api"})
		}
		w.count(1, "SELECT count() FROM event_conflicts WHERE id = 'twice' AND source = '/pager' AND length(bodies) = 2")
	})
	w.count(0, "SELECT count() FROM verdict_days_drift")
}

// in speaks for a part of the test.
func (w *world) in(t *testing.T) *world {
	part := *w
	part.t = t
	return &part
}

// TestLatency measures how long after an event its verdict is in ClickHouse, with
// the product's own settings.
func TestLatency(t *testing.T) {
	w := newWorld(t)
	deploy := func(id string) time.Duration {
		began := time.Now()
		w.change(id, "ann", began.Add(-time.Hour))
		w.deploy(id, "ann", began)
		w.shows("CH-01", "D-"+id, verdict{"deviation", "no_approval", 1})
		return time.Since(began)
	}
	deploy("warm-up")
	least, most, sum := time.Hour, time.Duration(0), time.Duration(0)
	ids := []string{"1", "2", "3"}
	for _, id := range ids {
		took := deploy(id)
		least, most, sum = min(least, took), max(most, took), sum+took
	}
	t.Logf("from an event to its verdict in ClickHouse: %s to %s, mean %s", least.Round(time.Millisecond),
		most.Round(time.Millisecond), (sum / time.Duration(len(ids))).Round(time.Millisecond))
	require.Greater(t, least, 2*time.Second, "a verdict before the log's bound has passed")
}
