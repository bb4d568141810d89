package sim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/routed"
)

// stagedSets are the bundles of the seeds with controls that read what others say, by
// place, or join by several fields.
var stagedSets = []set{
	{names: []string{"followed", "read"}, boundary: quiet},
	{names: []string{"followed", "read", "read again"}, boundary: quiet},
	{names: []string{"preceded", "read by slots"}, boundary: quiet},
	{names: []string{"folded", "read"}, boundary: boundary},
	{names: []string{"followed", "read", "read again"}, boundary: boundary},
	{names: []string{"followed", "compensated"}, boundary: quiet},
	{names: []string{"hopping", "followed"}, boundary: quiet, hops: true},
	{names: []string{"hopping", "read by slots"}, boundary: boundary, hops: true},
}

// ofStage are the verdicts of the controls of a stage.
func (s *sim) ofStage(stage int, records []*kgo.Record) (own []*kgo.Record) {
	for _, r := range records {
		rev, err := record.DecodeRevision(r.Value)
		require.NoError(s.t, err)
		if s.rules.later.Control(rev.Control).Stage == stage {
			own = append(own, r)
		}
	}
	return own
}

func (s *sim) spoken(stage int, all []*compliance.Revision) []*compliance.Revision {
	return slices.DeleteFunc(slices.Clone(all), func(r *compliance.Revision) bool {
		return s.rules.later.Control(r.Control).Stage != stage
	})
}

// rejudgeLater has one more judge of later stages read the same findings, as they came.
// What it hands on itself comes behind them, and repeats them.
func (s *sim) rejudgeLater(cfg judge.Config, deps judge.Deps) {
	for _, r := range s.read(evaltest.Findings)[evaltest.Findings] {
		s.w.Produce(&kgo.Record{Topic: copied(evaltest.Findings), Partition: r.Partition, Value: r.Value})
	}
	cfg.Later, cfg.Group, cfg.TransactionalID, cfg.Findings = true, "again.stages", "again.stages", copied(evaltest.Findings)
	cfg.BatchRecords = one(s.dice, 7, 40, 1000)
	part := s.w.Supervised(func(ctx context.Context) error { return judge.Run(ctx, cfg, deps) })
	s.w.Eventually("it is judged again", func() bool { return s.left(cfg.Group, s.lasts(cfg.Findings)) == "" })
	part.Stop()
}

// checkHanded: what is handed on follows from what was read, byte by byte.
func (s *sim) checkHanded(logs map[string][]*kgo.Record) {
	live := s.byStage(logs[evaltest.Findings])
	s.same("what the first stage hands on", live[true], s.byStage(logs[again(evaltest.Findings)])[true])
	twice := slices.Concat(live[false], live[false])
	slices.SortStableFunc(twice, bySender)
	s.same("what later stages hand on", twice, s.byStage(logs[copied(evaltest.Findings)])[false])
}

// bySender compares what byStage gives: each sender's is in its own order.
func bySender(a, b string) int {
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return strings.Compare(a, b)
}

// byStage gives what the first stage handed on, and what later ones did.
func (s *sim) byStage(records []*kgo.Record) map[bool][]string {
	codec, err := routed.NewCodec()
	require.NoError(s.t, err)
	all := map[bool][]string{}
	for _, r := range records {
		rec, err := codec.Decode(r.Value)
		require.NoError(s.t, err)
		first := strings.HasSuffix(rec.Onward.From.Topic, " 0")
		all[first] = append(all[first], fmt.Sprintf("%d from %d: %x", r.Partition, rec.Onward.From.Partition, r.Value))
	}
	for _, list := range all {
		slices.SortStableFunc(list, bySender)
	}
	return all
}
