package publisher_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/publisher"
)

func TestChanges(t *testing.T) {
	const (
		pending   = compliance.Pending
		pass      = compliance.Pass
		deviation = compliance.Deviation
		waived    = compliance.Waived
	)
	at := compliance.Instant(1)
	for _, c := range []struct {
		was, is         compliance.Outcome
		wasRemedied, at compliance.Instant
		want            record.Change
	}{
		{"", deviation, 0, 0, record.Opened},
		{"", deviation, 0, at, record.Opened},
		{pending, deviation, 0, 0, record.Opened},
		{pass, deviation, 0, 0, record.Opened},
		{waived, deviation, 0, 0, record.Opened},
		{deviation, pass, 0, 0, record.Corrected},
		{deviation, pending, 0, 0, record.Corrected},
		{deviation, waived, 0, 0, record.Corrected},
		{deviation, compliance.Withdrawn, 0, 0, record.Corrected},
		{deviation, deviation, 0, at, record.Remediated},
		{deviation, deviation, 0, 0, record.Updated},
		{deviation, deviation, at, at, record.Updated},
		{"", pass, 0, 0, ""},
		{pending, pass, 0, 0, ""},
		{pass, pending, 0, 0, ""},
	} {
		rev := &compliance.Revision{Tenant: "default", Control: evaltest.ControlID, Number: 1}
		rev.Item.ID, rev.Outcome, rev.RemediatedAt = "i", c.is, c.at
		if c.was != "" {
			rev.Number = 4
			rev.Previous = &compliance.Previous{Outcome: c.was, RemediatedAt: c.wasRemedied}
		}
		v := publisher.Violation(rev, evaltest.Rules{})
		name := fmt.Sprintf("%s to %s", c.was, c.is)
		if c.want == "" {
			require.Nil(t, v, name)
			continue
		}
		require.Equal(t, c.want, v.Change, name)
		require.Equal(t, rev.Number-1, v.Supersedes)
		require.Equal(t, fmt.Sprintf("default/T-01/i#%d", rev.Number), v.ID)
		require.Equal(t, "default/T-01/i", v.Episode)
		require.Equal(t, "high", v.Severity)
	}
}

// A control that has left the bundle still alerts.
func TestUnknownControl(t *testing.T) {
	rev := &compliance.Revision{Tenant: "default", Control: "GONE-1", Number: 1}
	rev.Outcome = compliance.Deviation
	v := publisher.Violation(rev, evaltest.Rules{})
	require.Equal(t, "GONE-1", v.Title)
	require.Equal(t, "unknown", v.Severity)
}

// deviations writes verdicts by hand.
func deviations(w *evaltest.World, from, n int) {
	w.T.Helper()
	for i := from; i < from+n; i++ {
		rev := &compliance.Revision{Tenant: "default", Control: evaltest.ControlID, Number: 1}
		rev.Item.ID, rev.Outcome = fmt.Sprintf("i%d", i), compliance.Deviation
		value, err := json.Marshal(rev)
		require.NoError(w.T, err)
		w.Produce(&kgo.Record{Topic: evaltest.Verdicts, Value: value})
	}
}

// violations counts the records of each id, whose bytes must be equal.
func violations(w *evaltest.World) map[string]int {
	w.T.Helper()
	counts, bytes := map[string]int{}, map[string]string{}
	for _, r := range w.ReadCommitted(evaltest.Violations) {
		var v record.Violation
		require.NoError(w.T, json.Unmarshal(r.Value, &v))
		require.Equal(w.T, v.Episode, string(r.Key))
		if counts[v.ID]++; counts[v.ID] > 1 {
			require.Equal(w.T, bytes[v.ID], string(r.Value))
		}
		bytes[v.ID] = string(r.Value)
	}
	return counts
}

// Killed between writing and committing, a publisher writes again the same bytes
// under the same ids, and loses none.
func TestKilledPublisherRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := evaltest.New(t, 2)
		for round := range 4 {
			line := w.NewLine()
			p := w.Publisher(line)
			deviations(w, 10*round, 10)
			w.Eventually("some are written", func() bool { return len(violations(w)) > 10*round })
			p.Kill(line)
		}
		p := w.Publisher(w.NewLine())
		w.Eventually("all are published", func() bool { return len(violations(w)) == 40 && w.Done("publisher", evaltest.Verdicts) })
		p.Stop()
	})
}

