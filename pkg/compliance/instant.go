package compliance

import (
	"fmt"
	"math"
	"time"
)

// Instant is a point in time in microseconds since 1970-01-01T00:00:00Z.
//
// Verdicts compare, sort and hash times, so a time is an integer here: two
// equal instants have equal bytes. Digits of a source below a microsecond are
// cut; the raw event keeps them.
type Instant int64

// The ends of time. Never is after every event, Ever before every one.
const (
	Ever  Instant = math.MinInt64
	Never Instant = math.MaxInt64
)

// InstantOf cuts t to microseconds.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMicro()) }

// ParseInstant reads RFC 3339.
func ParseInstant(s string) (Instant, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("time %q is not RFC 3339, such as 2026-07-01T09:30:00Z", s)
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return 0, fmt.Errorf("time %q is in the year %d of UTC; years are 1 to 9999", s, y)
	}
	return InstantOf(t), nil
}

// Time is i in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// Add moves i by d; it stays at the ends of time.
func (i Instant) Add(d time.Duration) Instant {
	if i == Ever || i == Never {
		return i
	}
	return i + Instant(d.Microseconds())
}

// Sub is the time elapsed from o to i.
func (i Instant) Sub(o Instant) time.Duration {
	return time.Duration(i-o) * time.Microsecond
}

// String is RFC 3339 in UTC with as many digits as needed.
func (i Instant) String() string {
	return string(i.Append(nil))
}

// Append adds what String says to b.
func (i Instant) Append(b []byte) []byte {
	switch i {
	case Ever:
		return append(b, "ever"...)
	case Never:
		return append(b, "never"...)
	}
	return i.Time().AppendFormat(b, time.RFC3339Nano)
}

// MarshalText writes RFC 3339.
func (i Instant) MarshalText() ([]byte, error) { return i.Append(nil), nil }

// UnmarshalText reads what MarshalText writes.
func (i *Instant) UnmarshalText(b []byte) error {
	switch string(b) {
	case "ever":
		*i = Ever
		return nil
	case "never":
		*i = Never
		return nil
	}
	v, err := ParseInstant(string(b))
	if err != nil {
		return err
	}
	*i = v
	return nil
}
