package recorder

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/recorder/internal/rows"
)

var errCrash = errors.New("crash")

// crashAfter ends a recorder at the n-th point that it passes, of the named ones.
func crashAfter(n int64, where string) seams {
	var passed atomic.Int64
	at := func(point string) error {
		if (where == "" || where == point) && passed.Add(1) >= n {
			return errCrash
		}
		return nil
	}
	return seams{
		intended: func(tp, position) error { return at("intent") },
		inserted: func(_ tp, _ position, table string) error { return at(table) },
	}
}

// fill produces events with clocks between them, and a history of verdicts.
func (w *world) fill(events, items int) {
	w.Helper()
	w.fillEvents(0, events)
	var verdicts []*kgo.Record
	for n, rev := range history(items) {
		verdicts = append(verdicts, revisionRecord(w, rev, int32(n%2))) // revisions of an item part: order must not matter
	}
	w.produce("verdicts", verdicts...)
}

func (w *world) fillEvents(from, until int) {
	w.Helper()
	var list []*kgo.Record
	for n := from; n < until; n++ {
		list = append(list, event(n, int32(n%2)))
		if n%7 == 0 {
			list = append(list, clock(start.Add(time.Duration(n)*time.Second), int32(n%2)))
		}
	}
	w.produce("events.deployment", list...)
}

func clocks(events int) int { return (events + 6) / 7 }

// TestCrashAtEachPoint stops a recorder at each point of the protocol; its successor
// cuts batches otherwise.
func TestCrashAtEachPoint(t *testing.T) {
	for _, where := range []string{"intent", "events", "verdict_revisions", "coverage"} {
		for _, nth := range []int64{1, 3} {
			t.Run(fmt.Sprintf("%s %d", where, nth), func(t *testing.T) {
				const events, items = 300, 60
				w := newWorld(t)
				w.fill(events, items)
				crashed := w.start(crashAfter(nth, where), func(c *Config) { c.BatchRows = 40 })
				require.ErrorIs(t, crashed.wait(), errCrash)

				r := w.start(seams{}, func(c *Config) { c.BatchRows = 27 })
				w.awaitCovered("events.deployment", uint64(events+clocks(events)))
				w.awaitCovered("verdicts", uint64(len(history(items))))
				r.stop()
				w.requireExact(events, history(items))
			})
		}
	}
}

// TestCrashesInARow kills recorder after recorder, each with batches of another size,
// while events keep coming.
func TestCrashesInARow(t *testing.T) {
	const rounds, perRound, items = 25, 120, 200
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	revisions := history(items)
	var crashes int
	for round := range rounds {
		var list []*kgo.Record
		for n := range perRound {
			list = append(list, event(round*perRound+n, int32(n%2)))
		}
		w.produce("events.deployment", list...)
		var verdicts []*kgo.Record
		for n := round * len(revisions) / rounds; n < (round+1)*len(revisions)/rounds; n++ {
			verdicts = append(verdicts, revisionRecord(w, revisions[n], int32(n%2)))
		}
		w.produce("verdicts", verdicts...)
		r := w.start(crashAfter(1+random.Int64N(12), ""), func(c *Config) { c.BatchRows = 1 + random.IntN(90) })
		if err := r.wait(); err != nil {
			require.ErrorIs(t, err, errCrash)
			crashes++
		}
	}
	require.Equal(t, rounds, crashes)
	r := w.start(seams{})
	w.awaitCovered("events.deployment", rounds*perRound)
	w.awaitCovered("verdicts", uint64(len(revisions)))
	r.stop()
	w.requireExact(rounds*perRound, revisions)
}

// TestRebalances lets recorders come and go while events arrive.
func TestRebalances(t *testing.T) {
	const rounds, perRound, items = 8, 400, 150
	w := newWorld(t)
	w.fill(0, items)
	running := []*running{w.start(seams{})}
	for round := range rounds {
		var list []*kgo.Record
		for n := range perRound {
			list = append(list, event(round*perRound+n, int32(n%2)))
		}
		w.produce("events.deployment", list...)
		running = append(running, w.start(seams{}, func(c *Config) { c.BatchRows = 30 + round }))
		w.await(uint64((round+1)*perRound), "SELECT count() FROM events")
		if round%2 == 1 {
			running[0].stop()
			running = running[1:]
		}
	}
	w.awaitCovered("verdicts", uint64(len(history(items))))
	for _, r := range running {
		r.stop()
	}
	w.requireExact(rounds*perRound, history(items))
}

// proxy stands before ClickHouse and can be cut.
type proxy struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	open     bool
	conns    map[net.Conn]bool
	// answers, if set, is called before an answer goes back; true cuts it.
	swallow atomic.Int64
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, target: target, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = listener.Close(); p.set(false) })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