// A group that stands behind, as somebody who was taken for dead has committed what it had
// read, is told again where the publisher is, though nothing comes.
func TestCommitsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := evaltest.New(t, 2)
		p := w.Publisher(w.NewLine())
		keep := w.ForgetCommits()
		deviations(w, 0, 3)
		w.Eventually("all are published", func() bool { return len(violations(w)) == 3 })
		time.Sleep(5 * time.Second)
		keep()
		require.False(t, w.Done("publisher", evaltest.Verdicts))
		time.Sleep(2 * consume.CommitAgain) // the end of a poll that finds nothing, and that of the next
		require.True(t, w.Done("publisher", evaltest.Verdicts))
		p.Stop()
	})
}

// A commit that the group doesn't take, as it is moving partitions, is made again
// although no verdict follows.
func TestCommitsAgainWithoutVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := evaltest.New(t, 2)
		refused := w.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "publisher", Err: kerr.RebalanceInProgress, Count: -1})
		p := w.Publisher(w.NewLine())
		deviations(w, 0, 3)
		w.Eventually("all are published", func() bool { return len(violations(w)) == 3 })
		synctest.Wait()
		require.NotZero(t, refused.Hits())
		refused.Remove()
		w.Eventually("all is committed", func() bool { return w.Done("publisher", evaltest.Verdicts) })
		p.Stop()
		require.Len(t, violations(w), 3)
	})
}

// A client that ignores transactions reads the violations while the judge's are
// aborted one after the other. It must see neither what was aborted nor markers.
func TestForeignClientSeesNoAbortedRecord(t *testing.T) {
	w := evaltest.NewTCP(t, 2)
	r, j, p := w.Router(w.NewLine()), w.Judge(w.NewLine(), "a"), w.Publisher(w.NewLine())
	s := w.NewStory()
	for range 4 {
		aborts := w.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.CoordinatorLoadInProgress})
		s.Hour()
		w.Eventually("a transaction is aborted", func() bool { return aborts.Hits() == 1 })
		w.Settle()
	}
	s.End()
	w.Settle()
	want := expected(t, w)
	require.NotEmpty(t, want)
	w.Eventually("all are published", func() bool { return maps.Equal(violations(w), want) })
	r.Stop()
	j.Stop()
	p.Stop()
	require.Equal(t, want, foreignIDs(t, w))
	require.NotZero(t, foreignJunk(t, w, evaltest.Verdicts), "the client is not one of those that this guards against")
}

// expected are the violations that follow from the committed verdicts, each once.
func expected(t *testing.T, w *evaltest.World) map[string]int {
	t.Helper()
	want := map[string]int{}
	for _, r := range w.ReadCommitted(evaltest.Verdicts) {
		rev, err := record.DecodeRevision(r.Value)
		require.NoError(t, err)
		if v := publisher.Violation(rev, evaltest.Rules{}); v != nil {
			want[v.ID]++
		}
	}
	return want
}

// foreign reads all that segmentio/kafka-go, as read_committed, hands out of a topic.
func foreign(t *testing.T, w *evaltest.World, topic string, each func(kafka.Message)) {
	t.Helper()
	for partition := range 2 {
		reader := kafka.NewReader(kafka.ReaderConfig{
			Brokers: w.Cluster.ListenAddrs(), Topic: topic, Partition: partition,
			IsolationLevel: kafka.ReadCommitted, MaxWait: 200 * time.Millisecond,
		})
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			m, err := reader.ReadMessage(ctx)
			cancel()
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
			each(m)
		}
		require.NoError(t, reader.Close())
	}
}

func foreignIDs(t *testing.T, w *evaltest.World) map[string]int {
	t.Helper()
	ids := map[string]int{}
	foreign(t, w, evaltest.Violations, func(m kafka.Message) {
		var v record.Violation
		require.NoError(t, json.Unmarshal(m.Value, &v), "offset %d is no violation", m.Offset)
		require.Equal(t, record.ViolationSchema, v.Schema)
		ids[v.ID]++
	})
	return ids
}

// foreignJunk counts what the client hands out although it was never committed.
func foreignJunk(t *testing.T, w *evaltest.World, topic string) int {
	t.Helper()
	seen := 0
	foreign(t, w, topic, func(kafka.Message) { seen++ })
	return seen - len(w.ReadCommitted(topic))
}
