package judge

import (
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
)

// restore rebuilds a partition from its changelog. committed is the offset that
// the group has for it, fetched after every transaction that could still change
// it was decided: so whatever is in the changelog by now is all there will be.
func (s *session) restore(ctx context.Context, id int32, committed int64) (*partition, error) {
	p := &partition{
		id: id, head: newHead(), engine: s.deps.NewEngine(id, s.routedPartitions),
		rules: s.deps.Rules, activation: s.cfg.Activation,
	}
	state := make(map[string][]byte)
	_, err := consume.ToEnd(ctx, s.cfg.Client, s.cfg.State, id, func(r *kgo.Record) error {
		state[string(r.Key)] = r.Value
		return s.cfg.Hook.At(Restoring)
	})
	if err == nil {
		err = p.load(ctx, state)
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

// outrun tells a loss from a judge that was asleep so long that the group has given its
// partition to another, which has committed since: then it begins anew.
func (s *session) outrun(ctx context.Context, id int32, committed int64, loss error) error {
	commits, err := kadm.NewClient(s.txn.Client()).FetchOffsets(ctx, s.cfg.Group)
	if err != nil {
		return errors.Join(loss, fmt.Errorf("asking for the group's commit again: %w", err))
	}
	now := consume.None
	if c, ok := commits.Lookup(s.cfg.Routed, id); ok {
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
