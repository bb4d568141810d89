package sim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/routed"
)

// read is what a reader of committed records finds in topics, in the order of
// partition and offset.
func (s *sim) read(topics ...string) map[string][]*kgo.Record {
	ends := s.ends(topics...)
	from, left := map[string]map[int32]kgo.Offset{}, 0
	for topic, partitions := range ends {
		from[topic] = map[int32]kgo.Offset{}
		for p, end := range partitions {
			if end > 0 {
				from[topic][p] = kgo.NewOffset().AtStart()
				left++
			}
		}
	}
	client, err := kgo.NewClient(append(s.w.Opts(), kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	require.NoError(s.t, err)
	defer client.Close()
	all := map[string][]*kgo.Record{}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for left > 0 {
		fetches := client.PollFetches(ctx)
		require.NoError(s.t, fetches.Err())
		for r := range fetches.RecordsAll() {
			if end, open := ends[r.Topic][r.Partition]; open && r.Offset+1 >= end { // what stood last may be aborted by now
				delete(ends[r.Topic], r.Partition)
				left--
			}
			if !r.Attrs.IsControl() {
				all[r.Topic] = append(all[r.Topic], r)
			}
		}
	}
	for _, records := range all {
		slices.SortStableFunc(records, func(a, b *kgo.Record) int { return int(a.Partition - b.Partition) })
	}
	return all
}

// check holds the log to the oracle.
func (s *sim) check() {
	s.rejudge()
	logs := s.read(
		evaltest.Access, evaltest.Deployment, evaltest.Routed, evaltest.Rejected, evaltest.Quarantine, evaltest.Violations,
		evaltest.Verdicts, again(evaltest.Verdicts), evaltest.State, again(evaltest.State),
		evaltest.Findings, again(evaltest.Findings), copied(evaltest.Findings),
	)
	past := s.understand(logs)
	s.checkRejected(past, logs[evaltest.Rejected])
	verdicts := map[int32][]*compliance.Revision{}
	for _, r := range logs[evaltest.Verdicts] {
		rev, err := record.DecodeRevision(r.Value)
		require.NoError(s.t, err)
		verdicts[r.Partition] = append(verdicts[r.Partition], rev)
		s.inject("verdict " + string(rev.Outcome))
		if s.rules.later.Control(rev.Control).Stage > 0 {
			s.inject("staged verdict " + string(rev.Outcome))
		}
	}
	s.checkRouted(past, logs, verdicts)
	s.checkViolations(verdicts, logs[evaltest.Violations])
	for stage := range s.rules.bundle.Stages() { // each judges at its own pace
		s.same("verdicts", bytesOf(s.ofStage(stage, logs[evaltest.Verdicts])), bytesOf(s.ofStage(stage, logs[again(evaltest.Verdicts)])))
	}
	s.checkHanded(logs)
	s.checkHops(past, verdicts, logs[evaltest.Quarantine])
	if len(s.rules.bundle.Sources) > 0 {
		// What a source says may come so late that nothing ends within a life. Without one,
		// items end, and a restart has them end sooner or later than they would have.
		s.same("state", lastOf(logs[evaltest.State]), lastOf(logs[again(evaltest.State)]))
	}
}

// checkRouted reads the routed partitions as a judge must, and demands at each mark
// what the oracle says.
func (s *sim) checkRouted(past map[routed.Source]history, logs map[string][]*kgo.Record, verdicts map[int32][]*compliance.Revision) {
	codec, err := routed.NewCodec()
	require.NoError(s.t, err)
	var quarantined []string
	findings := s.decoded(logs[evaltest.Findings])
	for q := range s.partitions {
		r := s.newReader(0, q, past, s.spoken(0, verdicts[q]))
		r.onward = s.handedBy(0, q, findings)
		for _, rec := range logs[evaltest.Routed] {
			if rec.Partition == q {
				decoded, err := codec.Decode(rec.Value)
				require.NoError(s.t, err)
				r.take(decoded)
			}
		}
		for _, from := range sources {
			if end := int64(len(past[from])) - 1; r.hi[from] != end {
				s.fail("partition %d has %v up to %d, and not to %d, its end", q, from, r.hi[from], end)
			}
		}
		if s.preloads() && r.lanes.all == nil {
			s.fail("partition %d never has the past", q)
		}
		if len(r.todo) > 0 {
			s.fail("partition %d has verdicts that nothing explains: %s", q, lines(r.todo))
		}
		quarantined = append(quarantined, r.quarantined...)
		quarantined = append(quarantined, s.checkLater(q, past, findings, verdicts[q])...)
	}
	s.checkQuarantine(quarantined, logs[evaltest.Quarantine])
}

// checkQuarantine: what came too late is there, each once.
func (s *sim) checkQuarantine(want []string, records []*kgo.Record) {
	var got []string
	for _, r := range records {
		var q record.Quarantined
		require.NoError(s.t, json.Unmarshal(r.Value, &q))
		if q.Control != "" {
			got = append(got, fmt.Sprintf("%s %s %s@%d", q.Control, q.JoinKey, q.Event.ID, q.Event.Offset))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.fail("in quarantine is\n%v\nand should be\n%v", got, want)
	}
}

// checkRejected: what is no event is there, at least once.
func (s *sim) checkRejected(past map[routed.Source]history, records []*kgo.Record) {
	got, want := map[string]bool{}, map[string]bool{}
	for _, r := range records {
		got[string(r.Key)] = true
	}
	for from, all := range past {
		for offset := range all {
			if all[offset].rejected {
				want[fmt.Sprintf("%s/%d/%d", from.Topic, from.Partition, offset)] = true
			}
		}
	}
	require.Equal(s.t, want, got, "seed %d: rejected", s.seed)
}

// checkViolations: who ignores what is not above the last revision seen of an item
// reads what follows from the verdicts, in their order.
func (s *sim) checkViolations(verdicts map[int32][]*compliance.Revision, records []*kgo.Record) {
	want, got, last := map[string][]string{}, map[string][]string{}, map[string]int{}
	for _, all := range verdicts {
		for _, rev := range all {
			if v := publisher.Violation(rev, s.rules.Words); v != nil {
				value, err := json.Marshal(v)
				require.NoError(s.t, err)
				want[v.Episode] = append(want[v.Episode], string(value))
			}
		}
	}
	for _, r := range records {
		var v record.Violation
		require.NoError(s.t, json.Unmarshal(r.Value, &v))
		if v.Verdict.Number > last[v.Episode] {
			last[v.Episode] = v.Verdict.Number
			got[v.Episode] = append(got[v.Episode], string(r.Value))
		}
	}
	require.Equal(s.t, want, got, "seed %d: violations", s.seed)
}

// rejudge has one more judge read the same routed records, undisturbed and in
// batches of another size.
func (s *sim) rejudge() {
	cfg, deps := s.w.JudgeConfig(s.w.NewLine(), "again"), s.judgeDeps()
	cfg.Client, cfg.Group = append(cfg.Client, clientOpts("again")...), "again"
	cfg.Verdicts, cfg.State, cfg.Quarantine = again(cfg.Verdicts), again(cfg.State), again(cfg.Quarantine)
	cfg.Findings = again(cfg.Findings)
	cfg.BatchRecords = one(s.dice, 7, 40, 1000)
	part := s.w.Supervised(func(ctx context.Context) error { return judge.Run(ctx, cfg, deps) })
	ends := s.ends(evaltest.Routed)
	s.w.Eventually("it is judged again", func() bool { return s.left(cfg.Group, ends) == "" })
	part.Stop()
	if s.staged {
		s.rejudgeLater(cfg, deps)
	}
}

func bytesOf(records []*kgo.Record) []string {
	all := make([]string, 0, len(records))
	for _, r := range records {
		all = append(all, fmt.Sprintf("%d %s", r.Partition, r.Value))
	}
	return all
}

// lastOf is what a compacted changelog would keep.
func lastOf(records []*kgo.Record) []string {
	kept := map[string]string{}
	for _, r := range records {
		if string(r.Key) == "lh" {
			continue // it has the place in the findings, which are copied to others
		}
		key := fmt.Sprintf("%d %q", r.Partition, r.Key)
		if kept[key] = fmt.Sprintf("%s = %x", key, r.Value); r.Value == nil {
			delete(kept, key)
		}
	}
	all := make([]string, 0, len(kept))
	for _, text := range kept {
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// same compares what was judged live and again.
func (s *sim) same(what string, live, again []string) {
	for i := range max(len(live), len(again)) {
		l, a := "nothing", "nothing"
		if i < len(live) {
			l = live[i]
		}
		if i < len(again) {
			a = again[i]
		}
		if l != a {
			s.fail("%s differ when judged again: live\n%s\nagain\n%s", what, l, a)
		}
	}
}
