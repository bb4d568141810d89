package control

import (
	"fmt"
	"slices"
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
	// Items is how long an item's state is kept after its time, or after its slot;
	// Evidence how long an event is kept after its own time. What has passed is
	// looked for four times in that span, so both may take a quarter more.
	Items    string `json:"items"`
	Evidence string `json:"evidence"`
	// Tables keep the last event of each key for ever, as long as its row is live.
	Tables string `json:"tables,omitempty"`
	// Together says that all at a key is kept until the last of it has passed: with
	// having, an event that opened nothing may come to.
	Together bool `json:"kept_together,omitempty"`
	// Expectations say how much may match, in their order.
	Expectations []Expected `json:"expectations,omitempty"`
	// Notes are what is sound and may still surprise.
	Notes []string `json:"notes,omitempty"`
	// Meaning is the semantic hash: it moves if a verdict may.
	Meaning string `json:"meaning"`
}

// Expected is what an expectation may hold of an item.
type Expected struct {
	Name  string   `json:"name"`
	Types []string `json:"events"`
	// Max is how many events may match before the item is inconclusive.
	Max int `json:"max"`
	// Fold says that they are counted, and none is named but the first.
	Fold bool `json:"fold,omitempty"`
}

// Explain says what the control holds in state, and for how long; correct is how
// late anything that it hangs on may come, CorrectUntil at least.
func (c *Control) Explain(correct time.Duration) Explanation {
	x := Explanation{
		Control: c.ID, File: c.File, Population: strings.Join(c.Population.Types, ", "), Key: "the item's id",
		Meaning: c.Meaning, Together: c.Population.Having != nil,
	}
	var keys []string
	for _, k := range c.Key {
		keys = append(keys, "item."+k.String())
	}
	if len(keys) > 0 {
		x.Key = strings.Join(keys, ", ")
	}
	x.Items = FormatDuration(c.HorizonOf(0) + correct)
	x.Evidence = FormatDuration(c.Keeps(correct))
	if s := c.Population.Schedule; s != nil {
		from := "boundary."
		if s.ForEach.InRefs {
			from = "refs."
		}
		x.Population = fmt.Sprintf("%s × %s%s", s.Every, from, s.ForEach.Name)
		if s.Zone != time.UTC {
			x.Population += " in " + s.Zone.String()
		}
		if c.endsWithPeriod() {
			x.Items = "period + " + x.Items
		}
	}
	var tables []string
	for _, t := range c.Tables {
		tables = append(tables, "refs."+t.Name)
	}
	x.Tables = strings.Join(tables, ", ")
	for _, e := range c.Expectations {
		x.Expectations = append(x.Expectations, Expected{Name: e.Name, Types: e.Types, Max: e.Max, Fold: len(e.Folds) > 0})
	}
	return x
}

// Keeps is how long an event is kept after its own time: until no item that may still
// be opened, or changed, looks back to it, by any version.
func (c *Control) Keeps(correct time.Duration) time.Duration {
	return max(c.Longest((*Control).Lookback), c.CorrectUntil) + c.Longest((*Control).Horizon) + correct
}

func (c *Control) endsWithPeriod() bool {
	return slices.ContainsFunc(c.Expectations, func(e *Expectation) bool {
		return e.Between.To.Anchor == AnchorPeriod || e.unlessBetween().To.Anchor == AnchorPeriod
	})
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
