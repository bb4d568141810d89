package sim_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
)

// sim is one seed's run.
type sim struct {
	t    *testing.T
	seed uint64
	dice
	w     *evaltest.World
	rules ruleSet
	// change is of the rules while all runs; nil: there is none.
	change *activation
	settings

	rounds uint64
	born   int
	alive  []*instance
	life   []occurrence
	now    compliance.Instant
	armed  []*armed
	graves []grave
	// calm: nothing fails any more.
	calm atomic.Bool

	mu       sync.Mutex
	trace    []string
	injected map[string]int
	lines    map[string][]*evaltest.Line
}

// settings are what a seed chooses once.
type settings struct {
	partitions              int32
	bound, markEvery        time.Duration
	routerBatch, judgeBatch int
	gapPatience             time.Duration
	// crashes of a thousand and pauses of a hundred visits to a point.
	crashes, pauses int
	// troubles, deaths, births and gaps of time among a hundred rounds.
	troubles, deaths, births, gaps int
	// compacts: the changelog is compacted now and then. The broker in memory then drops
	// the marker of an aborted transaction and remembers the transaction, so that what its
	// producer commits later can't be seen. So no producer lives on after an abort there.
	compacts bool
	aim
}

func (d dice) settings() settings {
	st := settings{
		partitions: 1 + d.Int32N(3), bound: one(d, 0, 2*time.Second, 10*time.Minute), markEvery: one(d, 20*time.Minute, time.Hour),
		routerBatch: one(d, 3, 20, 500), judgeBatch: one(d, 3, 20, 500), gapPatience: one(d, time.Hour, time.Hour, 5*time.Second),
		crashes: one(d, 0, 10, 30), pauses: one(d, 0, 10, 40),
		troubles: one(d, 0, 3, 10), deaths: one(d, 0, 2, 6), births: one(d, 0, 4), gaps: one(d, 0, 3, 8),
		compacts: d.chance(15),
	}
	if st.compacts {
		st.troubles = 0
	}
	return st
}

// newSim prepares a world; it is called in a bubble.
func newSim(t *testing.T, seed uint64) *sim {
	t.Helper()
	s := &sim{t: t, seed: seed, dice: dice{rand.New(rand.NewPCG(seed, 3))}, now: compliance.Ever, injected: map[string]int{}, lines: map[string][]*evaltest.Line{}}
	s.settings = s.dice.settings()
	s.aim = dice{rand.New(rand.NewPCG(seed, 5))}.aims()
	usual, rare, inStages := ruleSets(t)
	s.rules = one(s.dice, usual...)
	s.life = s.dice.life(s.late)
	if s.rare {
		d := dice{rand.New(rand.NewPCG(seed, 6))}
		s.rules, s.life = one(d, rare...), d.rareLife(s.life)
	}
	d := dice{rand.New(rand.NewPCG(seed, 7))}
	if s.staged = !s.rare && d.chance(20); s.staged {
		s.rules = one(d, inStages...)
		if d.chance(50) {
			s.life = d.waived(s.life, 70)
		}
	}
	if changes(seed) && !s.rare { // their controls have versions from the start
		s.change = s.newActivation()
		s.life = dice{rand.New(rand.NewPCG(seed, 8))}.morePast(s.life)
	}
	s.w = evaltest.New(t, s.partitions, kfake.SeedTopics(s.partitions, again(evaltest.Verdicts), again(evaltest.State), again(evaltest.Findings), copied(evaltest.Findings)), kfake.SeedTopics(1, again(evaltest.Quarantine)))
	if s.compacts {
		s.compactState()
	}
	t.Cleanup(func() {
		for _, in := range s.alive { // after a failure
			in.kill()
		}
		time.Sleep(2 * time.Minute) // the clients of killed instances still say their farewells
	})
	return s
}

// again names the topic that a replay writes instead, copied one with the same records.
func again(topic string) string { return topic + ".again" }

func copied(topic string) string { return topic + ".copied" }

// kinds are the parts that there have to be.
func (s *sim) kinds() []string {
	if s.staged {
		return []string{routers, judges, stagers, publishers}
	}
	return []string{routers, judges, publishers}
}

func (s *sim) compactState() {
	var alter []kadm.AlterConfig
	for _, c := range [][2]string{{"cleanup.policy", "compact"}, {"segment.ms", "1000"}, {"min.cleanable.dirty.ratio", "0.01"}, {"delete.retention.ms", "1000"}} {
		alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: c[0], Value: &c[1]})
	}
	_, err := s.admin().AlterTopicConfigs(s.t.Context(), alter, evaltest.State)
	require.NoError(s.t, err)
}

