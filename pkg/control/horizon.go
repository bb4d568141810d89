package control

import "time"

// Horizon is how long after its time an item may still change on time, as far as
// it is known before evidence arrives; it bounds state.
func (c *Control) Horizon() time.Duration {
	if c.Population.Schedule == nil {
		return c.HorizonOf(0)
	}
	return c.HorizonOf(slotUnits[c.Population.Schedule.Every].longest)
}

// HorizonOf is the horizon of an item whose slot is so long.
func (c *Control) HorizonOf(slot time.Duration) time.Duration {
	var longest time.Duration
	if k := c.Population.Clock; k != nil { // an earlier event may still come to open it
		longest = k.Within
	}
	reach := func(b Bound) time.Duration { return c.reach(b, slot) }
	for _, e := range c.Expectations {
		longest = max(longest, reach(e.Between.To)+e.within()+e.settling(), e.Remedy+e.within()+e.settling())
		if e.Unless != nil {
			longest = max(longest, undoing(e.Unless.Between.To, e.Between.To, reach))
		}
	}
	return longest
}

// undoing is how far an end of what undoes candidates may lie from the item, where
// they lie as far as of.
func undoing(end, of Bound, far func(Bound) time.Duration) time.Duration {
	if end.Anchor == AnchorCandidate {
		return far(end) + max(0, far(of))
	}
	return far(end)
}

func (c *Control) reach(b Bound, slot time.Duration) time.Duration {
	d := b.Offset
	if b.Days > 0 {
		d = b.span
	}
	switch b.Anchor {
	case AnchorPeriod:
		d += slot
	case AnchorExpectation:
		d += c.reach(c.Expectations[b.Of].Between.To, slot)
	case AnchorComputed:
		d = b.Cap
	case AnchorItem, AnchorCandidate:
	}
	return d
}

// Lookback is how long before an item evidence about it may lie.
func (c *Control) Lookback() time.Duration {
	var longest time.Duration
	for _, e := range c.Expectations {
		longest = max(longest, c.back(e.Between.From)+e.within())
		if e.Unless != nil {
			longest = max(longest, undoing(e.Unless.Between.From, e.Between.From, c.back))
		}
	}
	return longest
}

func (c *Control) back(b Bound) time.Duration {
	d := -b.Offset
	if b.Days < 0 {
		d = b.span
	}
	switch b.Anchor {
	case AnchorPeriod:
		d = max(d, 0)
	case AnchorExpectation:
		d += max(0, c.back(c.Expectations[b.Of].Between.From))
	case AnchorComputed:
		d = b.Cap
	case AnchorItem, AnchorCandidate:
	}
	return d
}
