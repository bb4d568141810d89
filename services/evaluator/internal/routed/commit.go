package routed

import (
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
}

// Keys of the metadata: "clock=…;activation=…@…".
const (
	clockKey      = "clock="
	activationKey = "activation="
)

// String is the metadata of the commit.
func (c Commit) String() string {
	text := clockKey + strconv.FormatInt(int64(c.Clock), 10)
	if c.Activation > 0 {
		text += ";" + activationKey + strconv.Itoa(c.Activation) + "@" + strconv.FormatInt(c.Marker, 10)
	}
	return text
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
	}
	return c
}
