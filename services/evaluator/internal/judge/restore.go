package judge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// restore rebuilds a partition from its changelog. committed is the offset that
// the group has for it, fetched after every transaction that could still change
// it was decided: so whatever is in the changelog by now is all there will be.
func (s *session) restore(ctx context.Context, id int32, committed int64) (*partition, error) {
	state, err := s.changelog(ctx, id)
	var p *partition
	if err == nil {
		p, err = s.rebuild(ctx, id, 0, state)
	}
	if err != nil {
		return nil, fmt.Errorf("restoring routed partition %d: %w", id, err)
	}
	_, found := state[headKey]
	if err := p.agrees(found, committed); err != nil {
		return nil, s.outrun(ctx, id, committed, err)
	}
	s.deps.Metrics.Restores.Inc()
	return p, nil
}

// changelog is the last value of each key of a partition's state.
func (s *session) changelog(ctx context.Context, id int32) (map[string][]byte, error) {
	state := make(map[string][]byte)
	_, err := consume.ToEnd(ctx, s.cfg.Client, s.cfg.State, id, func(r *kgo.Record) error {
		s.keep(state, r)
		return s.cfg.Hook.At(Restoring)
	})
	return state, err
}

// keep takes a record of the changelog, unless it is of a judge of the other stages.
func (s *session) keep(state map[string][]byte, r *kgo.Record) {
	key, later := strings.CutPrefix(string(r.Key), laterPrefix)
	if later == s.cfg.Later {
		state[key] = r.Value
	}
}

// rebuild makes a partition of its state, under the rules of an activation, or of the one
// that the state had come to, whichever is later.
func (s *session) rebuild(ctx context.Context, id int32, activation int, state map[string][]byte) (*partition, error) {
	head := newHead()
	if value := state[headKey]; value != nil {
		var err error
		if head, err = decodeHead(value); err != nil {
			return nil, err
		}
	}
	activation = max(activation, head.Activation, s.cfg.Activation)
	regime, err := s.regime(ctx, id, activation, head.Read)
	if err != nil {
		return nil, err
	}
	p := &partition{
		id: id, head: head, rules: regime.Rules, activation: activation, markers: regime.Markers,
		stages: regime.Stages, partitions: s.routedPartitions, codec: s.codec,
	}
	if !s.cfg.Later { // nothing of them is handed on
		p.awaits = regime.Awaits
	}
	if err := s.engines(ctx, p, &regime); err != nil {
		return nil, err
	}
	if err := p.load(ctx, state); err != nil {
		return nil, err
	}
	return p, p.introduce(state)
}

// engines makes the empty engines of a partition.
func (s *session) engines(ctx context.Context, p *partition, regime *Regime) error {
	if p.stages != nil {
		if err := s.connected(ctx); err != nil {
			return err
		}
	}
	switch {
	case s.cfg.Later && p.stages != nil:
		for n := 1; n < p.stages.Count(); n++ {
			p.later = append(p.later, &stage{number: n, engine: p.stages.New(n, p.id, p.partitions)})
		}
	case s.cfg.Later: // nothing is left to judge in stages
	case p.stages != nil:
		p.first = p.stages.New(0, p.id, p.partitions)
		p.engine = p.first
	default:
		p.engine = regime.NewEngine(p.id, p.partitions)
	}
	return nil
}

// connected holds the topic of findings to that of routed records.
func (s *session) connected(ctx context.Context) error {
	topic := s.cfg.Findings
	if s.cfg.Later {
		topic = s.cfg.Routed
	}
	n, err := consume.Partitions(ctx, s.txn.Client(), topic)
	if err == nil && n == s.routedPartitions {
		return nil
	}
	return compliance.Errorf(compliance.Conflict,
		"controls that read the verdicts of others need the topics %s and %s with the same number of partitions, and %s has %d (%w); make what is missing with `assay topics create`",
		s.cfg.Routed, s.cfg.Findings, topic, n, cmp.Or(err, errPartitions))
}

var errPartitions = errors.New("the numbers differ")

// regime are the rules of an activation.
func (s *session) regime(ctx context.Context, id int32, activation int, read Read) (Regime, error) {
	if activation == s.cfg.Activation {
		return Regime{NewEngine: s.deps.NewEngine, Rules: s.deps.Rules, Stages: s.deps.Stages}, nil
	}
	if s.deps.Later == nil {
		return Regime{}, compliance.Errorf(compliance.Conflict,
			"routed partition %d has switched to activation %d of the rules, and this instance runs %d; restart it with the bundle that is in force",
			id, activation, s.cfg.Activation)
	}
	regime, err := s.deps.Later(ctx, activation, read)
	if err != nil {
		return Regime{}, fmt.Errorf("finding the rules of activation %d: %w", activation, err)
	}
	return regime, nil
}

// follow switches a partition to a later activation: what it knows is written down, and
// read by an engine of the other rules, as after a restart. So whether an evaluator
// runs on, is restarted or replays can't show.
func (s *session) follow(ctx context.Context, p *partition, activation int, out *output) (*partition, error) {
	next, err := s.anew(ctx, p, activation, out)
	if err == nil {
		err = s.restate(ctx, next, out)
	}
	if err != nil {
		return nil, fmt.Errorf("switching routed partition %d to activation %d: %w", p.id, activation, err)
	}
	next.head.Activation = activation
	s.deps.Log.Info().Int32("partition", p.id).Int("activation", activation).Msg("judge switched a partition to other rules")
	return next, nil
}

