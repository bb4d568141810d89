package completeness

import (
	"fmt"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// Conclusion is what facts prove and what they don't.
type Conclusion struct {
	Proven    []Proven   `json:"proven"`
	NotProven []Unproven `json:"not_proven"`
}

// Proven is a statement, and what it rests on. Source is whom it is about; empty: all.
type Proven struct {
	Source string `json:"source,omitempty"`
	What   string `json:"what"`
	By     string `json:"by"`
}

// Unproven is a statement that isn't proven, and why.
type Unproven struct {
	Source string `json:"source,omitempty"`
	What   string `json:"what"`
	Why    string `json:"why"`
}

// Beyond is what no record can show, whatever it holds.
const Beyond = "That a source told of everything that happened can't be seen in what it sent: hold the population against another system's own list (assay reconcile)."

// Conclude says what follows from facts. The order of what is said is fixed.
func Conclude(f *Facts) Conclusion {
	c := &Conclusion{Proven: []Proven{}, NotProven: []Unproven{}}
	c.ended(f)
	c.late(f)
	c.read(f)
	c.kept(f)
	c.items(f)
	if len(f.Unsourced) > 0 {
		c.open("", "that everything came", "no declared source sends %s, so nothing tells of what wasn't sent", strings.Join(f.Unsourced, ", "))
	}
	if f.Unattributed > 0 {
		c.open("", "that everything that came was an event", "%s refused that name no source", count(f.Unattributed, "record was", "records were"))
	}
	for i := range f.Sources {
		c.source(&f.Sources[i], f)
	}
	return *c
}

func (c *Conclusion) proves(source, what, by string, args ...any) {
	c.Proven = append(c.Proven, Proven{source, what, fmt.Sprintf(by, args...)})
}

func (c *Conclusion) open(source, what, why string, args ...any) {
	c.NotProven = append(c.NotProven, Unproven{source, what, fmt.Sprintf(why, args...)})
}

// ended says whether the log's clock has passed the period.
func (c *Conclusion) ended(f *Facts) {
	const what = "that the period is over in every partition of the log, and what its items wait for too"
	switch n := f.Clock.Partitions; {
	case n == 0 || f.Clock.At == 0:
		c.open("", what, "no partition of the log has a clock on record")
	case len(f.Clock.Behind) > 0:
		c.open("", what, "the clock has to reach %s, and is at %s in the one furthest behind (%d of %d haven't: %s)",
			f.Settled, f.Clock.At, len(f.Clock.Behind), n, some(f.Clock.Behind))
	default:
		c.proves("", what, "the log's clock is at %s or later in all %d, and had to reach %s", f.Clock.At, n, f.Settled)
	}
	if f.RulesFrom > f.From {
		c.open("", "that all of the period was tested", "the rule set is in force from %s only", f.RulesFrom)
	}
}

func (c *Conclusion) late(f *Facts) {
	const what = "that no late event can change the population any more"
	if f.Clock.At < f.Final {
		c.open("", what, "late events count until the log's clock reaches %s", f.Final)
		return
	}
	c.proves("", what, "they count until %s by the log's clock, which is at %s", f.Final, f.Clock.At)
}

// read says whether all that was in the log was read.
func (c *Conclusion) read(f *Facts) {
	const what = "that everything in the log was read"
	if len(f.Partitions) == 0 {
		c.open("", what, "nothing says which offsets were read: no partition is on record")
		return
	}
	whole := true
	not := func(p *Partition, why string, args ...any) {
		whole = false
		c.open("", what, "%s/%d: %s", p.Topic, p.Partition, fmt.Sprintf(why, args...))
	}
	for i := range f.Partitions {
		p := &f.Partitions[i]
		if p.First > 0 {
			not(p, "the record begins at offset %d; nothing tells what was before", p.First)
		}
		for j := range p.Holes {
			h := &p.Holes[j]
			not(p, "%s; what stood there came %s", h.told(), h.when())
		}
		if p.Undecoded > 0 {
			not(p, "%s and left no row", count(p.Undecoded, "record couldn't be decoded", "records couldn't be decoded"))
		}
	}
	if whole {
		c.proves("", what, "the offsets read of each of %s join on without a hole, from the first on", count(int64(len(f.Partitions)), "partition", "partitions"))
	}
}

func (u *Unread) told() string {
	if u.Missing == u.End-u.First {
		return fmt.Sprintf("offsets %d to %d were never read", u.First, u.End-1)
	}
	return fmt.Sprintf("at %d of the offsets %d to %d no record was read: the log had lost it, or it belonged to a transaction", u.Missing, u.First, u.End-1)
}

func (u *Unread) when() string {
	switch {
	case u.After == 0 && u.Until == 0:
		return "at a time that the log's clock doesn't tell"
	case u.After == 0:
		return "before " + u.Until.String()
	case u.Until == 0:
		return "after " + u.After.String()
	}
	return fmt.Sprintf("between %s and %s", u.After, u.Until)
}

// kept says whether what was recorded is still there, as it was.
func (c *Conclusion) kept(f *Facts) {
	const what = "that what was recorded is still there, as it was"
	if len(f.Changed) == 0 {
		c.proves("", what, "a recount of the rows agrees with what was counted when they were recorded (event_counts)")
		return
	}
	for _, g := range f.Changed {
		at := fmt.Sprintf("%s of %s on %s, offsets %d to %d of %s/%d", g.Type, g.Source, g.Day, g.First, g.End-1, g.Topic, g.Partition)
		switch {
		case g.Found < g.Counted:
			c.open(g.Source, what, "%s: %d of %s gone", at, g.Counted-g.Found, count(g.Counted, "row is", "rows are"))
		case g.Found > g.Counted:
			c.open(g.Source, what, "%s: %s never counted, for they were recorded before anything was counted, or put there by somebody else", at, count(g.Found-g.Counted, "row was", "rows were"))
		default:
			c.open(g.Source, what, "%s: rows aren't as they were recorded", at)
		}
	}
}

func (c *Conclusion) items(f *Facts) {
	n := &f.Items
	if n.Scheduled {
		const what = "that each item that the calendar makes is on record"
		if n.N == n.Expected {
			c.proves("", what, "the calendar makes %d in the period, and as many are", n.Expected)
		} else {
			c.open("", what, "the calendar makes %d in the period, and %d are", n.Expected, n.N)
		}
	}
	if n.Undecidable > 0 {
		c.open("", "which events belong to the population", "of %s it couldn't be told", count(n.Undecidable, "item", "items"))
	}
	const what = "that every verdict that was given is on record"
	switch {
	case n.MissingRevisions > 0:
		c.open("", what, "%s missing between others of their item", count(n.MissingRevisions, "revision is", "revisions are"))
	case n.MiscountedDays > 0:
		c.open("", what, "on %s the verdicts aren't those that were counted, or counts had to be put right", count(n.MiscountedDays, "day", "days"))
	default:
		c.proves("", what, "the revisions of each item count 1, 2, … without a gap, and a recount of the verdicts of each day agrees with what was counted")
	}
}

// source says what is proven of one source.
func (c *Conclusion) source(s *SourceFacts, f *Facts) {
	c.alive(s, f)
	c.numbered(s)
	if n := total(s.Refused); n > 0 {
		c.open(s.Name, "that all that it sent was taken", "%s refused (%s)", count(n, "record was", "records were"), told(s.Refused))
	}
	if n := total(s.Unmapped); n > 0 {
		c.open(s.Name, "that all that its vendor delivered became events", "%s became none (%s)", count(n, "delivery", "deliveries"), told(s.Unmapped))
	}
	if s.Quarantined > 0 {
		c.open(s.Name, "that all that it sent was used", "%s too late to count", count(s.Quarantined, "event came", "events came"))
	}
	if s.Conflicts > 0 {
		c.open(s.Name, "what it said", "%s with several bodies", count(s.Conflicts, "event came", "events came"))
	}
}

// alive says whether a source was heard all through the period.
func (c *Conclusion) alive(s *SourceFacts, f *Facts) {
	const what = "that it was there all through the period"
	switch {
	case s.MaxGap == "" && !s.Counts:
		why := "nothing tells of what the source did not send: it has neither sequence nor heartbeat"
		if !s.Declared {
			why += ", and isn't declared"
		}
		c.open(s.Name, "that it sent everything", "%s", why)
	case s.MaxGap == "":
		c.open(s.Name, what, "it promises no signs of life")
	case s.FirstSign == 0:
		c.open(s.Name, what, "it never gave a sign of life")
	case len(s.Silences) > 0:
		longest := slices.MaxFunc(s.Silences, func(a, b Silence) int { return int(min(1, max(-1, (a.To-a.From)-(b.To-b.From)))) })
		c.open(s.Name, what, "it was silent %s for longer than %s, the longest from %s to %s", times(len(s.Silences)), s.MaxGap, longest.From, longest.To)
	default:
		c.proves(s.Name, what, "signs of life at most %s apart, from %s to %s%s", s.MaxGap, max(s.FirstSign, f.From), s.LastSign, retired(s))
	}
}

func retired(s *SourceFacts) string {
	if s.RetiredAt == 0 {
		return ""
	}
	return ", when it retired"
}

// numbered says whether all that a source sent has come.
func (c *Conclusion) numbered(s *SourceFacts) {
	const what = "that all that it sent has come"
	switch {
	case !s.Counts && s.MaxGap != "":
		c.open(s.Name, what, "it doesn't number its events, so one that was lost on the way doesn't show")
	case !s.Counts:
	case len(s.Holes) > 0:
		for _, h := range s.Holes {
			missing := "numbers can't tell how many events are missing"
			if h.Missing > 0 {
				missing = count(h.Missing, "number is", "numbers are") + " missing"
			}
			c.open(s.Name, what, "%s between %s and %s", missing, h.From, h.To)
		}
	case s.FirstSign == 0:
		c.open(s.Name, what, "numbers say so between signs of life only, and it gave none")
	default:
		c.proves(s.Name, what, "between its signs of life no number is missing")
	}
}

// mostNamed bounds how many things a sentence names.
const mostNamed = 5

func some(names []string) string {
	if len(names) > mostNamed {
		return strings.Join(names[:mostNamed], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

func told(counts []Tally) string {
	words := make([]string, len(counts))
	for i, c := range counts {
		words[i] = fmt.Sprintf("%s %d", c.Of, c.N)
	}
	return some(words)
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Touches says whether a gap meets the day that begins at start, UTC.
func (g Silence) Touches(start, end compliance.Instant) bool { return g.From < end && g.To > start }
