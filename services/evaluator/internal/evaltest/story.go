package evaltest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// Story is a run of events that leads to every kind of verdict: items that are
// proved in time, never, and in time but known late; repeats; and events too
// late to count.
type Story struct {
	w     *World
	start compliance.Instant
	n     int
}

// NewStory begins some time after now, so that there is a time before it.
func (w *World) NewStory() *Story {
	return &Story{w: w, start: compliance.InstantOf(time.Now().Add(100 * 24 * time.Hour))}
}

// Hour writes an hour of the story: ten items and what belongs to them, and at
// the end what time it is.
func (s *Story) Hour() {
	s.w.T.Helper()
	at := s.start.Add(time.Duration(s.n) * time.Hour)
	for i := range 10 {
		name := fmt.Sprintf("%d.%d", s.n, i)
		item := Event(int32(i%2), Item, "i"+name, name, at.Add(time.Duration(i)*time.Minute))
		s.w.Produce(item, clone(item))
		if i%3 == 0 {
			s.w.Produce(Event(int32((i+1)%2), Proof, "p"+name, name, at.Add(30*time.Minute)))
		}
	}
	if s.n > 2 {
		late := fmt.Sprintf("%d.1", s.n-3)
		s.w.Produce(Event(0, Proof, "p"+late, late, at.Add(-3*time.Hour+30*time.Minute)))
		s.w.Produce(Event(0, Proof, fmt.Sprintf("q%d", s.n), late, at.Add(-30*24*time.Hour)))
	}
	s.n++
	s.w.Clock(s.start.Add(time.Duration(s.n) * time.Hour))
}

// End lets every deadline pass.
func (s *Story) End() {
	s.w.T.Helper()
	s.w.Clock(s.start.Add(time.Duration(s.n+2) * time.Hour))
}

// Outcomes are the last words on each item that the story leads to.
func (s *Story) Outcomes() map[string]compliance.Outcome {
	all := make(map[string]compliance.Outcome)
	for h := range s.n {
		for i := range 10 {
			outcome := compliance.Deviation
			if i%3 == 0 || i == 1 && h < s.n-3 {
				outcome = compliance.Pass
			}
			all[fmt.Sprintf("i%d.%d", h, i)] = outcome
		}
	}
	return all
}

func clone(r *kgo.Record) *kgo.Record {
	c := *r
	return &c
}

// LastWords are the outcomes in the committed verdicts. It fails the test if an
// item's revisions aren't 1, 2, 3, … in this order: something was lost or repeated.
func (w *World) LastWords() map[string]compliance.Outcome {
	w.T.Helper()
	words := make(map[string]compliance.Outcome)
	revisions := make(map[string]int)
	for _, r := range w.ReadCommitted(Verdicts) {
		rev, err := record.DecodeRevision(r.Value)
		require.NoError(w.T, err)
		revisions[rev.Item.ID]++
		require.Equal(w.T, revisions[rev.Item.ID], rev.Number, "item %s", rev.Item.ID)
		words[rev.Item.ID] = rev.Outcome
	}
	return words
}

// Done says whether a group has committed all of its topic.
func (w *World) Done(group, topic string) bool {
	w.T.Helper()
	admin := kadm.NewClient(w.client)
	ends, err := admin.ListEndOffsets(w.T.Context(), topic)
	require.NoError(w.T, err)
	commits, err := admin.FetchOffsets(w.T.Context(), group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return false
	}
	require.NoError(w.T, err)
	for p, end := range ends[topic] {
		c, ok := commits.Lookup(topic, p)
		if !ok && end.Offset > 0 || ok && c.At < end.Offset {
			return false
		}
	}
	return true
}

// ForgetCommits has commits answered and not kept, as if another member had committed what was
// there before, until the returned function is called.
func (w *World) ForgetCommits() (keep func()) {
	var kept atomic.Bool
	w.Cluster.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		req, ok := r.(*kmsg.OffsetCommitRequest)
		if kept.Load() || !ok {
			return nil, nil, false
		}
		w.Cluster.KeepControl()
		resp, _ := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, t := range req.Topics {
			answer := kmsg.OffsetCommitResponseTopic{Topic: t.Topic, TopicID: t.TopicID}
			for _, p := range t.Partitions {
				answer.Partitions = append(answer.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition})
			}
			resp.Topics = append(resp.Topics, answer)
		}
		return resp, nil, true
	})
	return func() { kept.Store(true) }
}

// Settle waits until routers and judges have done all there is.
func (w *World) Settle() {
	w.T.Helper()
	w.Eventually("all is routed and judged", func() bool {
		return w.Done("router", Access) && w.Done("router", Deployment) && w.Done("judge", Routed)
	})
}

// Values are the values of a topic by partition, in order.
func (w *World) Values(topic string) map[int32][]string {
	w.T.Helper()
	values := make(map[int32][]string)
	for _, r := range w.ReadCommitted(topic) {
		values[r.Partition] = append(values[r.Partition], string(r.Value))
	}
	return values
}
