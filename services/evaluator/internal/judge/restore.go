package judge

import (
	"context"
	"errors"
	"fmt"

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
	found := false
	_, err := consume.ToEnd(ctx, s.cfg.Client, s.cfg.State, id, func(r *kgo.Record) error {
		isHead, err := p.load(r)
		found = found || isHead
		return errors.Join(err, s.probe(restoring))
	})
	if err != nil {
		return nil, fmt.Errorf("restoring routed partition %d: %w", id, err)
	}
	if err := p.agrees(found, committed); err != nil {
		return nil, err
	}
	p.head.Next = max(p.head.Next, 0)
	s.deps.Metrics.Restores.Inc()
	return p, nil
}

// load takes one record of the changelog. A later record of a key replaces the
// earlier; an engine is told of both, in order.
func (p *partition) load(r *kgo.Record) (isHead bool, err error) {
	switch {
	case string(r.Key) == headKey:
		p.head, err = decodeHead(r.Value)
		return true, err
	case len(r.Key) > 0 && r.Key[0] == enginePrefix:
		return false, p.engine.Load(Change{r.Key[1:], r.Value})
	}
	return false, fmt.Errorf("key %q of offset %d is none of this program's", r.Key, r.Offset)
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
