package control

import (
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Since says what was read for each version of a bundle that is put in force on a
// running system, after another one.
type Since struct {
	// Routed: events of this time on are routed by the new rules, every one.
	Routed compliance.Instant
	// Watermark is one that no part of the log had passed when the rules changed: evidence
	// is held as far back from it as the rules before looked.
	Watermark compliance.Instant
	// Preload is the number of this change, if what the versions lack of the past is read
	// once more for them; 0: it isn't.
	Preload int
	// Read tells whether it has been read, from Whole on: whatever happened since is there.
	Read  bool
	Whole compliance.Instant
}

// Follow gives each version of b the beginning of its record, for b comes after before.
// A version that stood there keeps its own. Another one has what was held for the
// control, if that has all that it reads, and else what is routed for it from now on; and
// with a preload what was read for it of the past. Until that is there the control waits.
func (b *Bundle) Follow(before *Bundle, since Since) {
	for _, c := range b.Controls {
		old := before.Control(c.ID)
		for _, v := range c.Versions {
			from := v.history(old, since)
			if since.Preload > 0 && v.lacks(old) && b.mayWait(c) {
				from = v.preload(from, since)
			} else {
				v.inherit(old)
			}
			c.Waits = min(c.Waits, v.waitsFor)
			v.HistoryFrom = max(v.HistoryFrom, from)
		}
	}
}

// preload is the beginning of a version's record with a preload, if it is from without.
func (c *Control) preload(from compliance.Instant, since Since) compliance.Instant {
	c.Preload = since.Preload
	if since.Read {
		return min(from, max(since.Whole, c.pastFrom()))
	}
	c.waitsFor = c.From
	return from
}

// inherit takes over what was read of the past for the versions that stood there, and
// waits if they do.
func (c *Control) inherit(old *Control) {
	if old == nil {
		return
	}
	of := old.Versions
	if same := old.sameRule(c); same != nil {
		of = []*Control{same}
	}
	for _, v := range of {
		c.Preload = max(c.Preload, v.Preload)
		if v.waitsFor != compliance.Never {
			c.waitsFor = min(c.waitsFor, c.From)
		}
	}
}

func (c *Control) history(old *Control, since Since) compliance.Instant {
	if old == nil {
		return since.Routed
	}
	if same := old.sameRule(c); same != nil {
		return same.HistoryFrom
	}
	if !old.routesEvidence(c) {
		return since.Routed
	}
	from := compliance.Ever
	if back := old.Longest((*Control).Lookback); c.Lookback() > back {
		from = since.Watermark.Add(-back)
	}
	for _, v := range old.Versions {
		from = max(from, v.HistoryFrom)
	}
	return from
}

// sameRule is the version that has a rule's hash; nil if none has.
func (c *Control) sameRule(v *Control) *Control {
	for _, own := range c.Versions {
		if own.Hash == v.Hash {
			return own
		}
	}
	return nil
}

// stream is what evidence is routed by: types, and the fields that make the join key.
type evidenceStream struct {
	pattern string
	key     string
}

func (c *Control) evidenceStreams() (all []evidenceStream) {
	add := func(types []string, key []Path) {
		for _, t := range types {
			all = append(all, evidenceStream{t, pathsText(key)})
		}
	}
	for _, e := range c.Expectations {
		add(e.Types, e.KeyPaths)
		if e.Unless != nil {
			add(e.Unless.Types, e.Unless.KeyPaths)
		}
	}
	for _, t := range c.Tables {
		for _, pattern := range t.Types { // a row is kept as its table says
			all = append(all, evidenceStream{pattern, "table " + pathsText(t.Key) + sourceOf(t.Live)})
		}
	}
	return all
}

func pathsText(paths []Path) string {
	texts := make([]string, len(paths))
	for i, p := range paths {
		texts[i] = p.String()
	}
	return strings.Join(texts, "\x00")
}

// routesEvidence tells whether all evidence that v reads is routed for c already, with
// the fields that v reads.
func (c *Control) routesEvidence(v *Control) bool {
	var have []evidenceStream
	for _, own := range c.Versions {
		have = append(have, own.evidenceStreams()...)
	}
	for _, want := range v.evidenceStreams() {
		if !slices.Contains(have, want) {
			return false
		}
	}
	keep := c.Versions[len(c.Versions)-1].routed.keep
	if keep == nil {
		return true
	}
	for name := range v.keep {
		if !keep[name] {
			return false
		}
	}
	return v.keep != nil
}

// RoutesAll tells whether everything that v reads is routed for c already, the events
// that open items included, and held as long; and that nothing is waited for
// longer, so what is decided by c is decided by v.
func (c *Control) RoutesAll(v *Control) bool {
	opens := c.Some(func(own *Control) bool {
		a, b := &own.Population, &v.Population
		return slices.Equal(a.Types, b.Types) && (a.Schedule == nil) == (b.Schedule == nil) && pathsText(own.Key) == pathsText(v.Key) &&
			sourceOf(a.Where) == sourceOf(b.Where) && sourceOf(a.ID) == sourceOf(b.ID) && own.joins() == v.joins()
	})
	return opens && c.routesEvidence(v) &&
		v.Lookback() <= c.Longest((*Control).Lookback) && v.Horizon() <= c.Longest((*Control).Horizon)
}

// joins are the fields of the item at which its evidence meets it, where there are several:
// it isn't handed there a second time.
func (c *Control) joins() string {
	var text strings.Builder
	if c.Hops {
		c.eachJoin(func(e *Expectation) { text.WriteString(pathsText(e.ItemPaths) + "\x01") })
	}
	return text.String()
}

func sourceOf(p *Program) string {
	if p == nil {
		return ""
	}
	return p.Source
}

// Early is how far ahead of the log's clock an event's time may be to be taken.
const Early = time.Hour
