package control

import "time"

// Horizon is how long after its time an item may still change on time, as far as
// it is known before evidence arrives; it bounds state.
func (c *Control) Horizon() time.Duration {
	var longest time.Duration
	for _, e := range c.Expectations {
		longest = max(longest, c.reach(e.Between.To)+e.within(), e.Remedy+e.within())
		if e.Unless != nil {
			longest = max(longest, undoing(e.Unless.Between.To, e.Between.To, c.reach))
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

func (c *Control) reach(b Bound) time.Duration {
	d := b.Offset
	if b.Days > 0 {
		d = b.span
	}
	switch b.Anchor {
	case AnchorPeriod:
		d += 366 * 24 * time.Hour
	case AnchorExpectation:
		d += c.reach(c.Expectations[b.Of].Between.To)
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
