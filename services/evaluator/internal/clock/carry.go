package clock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// carryOut makes the changes that wait, one after the other. Each step is in the log
// before the next, so another owner goes on where this one stopped: a change gets a number;
// each source gets a marker, of which the first counts; then the log says where they are.
func (c *clock) carryOut(ctx context.Context) error {
	for {
		now, err := Open(ctx, c.cfg.Client, c.cfg.Control, c.deps.Logs)
		if err != nil {
			return fmt.Errorf("reading the control topic: %w", err)
		}
		next := now.said.rules.Next()
		if next == nil || now.said.rules.Base.Activation == 0 {
			return nil
		}
		if next.Activation == 0 {
			err = c.decide(ctx, now, next)
		} else {
			err = c.mark(ctx, now, next)
		}
		if err != nil {
			return fmt.Errorf("carrying out the change %s: %w", next.Proposed.Proposal, err)
		}
	}
}

// decide gives a change its number, or refuses it.
func (c *clock) decide(ctx context.Context, now *Log, next *record.RuleChange) error {
	n := now.Latest() + 1
	places, err := c.survey(ctx, now, n)
	if err != nil {
		return err
	}
	if c.deps.Check != nil {
		if refusal := c.deps.Check(ctx, *next, now.Latest(), highest(places)); refusal != nil {
			return c.control(ctx, record.Control{Kind: record.KindRefused, Proposal: next.Proposed.Proposal, Reason: refusal.Error()})
		}
	}
	return c.control(ctx, record.Control{Kind: record.KindActivating, Activation: n, Proposal: next.Proposed.Proposal, Preloads: true, Watermark: highest(places)})
}

// mark gives each source its marker, and says so when all have one.
func (c *clock) mark(ctx context.Context, now *Log, next *record.RuleChange) error {
	places, err := c.survey(ctx, now, next.Activation)
	if err != nil {
		return err
	}
	var missing []*kgo.Record
	for from, p := range places {
		if p.marker == routed.Start {
			missing = append(missing, record.EncodeMarker(from.Topic, from.Partition, next.Activation))
		}
	}
	if len(missing) > 0 { // then look again: another owner's may stand before
		if err := c.client.ProduceSync(ctx, missing...).FirstErr(); err != nil {
			return fmt.Errorf("writing markers: %w", err)
		}
		return nil
	}
	done := record.Control{
		Kind: record.KindActivated, Activation: next.Activation, Proposal: next.Proposed.Proposal, Bundle: next.Proposed.Bundle,
		Markers: map[string]int64{}, Watermark: highest(places), Routed: highest(places).Add(control.Early),
	}
	for from, p := range places {
		done.Markers[from.Topic+"/"+strconv.Itoa(int(from.Partition))] = p.marker
	}
	if took := done.Watermark.Sub(next.Checked); next.Checked != compliance.Ever && took > Slack {
		c.late(next, took)
		done.Reason = fmt.Sprintf("the last source got its marker %s after the change was looked at, more than %s", took, Slack)
	}
	return c.control(ctx, done)
}

// Slack is how long after it was looked at the last source may get the marker of a change.
// Rules that begin sooner than an hour after that are taken for what changes nothing.
const Slack = 5 * time.Minute

// late says that a change came into force later than was allowed for: what happened between
// may have been judged by the rules of before.
func (c *clock) late(next *record.RuleChange, took time.Duration) {
	if c.deps.Late != nil {
		c.deps.Late()
	}
	c.deps.Logs.Error().Str("proposal", next.Proposed.Proposal).Int("activation", next.Activation).Stringer("took", took).
		Msg("the owner of the control topic was gone while a change was carried out; see with assay replay whether items of its first hour were judged by the rules of before")
}

// place is how far a source is.
type place struct {
	// clock is its highest, or one higher.
	clock compliance.Instant
	// marker is where the first marker of the activation stands; Start if there is none.
	marker int64
}

// highest is the highest clock of all sources.
func highest(places map[routed.Source]place) compliance.Instant {
	clock := compliance.Ever
	for _, p := range places {
		clock = max(clock, p.clock)
	}
	return clock
}

// survey looks at each source from what the routers have committed on.
func (c *clock) survey(ctx context.Context, now *Log, activation int) (map[routed.Source]place, error) {
	commits, err := kadm.NewClient(c.client).FetchOffsets(ctx, c.cfg.Routers)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // no router has committed yet
		return nil, fmt.Errorf("asking how far the routers are: %w", err)
	}
	places := make(map[routed.Source]place)
	topics := now.current()
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		for id := range topics[topic] {
			from := routed.Source{Topic: topic, Partition: id}
			known, begin := routed.ParseCommit(""), consume.None
			if o, ok := commits.Lookup(topic, id); ok {
				known, begin = routed.ParseCommit(o.Metadata), o.At
			}
			if places[from], err = c.look(ctx, from, begin, known, activation); err != nil {
				return nil, err
			}
		}
	}
	return places, nil
}

func (c *clock) look(ctx context.Context, from routed.Source, begin int64, known routed.Commit, activation int) (place, error) {
	p := place{clock: known.Clock, marker: routed.Start}
	if known.Activation >= activation {
		p.marker = known.Marker
	}
	_, err := consume.ToEndFrom(ctx, c.cfg.Client, from.Topic, from.Partition, begin, func(r *kgo.Record) error {
		switch n, isMarker := record.DecodeMarker(r); {
		case isMarker && n == activation && p.marker == routed.Start:
			p.marker = r.Offset
		case isMarker:
		default:
			if at, ok := record.DecodeClock(r); ok {
				p.clock = max(p.clock, at)
			}
		}
		return nil
	})
	return p, err
}
