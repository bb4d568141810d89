package control

import (
	"errors"
	"time"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Clock says when an event counts as having happened, if not at its own time. That
// lies no further than Within from its own time, so that the log is complete for an
// interval Within after its end, and evidence can be dropped.
type Clock struct {
	Time   *Program
	Within time.Duration
}

// At is when an event that happened at own counts as having happened; s has it as its
// event. ok is false if that is further off than Within: then it doesn't count at all.
func (k *Clock) At(own compliance.Instant, s *Scope) (at compliance.Instant, ok bool, err error) {
	v, err := k.Time.Eval(s)
	if err != nil {
		return 0, false, err
	}
	at, err = instantOf(v)
	if err != nil {
		return 0, false, err
	}
	return at, at >= own.Add(-k.Within) && at <= own.Add(k.Within), nil
}

// Placed is when an event of c's population counts, and its view as of then. ok is false
// if nobody knows when, or it would be too far off: then it is as it came, and unreadable.
func (c *Control) Placed(ev *compliance.Event, view Fields) (at compliance.Instant, shown Fields, ok bool) {
	first := c.Versions[0] // all have the same clock
	clock := first.Population.Clock
	if clock == nil {
		return ev.Time, view, true
	}
	at, near, err := clock.At(ev.Time, first.NewScope(nil, ev.Time).With(view, nil))
	if err != nil || !near {
		return ev.Time, view, false
	}
	return at, view.View().Moved(at), true
}

// sameAs tells whether two clocks say the same.
func (k *Clock) sameAs(o *Clock) bool {
	if k == nil || o == nil {
		return k == o
	}
	return k.Within == o.Within && k.Time.Source == o.Time.Source
}

func instantOf(v any) (compliance.Instant, error) {
	switch t := v.(type) {
	case time.Time:
		return compliance.InstantOf(t), nil
	case string:
		return compliance.ParseInstant(t)
	}
	return 0, errors.New("this is no time")
}

// clock reads clock: and within:, which go together.
func (c *compiler) clock(f map[string]*yaml.Node) *Clock {
	switch {
	case f["clock"] == nil && f["within"] == nil:
		return nil
	case f["clock"] == nil:
		c.r.Problem(f["within"], "within: goes with clock:, the time that an event counts at")
		return nil
	case f["within"] == nil:
		c.r.Problem(f["clock"], "clock: needs within:, how far that time may lie from the event's own, such as 1d")
		return nil
	}
	k := &Clock{Time: c.compile(f["clock"], cel.DynType)}
	c.duration(f["within"], &k.Within)
	if k.Time == nil {
		return nil
	}
	if kind := c.kindOf(k.Time.ast.Expr(), c.fields); !tellsTime(kind) {
		c.r.Problem(f["clock"], "%s is a value of type %s; a clock is a time, or a text that has one", k.Time.Source, kind)
	}
	if free := freeNames(k.Time.ast.Expr(), nil); len(c.reads(k.Time.ast.Expr())) > 0 || free["item"] || free["part"] || len(c.tablesIn(k.Time.ast.Expr())) > 0 {
		c.r.Problem(f["clock"], "a clock reads its own event only")
	}
	return k
}

// within is how far the time at which an event counts may lie from its own.
func (e *Expectation) within() time.Duration {
	if e.Clock == nil {
		return 0
	}
	return e.Clock.Within
}

// Known is when all that an interval's end admits has come, on time.
func (e *Expectation) Known(end compliance.Instant) compliance.Instant { return end.Add(e.within()) }

// Sent is when what an interval's start admits may have happened at the earliest.
func (e *Expectation) Sent(start compliance.Instant) compliance.Instant {
	return start.Add(-e.within())
}
