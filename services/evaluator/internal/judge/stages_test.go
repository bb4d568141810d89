package judge_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/probe"
	"assay.example/assay/services/evaluator/internal/routed"
	"assay.example/assay/services/evaluator/internal/router"
	"assay.example/assay/services/evaluator/internal/rules"
)

const stagedType = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://assay.example/schemas/events/NAME.json",
"title": "Test.", "description": "Test.", "type": "object", "x-family": "access", "x-key": "source", "additionalProperties": true, "properties": {
"k": {"type": "string", "description": "Key."}, "v": {"type": "string", "description": "Value."}}}`

// stagedControls: one reads events, one its verdicts at another key, one the verdicts of
// that, and one joins by two fields.
var stagedControls = map[string]string{
	"TT-01.yaml": `
id: TT-01
title: First
criteria: [CC8.1]
lateness: {correct_until: 2h}
population: {event: t.a, item: event.id}
expect: {e: {event: t.b, on: {event.k: item.k}, between: "[0s, 15m]"}}
assert: e.count >= 1
`,
	"TT-02.yaml": `
id: TT-02
title: Second
criteria: [CC8.1]
lateness: {correct_until: 2h}
population: {event: t.c, item: event.id}
expect: {of: {verdicts: TT-01, on: {event.item.v: item.v}, between: "[-1h, 0s]"}}
assert: of.passed >= 1 && of.all(x, x.item.time <= item.time) && of.deviations == 0
`,
	"TT-03.yaml": `
id: TT-03
title: Third
criteria: [CC8.1]
population: {every: hour, for_each: boundary.members}
expect: {of: {verdicts: TT-02, on: {event.item.v: item.member}, between: "[0s, period)"}}
assert: of.deviations == 0
`,
	"TT-04.yaml": `
id: TT-04
title: Two keys
criteria: [CC8.1]
lateness: {correct_until: 2h}
population: {event: t.a, item: event.id}
expect:
  b: {event: t.b, on: {event.k: item.k}, between: "[0s, 15m]"}
  c: {event: t.c, on: {event.v: item.v}, between: "[-1h, 1h]"}