func (s *sim) admin() *kadm.Client { return kadm.NewClient(s.w.Client()) }

// tell adds to the story of the run, which is shown if it fails.
func (s *sim) tell(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, time.Now().UTC().Format("04:05.000 ")+fmt.Sprintf(format, args...))
}

func (s *sim) inject(fault string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected[fault]++
}

// fail ends the run, with its story.
func (s *sim) fail(format string, args ...any) {
	s.t.Helper()
	s.mu.Lock()
	story := strings.Join(s.trace, "\n")
	s.mu.Unlock()
	require.FailNow(s.t, fmt.Sprintf("seed %d: "+format, append([]any{s.seed}, args...)...), story)
}

// more are the parts of which another may be born.
func (s *sim) more() []string {
	if s.staged {
		return []string{routers, judges, stagers, stagers, publishers}
	}
	return []string{routers, judges, judges, publishers}
}

// run tells a life while things fail, lets everything come to rest, and looks at
// what is in the log.
func (s *sim) run() {
	for _, kind := range s.kinds() {
		s.birth(kind)
	}
	if s.deadly > 0 {
		s.allClocks(100)
	}
	for len(s.life) > 0 {
		s.round()
	}
	rest := 10
	if s.change != nil { // and the past is read
		rest = 50
	}
	for range rest {
		s.round()
	}
	s.finale()
	s.check()
}

// round does one thing.
func (s *sim) round() {
	synctest.Wait()
	s.rounds++
	s.dice = dice{rand.New(rand.NewPCG(s.seed, 100+s.rounds))} // whatever happened before
	s.evict()
	s.revive(40)
	n := s.IntN(100)
	for _, c := range []struct {
		percent int
		do      func()
	}{
		{s.holes, s.hole},
		{s.crowd, s.jostle},
		{s.troubles, s.trouble},
		{s.deaths, s.death},
		{s.births, func() { s.grow(one(s.dice, s.more()...)) }},
		{s.gaps, s.pass},
		{14, s.happen},
		{8, s.clock},
		{100, s.move},
	} {
		if n -= c.percent; n < 0 {
			c.do()
			return
		}
	}
}

// move lets an instance take a step.
func (s *sim) move() {
	awake := slices.DeleteFunc(slices.Clone(s.alive), func(in *instance) bool { return in.sleeps(s.rounds) })
	if len(awake) > 0 {
		one(s.dice, awake...).step()
		s.bury()
	}
}

func (s *sim) bury() {
	s.alive = slices.DeleteFunc(s.alive, func(in *instance) bool { return in.dead })
}

func (s *sim) living(kind string) (n int) {
	for _, in := range s.alive {
		if in.kind == kind {
			n++
		}
	}
	return n
}

// revive starts the parts of which none lives, each as often as percent says.
func (s *sim) revive(percent int) {
	for _, kind := range s.kinds() {
		if s.living(kind) == 0 && s.chance(percent) {
			s.grow(kind)
		}
	}
}

func (s *sim) grow(kind string) {
	if s.living(kind) < most[kind] {
		s.birth(kind)
		s.bury()
	}
}

// death ends an instance, smoothly or not.
func (s *sim) death() {
	if len(s.alive) == 0 {
		return
	}
	in := one(s.dice, s.alive...)
	if s.chance(40) {
		s.inject("leave " + in.kind)
		s.tell("%s is asked to leave", in.name)
		in.leave()
	} else {
		s.inject("kill " + in.kind)
		s.tell("%s is killed", in.name)
		in.kill()
	}
	s.bury()
}

// pass lets time go by, so that sessions and transactions end.
func (s *sim) pass() {
	d := time.Duration(one(s.dice, 100, 1000, 8000, 25000)) * time.Millisecond
	s.tell("%s go by", d)
	time.Sleep(d)
	if s.compacts && s.decided(evaltest.State) {
		s.inject("compaction")
		s.w.Cluster.Compact()
	}
}

// decided tells whether no transaction is open in a topic. A broker compacts what lies
// before the first open one; the broker in memory compacts beyond, and drops what a
// transaction supersedes that is aborted later.
func (s *sim) decided(topic string) bool {
	ends, err := s.admin().ListEndOffsets(s.t.Context(), topic)
	require.NoError(s.t, err)
	stable, err := s.admin().ListCommittedOffsets(s.t.Context(), topic)
	require.NoError(s.t, err)
	decided := true
	ends.Each(func(end kadm.ListedOffset) {
		last, _ := stable.Lookup(topic, end.Partition)
		decided = decided && last.Offset == end.Offset
	})
	return decided
}

