package control

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var durationPart = regexp.MustCompile(`^([0-9]+)(ms|d|h|m|s)`)

var durationUnits = map[string]time.Duration{
	"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond,
}

// ParseDuration reads durations such as 30d, 1h30m, 0s, -14d. A day is 24 hours
// elapsed, not a calendar day.
func ParseDuration(s string) (time.Duration, error) {
	rest, negative := strings.CutPrefix(s, "-")
	if rest == "" {
		return 0, errors.New("a duration is missing, such as 15m or -30d")
	}
	var total time.Duration
	for rest != "" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, fmt.Errorf("%q is no duration; units are d, h, m, s and ms, such as 1h30m", s)
		}
		n, err := strconv.ParseInt(m[1], 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%q is too long a duration", s)
		}
		total += time.Duration(n) * durationUnits[m[2]]
		if total < 0 || total > MaxDuration {
			return 0, fmt.Errorf("%q is longer than %d days", s, MaxDuration/(24*time.Hour))
		}
		rest = rest[len(m[0]):]
	}
	if negative {
		total = -total
	}
	return total, nil
}

// MaxDuration bounds every interval, so that state is bounded.
const MaxDuration = 3660 * 24 * time.Hour
