package routed

import (
	"fmt"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// Commit is what a router commits beside an offset: what a successor has to know of the
// source up to there.
type Commit struct {
	// Clock is the highest of the source; Ever before the first.
	Clock compliance.Instant
	// Activation is of the rules that the source was routed by last, Marker the place of
	// their marker; 0 and Start where there was none.
	Activation int
	Marker     int64
	// Lanes are those that the source is still to be read for once more, in order.
	Lanes []Lane
}

// Lane is how far a source has been read once more for an activation.
type Lane struct {
	Activation int
	// Marker is where it ends, Next where to read on; Start before anything was read.
	Marker, Next int64
	// Clock is the highest at Next; Ever if there was none, or nobody knows.
	Clock compliance.Instant
	// Whole: nothing of this time on is missing. Ever: nothing at all is.
	Whole compliance.Instant
	// Blind: the log began in the middle, and no clock has come since.
	Blind bool
}

// Keys of the metadata: "clock=…;activation=…@…;lane=…@…:…:…:…:…".
const (
	clockKey      = "clock="
	activationKey = "activation="
	laneKey       = "lane="
)

const laneFormat = "%d@%d:%d:%d:%d:%t"

// String is the metadata of the commit.
func (c Commit) String() string {
	parts := []string{clockKey + strconv.FormatInt(int64(c.Clock), 10)}
	if c.Activation > 0 {
		parts = append(parts, activationKey+strconv.Itoa(c.Activation)+"@"+strconv.FormatInt(c.Marker, 10))
	}
	for _, l := range c.Lanes {
		parts = append(parts, laneKey+fmt.Sprintf(laneFormat, l.Activation, l.Marker, l.Next, int64(l.Clock), int64(l.Whole), l.Blind))
	}
	return strings.Join(parts, ";")
}

// ParseCommit reads metadata; what it can't read was never said.
func ParseCommit(metadata string) Commit {
	c := Commit{Clock: compliance.Ever, Marker: Start}
	for part := range strings.SplitSeq(metadata, ";") {
		if digits, ok := strings.CutPrefix(part, clockKey); ok {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
				c.Clock = compliance.Instant(n)
			}
		}
		if text, ok := strings.CutPrefix(part, activationKey); ok {
			number, place, _ := strings.Cut(text, "@")
			n, err := strconv.Atoi(number)
			at, badPlace := strconv.ParseInt(place, 10, 64)
			if err == nil && badPlace == nil {
				c.Activation, c.Marker = n, at
			}
		}
		if text, ok := strings.CutPrefix(part, laneKey); ok {
			var l Lane
			if _, err := fmt.Sscanf(text, laneFormat, &l.Activation, &l.Marker, &l.Next, &l.Clock, &l.Whole, &l.Blind); err == nil {
				c.Lanes = append(c.Lanes, l)
			}
		}
	}
	return c
}