assert: b.count >= 1 && c.count >= 1
`,
}

// staged is a world with rules in stages.
type staged struct {
	*evaltest.World
	bundle *control.Bundle
	rules  rules.Rules
	types  *dictionary.Dictionary
	events []*compliance.Event
}

func newStaged(t *testing.T, partitions int32) *staged {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"t.a", "t.b", "t.c", control.Heartbeat, control.SourceRetired, control.WaiverApproved, control.WaiverRevoked} {
		files[name+".json"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(stagedType, "NAME", name))}
	}
	types, err := dictionary.Load(files)
	require.NoError(t, err)
	text := fstest.MapFS{control.BoundaryFile: {Data: []byte("effective_from: 2000-01-01T00:00:00Z\nboundary: {members: [v0, v1]}\n")}}
	for name, of := range stagedControls {
		text[name] = &fstest.MapFile{Data: []byte(of)}
	}
	b, err := control.Load(text, types)
	require.NoError(t, err)
	require.Equal(t, 3, b.Stages())
	return &staged{World: evaltest.New(t, partitions), bundle: b, rules: rules.Of(b), types: types}
}

// say writes an event with a key and a value.
func (s *staged) say(partition int32, kind, id, k, v string, at compliance.Instant) {
	ev := &compliance.Event{Tenant: record.DefaultTenant, Source: "/test", ID: id, Type: kind, Time: at}
	r := record.EncodeEvent(ev, k, fmt.Appendf(nil, `{"k":%q,"v":%q}`, k, v))
	r.Topic, r.Partition = evaltest.Access, partition
	s.Produce(r)
	ev, err := record.DecodeEvent(r)
	require.NoError(s.T, err)
	ev.Data = map[string]any{"k": k, "v": v}
	s.events = append(s.events, ev)
}

func (s *staged) router() *evaltest.Part {
	cfg, deps := s.RouterConfig(s.NewLine()), s.RouterDeps()
	deps.Rules, deps.Types = s.rules.Routes, s.types
	return s.Go(func(ctx context.Context) error { return router.Run(ctx, cfg, deps) })
}

func (s *staged) deps() judge.Deps {
	deps := s.JudgeDeps()
	deps.NewEngine, deps.Rules, deps.Stages = s.rules.NewEngine, s.rules.Holds, s.rules.Stages
	return deps
}

// judges runs one of the first stage and one of the later ones.
func (s *staged) judges(line *evaltest.Line, name string) (first, later *evaltest.Part) {
	cfg := s.JudgeConfig(line, name)
	first = s.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, s.deps()) })
	return first, s.Go(func(ctx context.Context) error { return judge.Run(ctx, laterConfig(cfg), s.deps()) })
}

func laterConfig(cfg judge.Config) judge.Config {
	cfg.Later, cfg.Group, cfg.TransactionalID = true, "stages", "stages."+cfg.TransactionalID
	return cfg
}

// wants are the outcomes of the oracle when the watermark is at w.
func (s *staged) wants(w compliance.Instant) map[string]string {
	all := map[string]string{}
	for _, c := range s.bundle.Controls {
		for _, v := range oracle.Verdicts(s.bundle, c, record.DefaultTenant, s.events, w) {
			all[c.ID+" "+v.Item.ID] = spoken(&v)
		}
	}
	return all
}

func spoken(v *compliance.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", v.Item.Time, v.Outcome, v.Reason)
	for _, e := range v.Evidence {
		fmt.Fprintf(&b, " %s=%s/%.4s", e.Expectation, e.ID, e.SHA256)
	}
	return b.String()
}

// said are the last words, each item's revisions without gaps.
func (s *staged) said() map[string]string {
	s.T.Helper()
	all, numbers := map[string]string{}, map[string]int{}
	for _, r := range s.ReadCommitted(evaltest.Verdicts) {
		rev, err := record.DecodeRevision(r.Value)
		require.NoError(s.T, err)
		id := rev.Control + " " + rev.Item.ID
		numbers[id]++
		require.Equal(s.T, numbers[id], rev.Number, "item %s", id)
		all[id] = spoken(&rev.Verdict)
	}
	return all
}

// tell is ten minutes of a story: an item, mostly with what it needs, and one that reads
// the verdicts of others.
func (s *staged) tell(i int, start compliance.Instant) {
	at := start.Add(time.Duration(10*i) * time.Minute)
	k, v := fmt.Sprint("k", i), fmt.Sprint("v", i%2)
	s.say(0, "t.a", fmt.Sprint("a", i), k, v, at)
	if i != 3 {
		s.say(1, "t.b", fmt.Sprint("b", i), k, v, at.Add(5*time.Minute))
	}
	s.say(1, "t.c", fmt.Sprint("c", i), "", v, at.Add(7*time.Minute))
	s.Clock(at.Add(9 * time.Minute))
}

// end lets every deadline pass, and gives what is said at last.
func (s *staged) end(start compliance.Instant) map[string]string {
	end := start.Add(5 * time.Hour)
	s.Clock(end)
	return s.wants(end.Add(-2 * time.Second))
}

// TestStages: three stages, from events to verdicts, in one partition and in several.
func TestStages(t *testing.T) {
	for _, partitions := range []int32{1, 3} {
		t.Run(strconv.Itoa(int(partitions)), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStaged(t, partitions)
				start := compliance.InstantOf(time.Now().Add(24 * time.Hour))
				r := s.router()
				first, later := s.judges(s.NewLine(), "a")
				s.Clock(start)
				for i := range 6 {
					s.tell(i, start)
				}
				want := s.end(start)
				s.settle()
				r.Stop()
				first.Stop()
				later.Stop()
				require.Equal(t, want, s.said())
			})
		})
	}
}

// killStagesAt runs judges of all stages, of which the first, or the later ones, die at a
// point; it waits for that.
func (s *staged) killStagesAt(later bool, at probe.Point) {
	s.T.Helper()
	line, other := s.NewLine(), s.NewLine()
	cfg := s.JudgeConfig(line, "a")
	rest := s.JudgeConfig(other, "a")
	if later {
		cfg = laterConfig(cfg)
	} else {
		rest = laterConfig(rest)
	}
	cfg.Hook = func(point probe.Point) error {
		if point == at {
			line.Cut()
			return errKilled
		}
		return nil
	}
	lives := s.Go(func(ctx context.Context) error { return judge.Run(ctx, rest, s.deps()) })
	dies := s.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, s.deps()) })
	require.ErrorIs(s.T, dies.Wait(), errKilled)
	lives.Stop()
}

// TestStagesWhenKilled: whichever judge is killed wherever, what was handed on is judged
// once, and in order.
func TestStagesWhenKilled(t *testing.T) {
	for _, later := range []bool{false, true} {
		for _, at := range []probe.Point{judge.Applied, judge.Produced, judge.Committed} {
			t.Run(fmt.Sprintf("%s, later %t", at, later), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStaged(t, 3)
					start := compliance.InstantOf(time.Now().Add(24 * time.Hour))
					r := s.router()
					s.Clock(start)
					for i := range 6 {
						s.tell(i, start)
						if i%2 == 1 {
							s.killStagesAt(later, at)
						}
					}
					first, rest := s.judges(s.NewLine(), "a")
					want := s.end(start)
					s.settle()
					r.Stop()
					first.Stop()
					rest.Stop()
					require.Equal(t, want, s.said())
					s.numbered()
				})
			})
		}
	}
}

// numbered demands that what was handed on is there once, without gaps.
func (s *staged) numbered() {
	s.T.Helper()
	codec, err := routed.NewCodec()
	require.NoError(s.T, err)
	type way struct {
		from routed.Source
		to   int32
	}
	next := map[way]int64{}
	for _, r := range s.ReadCommitted(evaltest.Findings) {
		rec, err := codec.Decode(r.Value)
		require.NoError(s.T, err)
		w := way{rec.Onward.From, r.Partition}
		require.Equal(s.T, next[w], rec.Onward.Offset, "from %v to %d", w.from, w.to)
		next[w]++
	}
	require.NotEmpty(s.T, next)
}

// TestLostFindingStopsTheJudge: what was handed on and isn't there was lost, for nobody
// hands it on again.
func TestLostFindingStopsTheJudge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStaged(t, 1)
		codec, err := routed.NewCodec()
		require.NoError(t, err)
		value, err := codec.Onward(&routed.Onward{From: routed.OfStage(0, 0), Offset: 5, Prev: 4, Activation: 1, Watermark: new(compliance.Instant)})
		require.NoError(t, err)
		s.Produce(&kgo.Record{Topic: evaltest.Findings, Value: value})
		_, later := s.judges(s.NewLine(), "a")
		require.ErrorContains(t, later.Wait(), "stage 0 of routed partition 0 handed on after number -1, which is lost")
	})
}

// TestFindingsNeedTheirTopic: with as many partitions as that of routed records.
func TestFindingsNeedTheirTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStaged(t, 2)
		cfg := s.JudgeConfig(s.NewLine(), "a")
		cfg.Findings = evaltest.Control // which has one
		j := s.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, s.deps()) })
		require.ErrorContains(t, j.Wait(), "make what is missing with `assay topics create`")
	})
}

// settle waits until all stages have done all there is. The end of a partition of the
// findings is after its last committed record; a transaction's marker follows that.
func (s *staged) settle() {
	s.T.Helper()
	s.Settle()
	admin := kadm.NewClient(s.Client())
	s.Eventually("all findings are judged", func() bool {
		// First what is judged: a later stage hands on more in the transaction in which it says so.
		commits, err := admin.FetchOffsets(s.T.Context(), "stages")
		require.NoError(s.T, err)
		ends := map[int32]int64{}
		for _, r := range s.ReadCommitted(evaltest.Findings) {
			ends[r.Partition] = r.Offset + 1
		}
		for p, end := range ends {
			if c, ok := commits.Lookup(evaltest.Findings, p); !ok || c.At < end {
				return false
			}
		}
		return true
	})
}