// reopen has a partition judged by what is known now that the past has been read.
func (s *session) reopen(ctx context.Context, p *partition, out *output) (*partition, error) {
	next, err := s.anew(ctx, p, p.activation, out)
	if err != nil {
		return nil, fmt.Errorf("taking the past into routed partition %d: %w", p.id, err)
	}
	s.partitions[p.id] = next
	s.deps.Log.Info().Int32("partition", p.id).Int("activation", p.activation).Msg("judge has the past of a partition, and judges what waited for it")
	return next, nil
}

// anew writes down what a partition knows, and reads it by the rules of an activation. What
// those say differently is said at the next mark.
func (s *session) anew(ctx context.Context, p *partition, activation int, out *output) (*partition, error) {
	changes, err := p.changes()
	if err != nil {
		return nil, err
	}
	out.state(p.id, changes)
	state, err := s.changelog(ctx, p.id)
	if err != nil {
		return nil, fmt.Errorf("reading its state: %w", err)
	}
	for _, r := range out.records { // not committed yet
		if r.Topic == s.cfg.State && r.Partition == p.id {
			s.keep(state, r)
		}
	}
	next, err := s.rebuild(ctx, p.id, activation, state)
	if err != nil {
		return nil, err
	}
	next.sources, next.head.Fresh = p.sources, true
	return next, nil
}

// introduce has stages that begin by other rules than the state's know those who send
// events: who was silent before would never be missed.
func (p *partition) introduce(state map[string][]byte) error {
	switch {
	case p.stages == nil:
	case p.engine != nil:
		if p.head.Senders[0] == nil { // it has told later stages nothing yet
			p.known = p.sendersIn(state, enginePrefix)
		}
	case p.head.Later[1] != nil:
		for _, s := range p.later {
			if p.head.Later[s.number] == nil {
				return p.laterKnown(p.sendersIn(state, stageKey(1, nil)))
			}
		}
	}
	return nil
}

func (p *partition) sendersIn(state map[string][]byte, prefix string) (known []routed.Entity) {
	for _, key := range slices.Sorted(maps.Keys(state)) {
		if own, ok := strings.CutPrefix(key, prefix); ok && state[key] != nil && p.stages.OfSenders([]byte(own)) {
			known = append(known, routed.Entity{Key: []byte(own), Value: state[key]})
		}
	}
	return known
}

// restate says what a replay found by the rules that a partition has switched to.
func (s *session) restate(ctx context.Context, p *partition, out *output) error {
	regime, err := s.regime(ctx, p.id, p.activation, p.head.Read)
	if err != nil || len(regime.Restated) == 0 {
		return err
	}
	return out.add(p.id, &outcome{revisions: p.restate(regime.Restated)})
}

// restate asks each engine for what was restated of its items.
func (p *partition) restate(all []Restated) (revisions []compliance.Revision) {
	if p.engine != nil {
		return p.engine.Restate(all)
	}
	for _, s := range p.later {
		revisions = append(revisions, s.engine.Restate(all)...)
	}
	return revisions
}

// outrun tells a loss from a judge that was asleep so long that the group has given its
// partition to another, which has committed since: then it begins anew.
func (s *session) outrun(ctx context.Context, id int32, committed int64, loss error) error {
	commits, err := kadm.NewClient(s.txn.Client()).FetchOffsets(ctx, s.cfg.Group)
	if err != nil {
		return errors.Join(loss, fmt.Errorf("asking for the group's commit again: %w", err))
	}
	now := consume.None
	if c, ok := commits.Lookup(s.cfg.input(), id); ok {
		now = c.At
	}
	if now != committed {
		return fmt.Errorf("routed partition %d went to another judge before it was restored: %w", id, errAborted)
	}
	return loss
}

// load takes the last value of each key of the changelog, until ctx ends.
func (p *partition) load(ctx context.Context, state map[string][]byte) (err error) {
	for _, key := range slices.Sorted(maps.Keys(state)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch value := state[key]; {
		case value == nil: // deleted
		case key == headKey:
			p.head, err = decodeHead(value)
		case p.engine == nil && (strings.HasPrefix(key, enginePrefix) || strings.HasPrefix(key, queuePrefix)):
			err = p.loadLater(key, value)
		case strings.HasPrefix(key, enginePrefix):
			err = p.engine.Load(Change{[]byte(key[len(enginePrefix):]), value})
		default:
			err = fmt.Errorf("key %q is none of this program's", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// agrees holds the changelog to the group's commit. One transaction writes both,
// so where they differ something was lost, and going on would lose more.
func (p *partition) agrees(found bool, committed int64) error {
	if found && committed == p.head.Next || !found && committed == consume.None {
		return nil
	}
	at := "there is no state"
	if found {
		at = fmt.Sprintf("the state stands at offset %d", p.head.Next)
	}
	return compliance.Errorf(compliance.Conflict,
		"routed partition %d: %s, and the group's commit is %d (-1: none), so state or commit was lost or changed by hand; stop the evaluators and rebuild from the events (docs/design/dataflow.md, \"Rebuild\")",
		p.id, at, committed)
}
