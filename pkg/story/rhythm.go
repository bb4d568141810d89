package story

import (
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// rhythm says how many occurrences a day has, on average, and how they lie in
// its hours.
type rhythm struct {
	weekday, weekend float64
	// hours are weights; an hour of weight 0 has no occurrence.
	hours [24]int
}

func officeHours() [24]int {
	return [24]int{7: 2, 8: 6, 9: 9, 10: 10, 11: 9, 12: 5, 13: 8, 14: 10, 15: 10, 16: 7, 17: 3}
}

func aroundTheClock() [24]int {
	return [24]int{
		3, 2, 2, 2, 2, 3, 5, 8, 12, 15, 16, 15, 13, 14, 16, 17, 16, 14, 11, 9, 7, 6, 5, 4,
	}
}

// occurrences draws the times of [from, to), sorted.
func (s *scene) occurrences(from, to compliance.Instant, r rhythm) []compliance.Instant {
	var times []compliance.Instant
	for d := from; d < to; d = d.Add(day) {
		for range s.howMany(r.rate(d)) {
			times = append(times, s.timeOfDay(d, r.hours))
		}
	}
	slices.Sort(times)
	return times
}

func (r rhythm) rate(d compliance.Instant) float64 {
	if weekend(d) {
		return r.weekend
	}
	return r.weekday
}

func weekend(d compliance.Instant) bool {
	wd := d.Time().Weekday()
	return wd == time.Saturday || wd == time.Sunday
}

// howMany varies a rate by a fifth and rounds it by chance.
func (s *scene) howMany(rate float64) int {
	rate *= 0.8 + 0.4*s.rng.Float64()
	n := int(rate)
	if s.rng.Float64() < rate-float64(n) {
		n++
	}
	return n
}

func (s *scene) timeOfDay(d compliance.Instant, hours [24]int) compliance.Instant {
	total := 0
	for _, weight := range hours {
		total += weight
	}
	at := s.rng.IntN(total)
	for hour, weight := range hours {
		if at < weight {
			return d.Add(time.Duration(hour)*time.Hour + s.between(0, time.Hour))
		}
		at -= weight
	}
	return d
}
