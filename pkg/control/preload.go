package control

import (
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Past is what a bundle wants of the events before it, which the rules before it did not
// route for its controls. Like a bundle it routes events, and reads no other.
type Past struct {
	wants []want
	// senders are sources that the controls hang on: when they were heard is kept no longer
	// than somebody asks. Any word of one may say that it was silent since.
	senders []string
}

// want is a control with versions that lack history.
type want struct {
	control *Control
	// from is the least time of an event that may matter to one of them.
	from compliance.Instant
	// added: the control wasn't there, so nobody has heard of its waivers.
	added bool
}

// Past is what b wants of the events before it, for b comes after before; nil if it
// wants nothing.
func (b *Bundle) Past(before *Bundle) *Past {
	p := &Past{}
	for _, c := range b.Controls {
		w := want{control: c, from: compliance.Never, added: before.Control(c.ID) == nil}
		for _, v := range c.Versions {
			if v.lacks(before.Control(c.ID)) {
				w.from = min(w.from, v.pastFrom())
			}
		}
		if w.from != compliance.Never && b.mayWait(c) {
			p.wants = append(p.wants, w)
		}
	}
	if len(p.wants) == 0 {
		return nil
	}
	for i, s := range b.Sources {
		hangs := func(w want) bool { return slices.Contains(b.hangsOn(w.control), i) }
		if s.MaxGap > 0 && slices.ContainsFunc(p.wants, hangs) {
			p.senders = append(p.senders, s.Name)
		}
	}
	return p
}

// mayWait: nothing is judged by what the control says, for that would have to wait too;
// and no source that it hangs on numbers what it sends, for those numbers are gone.
func (b *Bundle) mayWait(c *Control) bool {
	reads := func(o *Control) bool { return slices.Contains(o.ReadVerdicts(), c) }
	counts := func(i int) bool { return b.Sources[i].Counts }
	return c.Stage == 0 && !slices.ContainsFunc(b.Controls, reads) && !slices.ContainsFunc(b.hangsOn(c), counts)
}

// hangsOn are the declared sources that send evidence, or rows of tables, to any version.
func (b *Bundle) hangsOn(c *Control) (all []int) {
	for _, v := range c.Versions {
		for _, e := range v.Expectations {
			all = append(all, b.SourcesOf(e.Heard())...)
			if e.Unless != nil {
				all = append(all, b.SourcesOf(e.Unless.Types)...)
			}
		}
		for _, t := range v.Tables {
			all = append(all, b.SourcesOf(t.Types)...)
		}
	}
	return all
}

// lacks tells whether a version reads what wasn't routed for its control, or isn't held
// as long as it looks back.
func (c *Control) lacks(old *Control) bool {
	switch {
	case old == nil:
		return true
	case old.sameRule(c) != nil:
		return false
	}
	return !old.routesEvidence(c) || c.Lookback() > old.Longest((*Control).Lookback)
}

// pastFrom is the least time of an event that may matter to an item of this version.
func (c *Control) pastFrom() compliance.Instant {
	if len(c.Tables) > 0 { // a row may be of any age
		return compliance.Ever
	}
	back := c.Lookback()
	if k := c.Population.Clock; k != nil {
		back = max(back, k.Within)
	}
	return c.From.Add(-back - time.Microsecond)
}

// From is the least time of an event that may matter.
func (p *Past) From() compliance.Instant {
	if len(p.senders) > 0 {
		return compliance.Ever
	}
	from := compliance.Never
	for _, w := range p.wants {
		from = min(from, w.from)
	}
	return from
}

// Reads tells whether events of a type are wanted.
func (p *Past) Reads(eventType string) bool {
	if SpeaksOfSource(eventType) && len(p.senders) > 0 {
		return true
	}
	return slices.ContainsFunc(p.wants, func(w want) bool {
		return w.control.Some(func(v *Control) bool { return v.reads(eventType) }) || w.waiver(eventType)
	})
}

func (w want) waiver(eventType string) bool {
	return w.added && speaksOfWaiver(eventType) && w.control.Some(func(v *Control) bool { return v.Waivable })
}

// Counts is of no source: whoever numbers its events was heard before.
func (p *Past) Counts(string) bool { return false }

// Route lists the controls that want ev, as the bundle routes it to them.
func (p *Past) Route(ev *compliance.Event) []Route {
	var routes []Route
	if SpeaksOfSource(ev.Type) && slices.Contains(p.senders, ev.Source) {
		routes = append(routes, Route{Everywhere: true})
	}
	for _, w := range p.wants {
		if ev.Time < w.from {
			continue
		}
		for _, r := range w.control.route(ev) {
			if !r.Everywhere || w.added {
				routes = append(routes, r)
			}
		}
	}
	return routes
}
