package control

import "time"

// longestSlot is a year with a leap day.
const longestSlot = 366 * 24 * time.Hour

// Horizon is how long after its time an item may still change on time, as far as
// it is known before evidence arrives; it bounds state.
func (c *Control) Horizon() time.Duration { return c.HorizonOf(longestSlot) }

// HorizonOf is the horizon of an item whose slot is so long.
func (c *Control) HorizonOf(slot time.Duration) time.Duration {
	var longest time.Duration
	for _, e := range c.Expectations {
		longest = max(longest, c.reach(e, e.Between.To, slot), e.Remedy)
		if e.Unless != nil {
			longest = max(longest, c.reach(e, e.Unless.Between.To, slot))
		}
	}
	return longest
}

// reach is how long after the item an end of e, or of its unless, may lie.
func (c *Control) reach(e *Expectation, b Bound, slot time.Duration) time.Duration {
	d := b.Offset
	if b.Days > 0 {
		d = b.span
	}
	switch b.Anchor {
	case AnchorPeriod:
		d += slot
	case AnchorExpectation:
		of := c.Expectations[b.Of]
		d += c.reach(of, of.Between.To, slot)
	case AnchorCandidate:
		d += c.reach(e, e.Between.To, slot)
	case AnchorComputed:
		d = b.Cap
	case AnchorItem:
	}
	return d
}

// Lookback is how long before an item evidence about it may lie.
func (c *Control) Lookback() time.Duration {
	var longest time.Duration
	for _, e := range c.Expectations {
		longest = max(longest, c.back(e, e.Between.From))
		if e.Unless != nil {
			longest = max(longest, c.back(e, e.Unless.Between.From))
		}
	}
	return longest
}

func (c *Control) back(e *Expectation, b Bound) time.Duration {
	d := -b.Offset
	if b.Days < 0 {
		d = b.span
	}
	switch b.Anchor {
	case AnchorPeriod:
		d = max(d, 0)
	case AnchorExpectation:
		of := c.Expectations[b.Of]
		d += max(0, c.back(of, of.Between.From))
	case AnchorCandidate:
		d += max(0, c.back(e, e.Between.From))
	case AnchorComputed:
		d = b.Cap
	case AnchorItem:
	}
	return d
}