// set opens the way, or closes it and every connection.
func (p *proxy) set(open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = open
	if !open {
		for c := range p.conns {
			_ = c.Close()
		}
		clear(p.conns)
	}
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	p.mu.Lock()
	if err != nil || !p.open {
		p.mu.Unlock()
		_ = client.Close()
		return
	}
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	p.answer(client, server)
	_ = client.Close()
}

// answer copies answers, and swallows one now and then with its connection: the
// insert is done and nobody was told.
func (p *proxy) answer(client, server net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || p.swallow.Load() > 0 && p.swallow.Add(-1)%5 == 0 {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestClickHouseAway begins without ClickHouse, loses it while it works, and loses
// answers to inserts that were made.
func TestClickHouseAway(t *testing.T) {
	const events, items = 3000, 300
	w := newWorld(t)
	p := newProxy(t, w.config.ClickHouse.Address[len("http://"):])
	w.fill(events/2, items)
	r := w.start(seams{}, func(c *Config) {
		c.ClickHouse.Address = "http://" + p.listener.Addr().String()
		c.BatchRows, c.BatchBytes, c.BufferBytes = 50, 20<<10, 40<<10 // so that fetching pauses
	})
	for round := range 4 {
		p.set(false)
		before := one[uint64](w, "SELECT count() FROM events")
		p.swallow.Store(40)
		p.set(true)
		if round == 1 { // by now fetching has paused
			w.fillEvents(events/2, events)
		}
		if round < 3 {
			require.Eventually(t, func() bool { return one[uint64](w, "SELECT count() FROM events") > before }, patience, 5*time.Millisecond)
		}
	}
	w.awaitCovered("events.deployment", uint64(events+clocks(events)))
	w.awaitCovered("verdicts", uint64(len(history(items))))
	r.stop()
	w.requireExact(events, history(items))
}

// TestStopsWhileClickHouseIsAway: an operator can stop a recorder that waits, and
// the next one misses nothing.
func TestStopsWhileClickHouseIsAway(t *testing.T) {
	const events, items = 400, 60
	w := newWorld(t)
	p := newProxy(t, w.config.ClickHouse.Address[len("http://"):])
	p.set(true)
	w.fill(events, items)
	r := w.start(seams{intended: func(tp, position) error { p.set(false); return nil }}, func(c *Config) {
		c.ClickHouse.Address = "http://" + p.listener.Addr().String()
	})
	w.awaitCommit()
	r.stop()
	require.Zero(t, one[uint64](w, "SELECT count() FROM coverage"))
	r = w.start(seams{}, func(c *Config) { c.BatchRows = 33 })
	w.awaitCovered("events.deployment", uint64(events+clocks(events)))
	w.awaitCovered("verdicts", uint64(len(history(items))))
	r.stop()
	w.requireExact(events, history(items))
}

// awaitCommit waits for a range that is announced and not done.
func (w *world) awaitCommit() {
	w.Helper()
	admin := kadm.NewClient(w.kafka)
	require.Eventually(w, func() bool {
		commits, err := admin.FetchOffsets(w.Context(), w.config.Group)
		if err != nil {
			return false // there is no group yet
		}
		announced := false
		commits.Each(func(o kadm.OffsetResponse) { announced = announced || strings.Contains(o.Metadata, `"end":`) })
		return announced
	}, patience, 10*time.Millisecond)
}

// TestTopicMadeAgain deletes a topic and makes it again: its offsets start anew,
// whatever the group remembers of the old one.
func TestTopicMadeAgain(t *testing.T) {
	w := newWorld(t)
	name := w.config.Kafka.Topic("events.access")
	produce := func(n int) {
		for i := range n {
			w.produce("events.access", event(i, 0))
		}
	}
	produce(5)
	r := w.start(seams{})
	w.awaitCovered("events.access", 5)
	r.stop()

	admin := kadm.NewClient(w.kafka)
	var old kadm.Offsets
	commits, err := admin.FetchOffsets(t.Context(), w.config.Group)
	require.NoError(t, err)
	commits.Each(func(o kadm.OffsetResponse) { old.Add(o.Offset) })
	_, err = admin.DeleteTopics(t.Context(), name)
	require.NoError(t, err)
	w.kafka = w.client()
	require.NoError(t, stream.CreateTopics(t.Context(), w.kafka, w.config.Kafka, stream.Embedded))
	require.NoError(t, kadm.NewClient(w.kafka).CommitAllOffsets(t.Context(), w.config.Group, withoutIDs(old)))
	produce(8)
	r = w.start(seams{})
	w.awaitCovered("events.access", 5+8)
	r.stop()
	require.Equal(t, uint64(13), one[uint64](w, "SELECT count() FROM events"))
	require.Equal(t, uint64(2), one[uint64](w, "SELECT uniqExact(topic_id) FROM coverage WHERE topic = ?", name))
}

// withoutIDs makes offsets hold for topics by name alone, as old clients commit.
func withoutIDs(old kadm.Offsets) (list kadm.Offsets) {
	old.Each(func(o kadm.Offset) {
		o.TopicID = kadm.TopicID{}
		list.Add(o)
	})
	return list
}

// TestAbortedVerdictsAreNotRecorded interleaves transactions that commit and abort.
func TestAbortedVerdictsAreNotRecorded(t *testing.T) {
	w := newWorld(t)
	client := w.client(kgo.TransactionalID("judge-0"))
	revisions := history(60)
	r := w.start(seams{})
	for n, rev := range revisions {
		require.NoError(t, client.BeginTransaction())
		wrong := *rev
		wrong.Reason = "aborted"
		for _, v := range []struct {
			rec    *kgo.Record
			commit kgo.TransactionEndTry
		}{{revisionRecord(t, &wrong, int32(n%2)), kgo.TryAbort}, {revisionRecord(t, rev, int32(n%2)), kgo.TryCommit}} {
			if v.commit == kgo.TryCommit {
				require.NoError(t, client.BeginTransaction())
			}
			v.rec.Topic = w.config.Kafka.Topic("verdicts")
			require.NoError(t, client.ProduceSync(t.Context(), v.rec).FirstErr())
			require.NoError(t, client.EndTransaction(t.Context(), v.commit))
		}
	}
	w.awaitCovered("verdicts", uint64(len(revisions)))
	r.stop()
	require.Zero(t, one[uint64](w, "SELECT count() FROM verdict_revisions WHERE reason = 'aborted'"))
	w.requireExact(0, revisions)
}

// TestOffsetsAreLost resets the group as an operator or Kafka's retention of offsets
// would: coverage knows what is there.
func TestOffsetsAreLost(t *testing.T) {
	const events, items = 500, 80
	w := newWorld(t)
	w.fill(events, items)
	covered := func() {
		w.awaitCovered("events.deployment", uint64(events+clocks(events)))
		w.awaitCovered("verdicts", uint64(len(history(items))))
	}
	r := w.start(seams{})
	covered()
	r.stop()

	admin := kadm.NewClient(w.kafka)
	_, err := admin.DeleteGroups(t.Context(), w.config.Group)
	require.NoError(t, err)
	r = w.start(seams{}, func(c *Config) { c.BatchRows = 31 })
	w.produce("events.deployment", event(events, 0))
	w.await(events+1, "SELECT count() FROM events")
	r.stop()

	var back kadm.Offsets
	back.AddOffset(w.config.Kafka.Topic("events.deployment"), 1, 3, -1)
	require.NoError(t, admin.CommitAllOffsets(t.Context(), w.config.Group, back))
	r = w.start(seams{}, func(c *Config) { c.BatchRows = 17 })
	w.produce("events.deployment", event(events+1, 1))
	w.await(events+2, "SELECT count() FROM events")
	r.stop()
	w.requireExact(events+2, history(items))
	require.Equal(t, uint64(events+2+clocks(events)), one[uint64](w, "SELECT sum(l) FROM (SELECT max(leaves) AS l FROM coverage WHERE topic LIKE '%deployment' GROUP BY partition)"))
}

// TestLateInsertOfAZombie inserts a range again that a recorder inserted long ago,
// after others have gone on: the token stands for the range, so nothing changes.
func TestLateInsertOfAZombie(t *testing.T) {
	const events, items = 900, 60
	w := newWorld(t)
	w.fill(events, items)
	verdicts := tp{w.config.Kafka.Topic("verdicts"), 0}
	crashed := w.start(seams{inserted: func(p tp, _ position, table string) error {
		if p == verdicts && table == "coverage" {
			return errCrash
		}
		return nil
	}}, func(c *Config) { c.BatchRows = 50 })
	require.ErrorIs(t, crashed.wait(), errCrash)
	var topicID uuid.UUID
	var from, until int64
	require.NoError(t, w.conn.QueryRow(t.Context(), "SELECT topic_id, start_offset, end_offset FROM coverage WHERE partition = 0 AND topic = ?", verdicts.topic).Scan(&topicID, &from, &until))

	r := w.start(seams{}, func(c *Config) { c.BatchRows = 10 })
	w.awaitCovered("events.deployment", uint64(events+clocks(events)))
	w.awaitCovered("verdicts", uint64(len(history(items))))
	r.stop()

	m, err := newMetrics(prometheus.NewRegistry())
	require.NoError(t, err)
	zombie := &store{conn: w.conn, metrics: m, slots: make(chan struct{}, 1)}
	late := rows.Range{ID: topicID, Topic: verdicts.topic, Start: from, End: until}
	for n, rev := range history(items)[:until-from] {
		rec := revisionRecord(t, rev, 0)
		rec.Offset = from + int64(n)
		late.Records = append(late.Records, rec)
	}
	made := late.Make(rows.Verdicts())
	for _, b := range []*rows.Block{made.Data, made.Coverage} {
		require.NoError(t, zombie.insert(t.Context(), token(&late, b.Table), b))
	}
	w.requireExact(events, history(items))
}
