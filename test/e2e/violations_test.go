//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// foreignRecords is the whole topic as another maker's client hands it out. It
// ignores aborts and markers, so whatever were written in a transaction would show.
func (f *fleet) foreignRecords(name string) []kafka.Message {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	topic := f.kafka.Topic(name)
	cl := f.client()
	var all []kafka.Message
	for at, end := range f.ends(ctx, cl, []string{topic}) {
		r := kafka.NewReader(kafka.ReaderConfig{
			Brokers: f.kafka.Brokers, Topic: topic, Partition: int(at.partition), MaxBytes: 10 << 20,
			MaxWait: 100 * time.Millisecond, IsolationLevel: kafka.ReadCommitted,
		})
		for next := int64(0); next < end; {
			m, err := r.ReadMessage(ctx)
			require.NoError(f.t, err)
			require.Equal(f.t, next, m.Offset, "a hole: something other than plain records is in %s", topic)
			next = m.Offset + 1
			all = append(all, m)
		}
		require.NoError(f.t, r.Close())
	}
	return all
}

// checkViolations holds the topic that anybody's alerting reads against the
// committed verdicts. It returns how many violations there are, and how many of
// the records repeat one.
func (f *fleet) checkViolations(histories map[itemKey][]stated) (violations, repeats int) {
	f.t.Helper()
	seen := map[string]string{}
	for _, m := range f.foreignRecords("violations") {
		var v record.Violation
		require.NoError(f.t, json.Unmarshal(m.Value, &v), "%s", m.Value)
		k := itemKey{v.Verdict.Tenant, v.Verdict.Control, v.Verdict.Item.ID}
		require.Equal(f.t, k.String(), string(m.Key))
		require.Equal(f.t, record.ViolationSchema, v.Schema)
		require.Equal(f.t, k.String(), v.Episode)
		require.Equal(f.t, fmt.Sprintf("%s#%d", k, v.Verdict.Number), v.ID)
		require.NotEmpty(f.t, v.Title)
		require.NotEmpty(f.t, v.Criteria)
		history := histories[k]
		require.GreaterOrEqual(f.t, len(history), v.Verdict.Number, "%s speaks of a revision that isn't committed", v.ID)
		require.Equal(f.t, *history[v.Verdict.Number-1].Revision, v.Verdict, "%s", v.ID)
		require.Equal(f.t, changeOf(history, v.Verdict.Number), v.Change, "%s", v.ID)
		if first, ok := seen[v.ID]; ok {
			require.Equal(f.t, first, string(m.Value), "%s is repeated in other words", v.ID)
			repeats++
		}
		seen[v.ID] = string(m.Value)
	}
	for _, k := range keys(histories) {
		for _, rev := range histories[k] {
			if changeOf(histories[k], rev.Number) != "" {
				id := fmt.Sprintf("%s#%d", k, rev.Number)
				require.NotEmpty(f.t, seen[id], "the violation %s was never published", id)
			}
		}
	}
	return len(seen), repeats
}

// changeOf is what the n-th revision means to alerting; empty if nothing.
func changeOf(history []stated, n int) record.Change {
	now, before := history[n-1], stated{Revision: &compliance.Revision{}}
	if n > 1 {
		before = history[n-2]
	}
	is, was := now.Outcome == compliance.Deviation, before.Outcome == compliance.Deviation
	switch {
	case is && !was:
		return record.Opened
	case was && !is:
		return record.Corrected
	case is && now.RemediatedAt != 0 && before.RemediatedAt == 0:
		return record.Remediated
	case is:
		return record.Updated
	}
	return ""
}