// happen brings the next events to the log.
func (s *sim) happen() {
	n := min(len(s.life), 1+s.IntN(10))
	if n > 0 {
		s.change.before(s.life[n-1].arrives)
	}
	records := make([]*kgo.Record, n)
	for i, o := range s.life[:n] {
		records[i] = o.record
		s.now = max(s.now, minute(o.arrives))
	}
	s.life = s.life[n:]
	s.tell("%d events happen, until %s", n, s.now)
	s.w.Produce(records...)
	if s.chance(50) {
		s.clock()
	}
}

// clock says what time it is, to some sources later than to others.
func (s *sim) clock() {
	if s.now == compliance.Ever {
		return
	}
	var records []*kgo.Record
	for _, from := range sources {
		if s.chance(80) {
			records = append(records, record.EncodeClock(from.Topic, from.Partition, s.now.Add(-time.Duration(s.IntN(10))*time.Minute)))
		}
	}
	s.w.Produce(records...)
}

// allClocks says the same time to all sources.
func (s *sim) allClocks(at int) {
	var records []*kgo.Record
	for _, from := range sources {
		records = append(records, record.EncodeClock(from.Topic, from.Partition, minute(at)))
	}
	s.w.Produce(records...)
}

// finale lets everything come to rest: nothing fails any more, though what failed
// before may still stand somewhere and wake up.
func (s *sim) finale() {
	s.calm.Store(true)
	s.disarm()
	if s.chance(30) {
		s.tell("all are killed")
		for _, in := range s.alive {
			in.kill()
		}
		s.bury()
	}
	s.tell("the last hour")
	s.allClocks(doom)
	s.settle(s.judged)
	for _, kind := range []string{routers, judges, stagers} {
		s.stopAll(kind)
	}
	s.settle(s.published())
	s.stopAll(publishers)
}

// restless is after how many rounds without rest a run is stuck.
const restless = 300

func (s *sim) settle(left func() string) {
	for i := range restless {
		for _, in := range slices.Clone(s.alive) {
			in.step()
		}
		s.bury()
		s.evict()
		if i%2 == 1 && left() == "" {
			return
		}
		s.revive(100)
	}
	s.fail("it does not come to rest: %s", left())
}

// stopAll asks the parts of a kind to leave. One may hear only now of what failed before.
func (s *sim) stopAll(kind string) {
	for _, in := range s.alive {
		if in.kind == kind {
			in.leave()
		}
	}
	s.bury()
}

// left says what a group has still to read before each partition ends; empty if nothing.
func (s *sim) left(group string, ends map[string]map[int32]int64) string {
	commits := s.admin().FetchManyOffsets(s.t.Context(), group)[group]
	for topic, partitions := range ends {
		for p, end := range partitions {
			if c, ok := commits.Fetched.Lookup(topic, p); end > 0 && (!ok || c.At < end) {
				return fmt.Sprintf("group %s has read %s/%d up to %d, and it ends at %d", group, topic, p, c.At, end)
			}
		}
	}
	return ""
}

func (s *sim) ends(topics ...string) map[string]map[int32]int64 {
	listed, err := s.admin().ListEndOffsets(s.t.Context(), topics...)
	require.NoError(s.t, err)
	ends := map[string]map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		if ends[o.Topic] == nil {
			ends[o.Topic] = map[int32]int64{}
		}
		ends[o.Topic][o.Partition] = o.Offset
	})
	return ends
}

// judged: routers and judges have done all there is.
func (s *sim) judged() string {
	return cmp.Or(s.left(routers, s.ends(evaltest.Access, evaltest.Deployment)), s.unread(), s.left(judges, s.ends(evaltest.Routed)), s.handed())
}

// handed: what stages handed on was judged too.
func (s *sim) handed() string {
	if !s.staged {
		return ""
	}
	return s.left(stagers, s.lasts(evaltest.Findings))
}

// lasts are the ends of a topic's partitions after their last committed record; a
// transaction's marker follows that.
func (s *sim) lasts(topic string) map[string]map[int32]int64 {
	ends := map[string]map[int32]int64{topic: {}}
	for _, r := range s.read(topic)[topic] {
		ends[r.Topic][r.Partition] = r.Offset + 1
	}
	return ends
}

// published: publishers have done all there is.
func (s *sim) published() func() string {
	ends := s.lasts(evaltest.Verdicts)
	return func() string { return s.left(publishers, ends) }
}
