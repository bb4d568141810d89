package control

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// AnchorKind says what a bound hangs on.
type AnchorKind int

// The anchors of a bound.
const (
	// AnchorItem is the item's time: its event, or the start of its slot.
	AnchorItem AnchorKind = iota
	// AnchorPeriod is the end of the item's slot.
	AnchorPeriod
	// AnchorExpectation is the event that another expectation picked.
	AnchorExpectation
	// AnchorCandidate is, under unless, the event that may be undone.
	AnchorCandidate
)

// Bound is one end of an interval: an anchor moved by an offset. An open bound
// without an offset, anchored at an event, lies before or after that event in
// the order of events, not of times.
type Bound struct {
	Anchor AnchorKind
	// Of is the index of the expectation for AnchorExpectation.
	Of     int
	Offset time.Duration
	Open   bool
}

// Interval is where evidence must lie.
type Interval struct{ From, To Bound }

var boundPattern = regexp.MustCompile(`^([a-z_][a-z0-9_]*(?:\.time)?)?\s*(?:([+-])\s*)?(\d[0-9a-z]*)?$`)

// anchors resolves the names that a bound may use.
type anchors struct {
	scheduled bool
	earlier   map[string]int // expectations already read, by name
	candidate string         // under unless
}

// parseInterval reads "(a, b]" and the like.
func parseInterval(s string, names anchors) (Interval, error) {
	t := strings.TrimSpace(s)
	if len(t) < 2 || !strings.ContainsRune("([", rune(t[0])) || !strings.ContainsRune(")]", rune(t[len(t)-1])) {
		return Interval{}, fmt.Errorf("%q is no interval; write [a, b], with ( or ) where the end itself doesn't count, such as \"[-14d, 0s]\"", s)
	}
	from, to, ok := strings.Cut(t[1:len(t)-1], ",")
	if !ok {
		return Interval{}, fmt.Errorf("%q needs two ends with a comma between", s)
	}
	var iv Interval
	var err error
	if iv.From, err = parseBound(from, names); err != nil {
		return iv, err
	}
	if iv.To, err = parseBound(to, names); err != nil {
		return iv, err
	}
	iv.From.Open, iv.To.Open = t[0] == '(', t[len(t)-1] == ')'
	return iv, impossible(s, iv)
}

// impossible refuses intervals that are empty whatever happens.
func impossible(s string, iv Interval) error {
	f, t := iv.From, iv.To
	if f.Anchor == t.Anchor && f.Of == t.Of && (f.Offset > t.Offset || f.Offset == t.Offset && (f.Open || t.Open)) {
		return fmt.Errorf("%q is always empty: it ends before it starts", s)
	}
	if f.Anchor == AnchorPeriod && t.Anchor == AnchorItem && f.Offset >= t.Offset { // a slot ends after it starts
		return fmt.Errorf("%q is always empty: a period ends after its item's time", s)
	}
	return nil
}

func parseBound(s string, names anchors) (Bound, error) {
	s = strings.TrimSpace(s)
	var b Bound
	// a bare duration, signed or not, is measured from the item
	if d, err := ParseDuration(s); err == nil {
		b.Offset = d
		return b, nil
	}
	m := boundPattern.FindStringSubmatch(s)
	if m == nil || m[1] == "" {
		return b, fmt.Errorf("%q is no end of an interval; write a duration such as -30d, or an anchor such as item.time, period, push.time, with + or - a duration", s)
	}
	if (m[2] == "") != (m[3] == "") {
		return b, fmt.Errorf("%q needs both a sign and a duration after the anchor", s)
	}
	if m[3] != "" {
		d, err := ParseDuration(m[3])
		if err != nil {
			return b, err
		}
		if m[2] == "-" {
			d = -d
		}
		b.Offset = d
	}
	return b, names.resolve(m[1], &b)
}

func (a anchors) resolve(name string, b *Bound) error {
	base, isTime := strings.CutSuffix(name, ".time")
	switch {
	case name == "item.time":
		b.Anchor = AnchorItem
	case name == "period":
		if !a.scheduled {
			return errors.New("period is the end of a slot, and this population has no schedule (every:)")
		}
		b.Anchor = AnchorPeriod
	case isTime && a.candidate != "" && base == a.candidate:
		b.Anchor = AnchorCandidate
	case isTime:
		of, ok := a.earlier[base]
		if !ok {
			return fmt.Errorf("%q is no expectation that stands before this one", base)
		}
		b.Anchor, b.Of = AnchorExpectation, of
	default:
		return fmt.Errorf("%q is no anchor; anchors are item.time, period, and the .time of an earlier expectation with pick", name)
	}
	return nil
}
