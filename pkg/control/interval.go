package control

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
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
	// AnchorComputed is a time that an expression over the item gives.
	AnchorComputed
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
	// Time is the expression for AnchorComputed, Cap how far from the item it counts.
	Time *Program
	Cap  time.Duration
	// Days are business days of Workdays, instead of Offset.
	Days     int
	Workdays *Workdays
	span     time.Duration // the longest that Days can take
}

// Compute is the time of a bound with AnchorComputed, for the item of a scope. One
// further from the item than Cap is taken to lie there. It fails if the expression
// gives no time.
func (b Bound) Compute(s *Scope) (compliance.Instant, error) {
	v, err := b.Time.Eval(s)
	if err != nil {
		return 0, err
	}
	at, err := instantOf(v)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", b.Time.Source, err)
	}
	return min(max(at, s.At.Add(-b.Cap)), s.At.Add(b.Cap)), nil
}

// Interval is where evidence must lie.
type Interval struct{ From, To Bound }

var boundPattern = regexp.MustCompile(`^([a-z_][a-z0-9_]*(?:\.time)?)?\s*(?:([+-])\s*)?(\d[0-9a-z]*)?$`)

// bareNumber is what was meant as a duration, if perhaps a wrong one.
var bareNumber = regexp.MustCompile(`^-?([0-9]+(ms|d|h|m|s))+$`)

// anchors resolves the names that a bound may use.
type anchors struct {
	scheduled bool
	earlier   map[string]int // expectations already read, by name
	candidate string         // under unless
	// compute makes a bound of an expression that stands at a place of the text; nil
	// where there is no cap.
	compute func(text string, at int) (Bound, bool)
	// workdays are those of the population's calendar; nil if it names none.
	workdays *Workdays
}

// parseInterval reads "(a, b]" and the like.
func parseInterval(s string, names anchors) (Interval, error) {
	t := strings.TrimSpace(s)
	if len(t) < 2 || !strings.ContainsRune("([", rune(t[0])) || !strings.ContainsRune(")]", rune(t[len(t)-1])) {
		return Interval{}, fmt.Errorf("%q is no interval; write [a, b], with ( or ) where the end itself doesn't count, such as \"[-14d, 0s]\"", s)
	}
	comma := outerComma(t)
	if comma < 0 {
		return Interval{}, fmt.Errorf("%q needs two ends with a comma between", s)
	}
	start := strings.Index(s, t)
	var iv Interval
	var err error
	if iv.From, err = names.bound(t[1:comma], start+1); err != nil {
		return iv, err
	}
	if iv.To, err = names.bound(t[comma+1:len(t)-1], start+comma+1); err != nil {
		return iv, err
	}
	iv.From.Open, iv.To.Open = t[0] == '(', t[len(t)-1] == ')'
	return iv, impossible(s, iv)
}

// outerComma is the comma of "[a, b]" that stands in no bracket or text within; -1
// if there is none.
func outerComma(t string) int {
	depth, quote := 0, byte(0)
	for i := 1; i < len(t)-1; i++ {
		switch ch := t[i]; {
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case ch == '"' || ch == '\'':
			quote = ch
		case strings.IndexByte("([{", ch) >= 0:
			depth++
		case strings.IndexByte(")]}", ch) >= 0:
			depth--
		case ch == ',' && depth == 0:
			return i
		}
	}
	return -1
}

// bound reads an end that stands at a place of the interval's text.
func (a anchors) bound(text string, at int) (Bound, error) {
	b, err := parseBound(text, a)
	if err == nil || a.compute == nil {
		return b, err
	}
	if b, ok := a.compute(text, at); ok {
		return b, nil
	}
	return b, errReported
}

// errReported says that what is wrong has been reported.
var errReported = errors.New("reported")

// impossible refuses intervals that are empty whatever happens.
func impossible(s string, iv Interval) error {
	f, t := iv.From, iv.To
	if f.Anchor == AnchorComputed || t.Anchor == AnchorComputed || f.Days != 0 || t.Days != 0 {
		return nil
	}
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
	} else if bareNumber.MatchString(s) {
		return b, err
	}
	if rest, negative := strings.CutPrefix(s, "-"); strings.HasSuffix(s, "bd") && rest[0] >= '0' && rest[0] <= '9' {
		return b, names.days(rest, negative, &b)
	}
	m := boundPattern.FindStringSubmatch(s)
	if m == nil || m[1] == "" {
		return b, fmt.Errorf("%q is no end of an interval; write a duration such as -30d, or an anchor such as item.time, period, push.time, with + or - a duration, or beside cap: an expression such as item.due_at", s)
	}
	if (m[2] == "") != (m[3] == "") {
		return b, fmt.Errorf("%q needs both a sign and a duration after the anchor", s)
	}
	if strings.HasSuffix(m[3], "bd") {
		if err := names.days(m[3], m[2] == "-", &b); err != nil {
			return b, err
		}
	} else if m[3] != "" {
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

// days reads business days, such as 2bd.
func (a anchors) days(s string, negative bool, b *Bound) error {
	n, err := strconv.Atoi(strings.TrimSuffix(s, "bd"))
	switch {
	case err != nil || n < 1 || n > maxBusinessDays:
		return fmt.Errorf("%q is no number of business days from 1bd to %dbd", s, maxBusinessDays)
	case a.workdays == nil:
		return errors.New("bd counts business days: name a calendar: in the population, one of the boundary file's")
	case negative:
		n = -n
	}
	b.Days, b.Workdays, b.span = n, a.workdays, a.workdays.span(max(n, -n))
	return nil
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
