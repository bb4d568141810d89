package router

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

const routedPartitions = 3

// everything routes each event by its id, some to all partitions.
type everything struct{}

func (everything) Reads(string) bool  { return true }
func (everything) Counts(string) bool { return false }

func (everything) Route(ev *compliance.Event) []control.Route {
	return []control.Route{{Control: "C", Key: ev.ID, Everywhere: ev.ID[len(ev.ID)-1] == '7'}}
}

// life is a routed log that several routers of one source write to, each with
// what it has in memory and on the way, in any interleaving.
type life struct {
	t         *rapid.T
	source    []*kgo.Record
	routers   []*writer
	committed int64
	// lost: a record was refused while later ones arrived.
	lost  bool
	log   [routedPartitions][]routed.Record
	codec *routed.Codec
}

// writer is one router; flying are records that it produced and that haven't arrived.
type writer struct {
	table  *table
	next   int
	flying [routedPartitions][]routed.Record
	// marked is committed once all that flies has arrived.
	marked int64
}

func (l *life) start(*rapid.T) {
	w := &writer{table: newTable(Config{MaxRecord: 1 << 20, MarkEvery: time.Hour}, everything{}, types(l.t), l.codec, routedPartitions)}
	w.table.assign([]consume.Change{{Partition: consume.Partition{Topic: "p", ID: 0}, Committed: l.committed}})
	w.next, w.marked = int(max(l.committed, 0)), consume.None
	l.routers = append(l.routers, w)
}

func (l *life) pick() *writer {
	if len(l.routers) == 0 {
		l.start(l.t)
	}
	return l.routers[rapid.IntRange(0, len(l.routers)-1).Draw(l.t, "router")]
}

func (l *life) route(*rapid.T) {
	w := l.pick()
	if w.next == len(l.source) {
		return
	}
	step, err := w.table.take(l.source[w.next])
	require.NoError(l.t, err)
	require.Nil(l.t, step.rejected)
	w.next++
	l.fly(w, step.facts)
}

func (l *life) mark(*rapid.T) {
	w := l.pick()
	outs, positions, err := w.table.marks(1)
	require.NoError(l.t, err)
	l.fly(w, outs)
	for _, p := range positions {
		w.marked = p.offset + 1
	}
}

func (l *life) fly(w *writer, outs []output) {
	for _, out := range outs {
		rec, err := l.codec.Decode(out.value)
		require.NoError(l.t, err)
		w.flying[out.partition] = append(w.flying[out.partition], rec)
	}
}

// arrive lets the first records that fly to a partition arrive, in order.
func (l *life) arrive(*rapid.T) {
	w := l.pick()
	q := rapid.IntRange(0, routedPartitions-1).Draw(l.t, "q")
	n := rapid.IntRange(0, len(w.flying[q])).Draw(l.t, "n")
	l.log[q] = append(l.log[q], w.flying[q][:n]...)
	w.flying[q] = w.flying[q][n:]
}

// commit waits for all that flies and then commits what is marked.
func (l *life) commit(*rapid.T) {
	w := l.pick()
	l.land(w)
	// A zombie's commit is refused by the group, so commits never go back.
	l.committed = max(l.committed, w.marked)
}

// land lets all that flies arrive.
func (l *life) land(w *writer) {
	for q := range w.flying {
		l.log[q] = append(l.log[q], w.flying[q]...)
		w.flying[q] = nil
	}
}

// kill loses what flies and hasn't arrived.
func (l *life) kill(*rapid.T) {
	l.pick()
	l.routers = l.routers[1:]
}

// lose makes Kafka refuse one record while later ones arrive. The router ends, as
// it must after any error, but what flies may still arrive.
func (l *life) lose(*rapid.T) {
	w := l.pick()
	q := rapid.IntRange(0, routedPartitions-1).Draw(l.t, "q")
	if len(w.flying[q]) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.flying[q])-1).Draw(l.t, "i")
	w.flying[q] = append(w.flying[q][:i:i], w.flying[q][i+1:]...)
	l.land(w)
	l.lost = true
	l.routers = slices.DeleteFunc(l.routers, func(o *writer) bool { return o == w })
}

