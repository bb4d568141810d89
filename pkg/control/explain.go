package control

import (
	"fmt"
	"strings"
	"time"
)

// Explanation is what a control was understood as, for whoever wrote it.
type Explanation struct {
	Control    string `json:"control"`
	File       string `json:"file"`
	Population string `json:"population"`
	// Key are the fields of the item that its evidence is joined by.
	Key string `json:"key"`
	// Items is how long after its time an item's state is kept, Evidence how long
	// after its own time evidence waits for an item, Tables what is kept for ever.
	Items    string `json:"items"`
	Evidence string `json:"evidence"`
	Tables   string `json:"tables,omitempty"`
	// Meaning is the semantic hash: it moves if a verdict may.
	Meaning string `json:"meaning"`
}

// Explain says what the control holds in state, and for how long.
func (c *Control) Explain() Explanation {
	x := Explanation{Control: c.ID, File: c.File, Population: strings.Join(c.Population.Types, ", "), Key: "the item's id", Meaning: c.Meaning}
	var keys []string
	for _, k := range c.Key {
		keys = append(keys, "item."+k.String())
	}
	if len(keys) > 0 {
		x.Key = strings.Join(keys, ", ")
	}
	x.Items = FormatDuration(c.Horizon() + c.CorrectUntil)
	if s := c.Population.Schedule; s != nil {
		from := "boundary."
		if s.ForEach.InRefs {
			from = "refs."
		}
		x.Population = fmt.Sprintf("every %s (%s) for each of %s%s", s.Every, s.Zone, from, s.ForEach.Name)
		x.Items = c.afterPeriod()
	}
	x.Evidence = FormatDuration(max(c.Lookback(), c.CorrectUntil) + c.CorrectUntil)
	var tables []string
	for _, t := range c.Tables {
		tables = append(tables, "refs."+t.Name)
	}
	x.Tables = strings.Join(tables, ", ")
	return x
}

// afterPeriod is the horizon of a schedule's items, counted from the slot's end
// if one of its intervals ends there.
func (c *Control) afterPeriod() string {
	const slot = 366 * 24 * time.Hour
	if h := c.Horizon(); h >= slot/2 && c.endsWithPeriod() {
		return "period + " + FormatDuration(max(h-slot, 0)+c.CorrectUntil)
	}
	return FormatDuration(c.Horizon() + c.CorrectUntil)
}

func (c *Control) endsWithPeriod() bool {
	for _, e := range c.Expectations {
		if e.Between.To.Anchor == AnchorPeriod {
			return true
		}
	}
	return false
}

// FormatDuration writes what ParseDuration reads, such as 30d or 1h30m.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for _, unit := range []string{"d", "h", "m", "s", "ms"} {
		if n := d / durationUnits[unit]; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit)
			d %= durationUnits[unit]
		}
	}
	return b.String()
}