// check reads each routed partition as the judge does.
func (l *life) check(*rapid.T) {
	for q := range int32(routedPartitions) {
		hi := l.read(q)
		require.GreaterOrEqual(l.t, hi, l.committed-1, "partition %d lacks what is committed", q)
	}
}

// read takes a routed partition: what repeats is dropped, and so is what joins
// nowhere, which there may be after a loss only.
func (l *life) read(q int32) int64 {
	hi := routed.Start
	seen := map[string]bool{}
	join := func(offset, prev int64) (joins, fresh bool) {
		if prev > hi {
			require.True(l.t, l.lost, "partition %d has a gap before offset %d", q, offset)
			return false, false
		}
		fresh = offset > hi
		hi = max(hi, offset)
		return true, fresh
	}
	for _, rec := range l.log[q] {
		if rec.Fact != nil {
			if _, fresh := join(rec.Fact.Offset, rec.Fact.Prev); fresh {
				require.False(l.t, seen[rec.Fact.Event.ID])
				seen[rec.Fact.Event.ID] = true
			}
			continue
		}
		for _, p := range rec.Mark.Positions {
			if joins, _ := join(p.Offset, p.Prev); joins {
				l.complete(q, p.Offset, seen)
			}
		}
	}
	return hi
}

// finish lets one more router do all that is left: every partition is whole then,
// whatever was lost before.
func (l *life) finish() {
	l.start(l.t)
	w := l.routers[len(l.routers)-1]
	for w.next < len(l.source) {
		step, err := w.table.take(l.source[w.next])
		require.NoError(l.t, err)
		w.next++
		l.fly(w, step.facts)
	}
	outs, _, err := w.table.marks(1)
	require.NoError(l.t, err)
	l.fly(w, outs)
	l.land(w)
	for q := range int32(routedPartitions) {
		require.Equal(l.t, int64(len(l.source)-1), l.read(q))
	}
}

// complete: all that the source has for q up to an offset stands in q.
func (l *life) complete(q int32, offset int64, seen map[string]bool) {
	for _, r := range l.source[:offset+1] {
		ev, err := record.DecodeEvent(r)
		require.NoError(l.t, err)
		route := everything{}.Route(ev)[0]
		if route.Everywhere || control.Partition(ev.Tenant, "C", ev.ID, routedPartitions) == q {
			require.True(l.t, seen[ev.ID], "partition %d was marked up to %d without %s", q, offset, ev.ID)
		}
	}
}

// Any number of routers, alive and dead, may write for the same source: when a
// mark says so, all stands before it, and each event is taken once.
func TestMarksHoldWhoeverWrites(t *testing.T) {
	codec, err := routed.NewCodec()
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		l := &life{t: rt, committed: consume.None, codec: codec, source: events(40)}
		l.start(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"start": l.start, "route": l.route, "route more": l.route, "mark": l.mark,
			"arrive": l.arrive, "commit": l.commit, "kill": l.kill, "lose": l.lose, "": l.check,
		})
		l.finish()
	})
}

func events(n int) []*kgo.Record {
	var all []*kgo.Record
	for i := range n {
		at := compliance.InstantOf(time.Date(2026, 7, 1, 0, 0, i, 0, time.UTC))
		r := record.EncodeEvent(&compliance.Event{Tenant: "t", Source: "/s", ID: fmt.Sprintf("e%d", i), Type: "known", Time: at}, "k", []byte(`{"key": "k"}`))
		r.Topic, r.Offset = "p", int64(i)
		all = append(all, r)
	}
	return all
}

func types(t require.TestingT) *dictionary.Dictionary {
	const schema = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://assay.example/schemas/events/known.json",
"title": "T", "description": "D.", "x-family": "access", "x-key": "key", "type": "object", "required": ["key"],
"properties": {"key": {"description": "K.", "type": "string"}}, "additionalProperties": true, "examples": [{"key": "k"}]}`
	d, err := dictionary.Load(fstest.MapFS{"known.json": {Data: []byte(schema)}})
	require.NoError(t, err)
	return d
}
