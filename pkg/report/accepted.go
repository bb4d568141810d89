package report

import (
	"encoding/json"
	"slices"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Accepted is a waiver that was in force in a period.
type Accepted struct {
	explain.Grant
	// Items counts those of the period that it covers.
	Items int64 `json:"items"`
	// Why says why it covers none whatever happens, if so.
	Why string `json:"why,omitempty"`
}

type waiverRow struct {
	Control string    `ch:"control"`
	Type    string    `ch:"type"`
	Source  string    `ch:"source"`
	ID      string    `ch:"id"`
	Time    time.Time `ch:"time"`
	Data    string    `ch:"data"`
	Items   uint64    `ch:"items"`
}

// event is as much of it as a control reads; nil if it is no JSON.
func (r *waiverRow) event() *compliance.Event {
	ev := &compliance.Event{Source: r.Source, ID: r.ID, Type: r.Type, Time: ask.Instant(r.Time)}
	if json.Unmarshal([]byte(r.Data), &ev.Data) != nil {
		return nil
	}
	return ev
}

// accepted are the waivers of c that were in force in the period. Rows are in the
// order of time.
func accepted(c *control.Control, rows []waiverRow, p ask.Period) (list []Accepted) {
	for i := range rows {
		ev := rows[i].event()
		if ev == nil {
			continue
		}
		switch says := c.WaiverOf(ev); {
		case says == nil:
		case says.Revokes:
			for k := range list {
				if list[k].ID == says.ID && list[k].Revoked == 0 {
					list[k].Revoked = ev.Time
				}
			}
		default:
			list = append(list, Accepted{
				Grant: explain.GrantOf(says.ID, ev, says.Until), Items: int64(rows[i].Items), Why: explain.WhyNot[says.Flaw],
			})
		}
	}
	return slices.DeleteFunc(list, func(w Accepted) bool {
		return w.Until <= p.From || w.Revoked != 0 && w.Revoked <= p.From
	})
}

// waiverLine is a waiver with its control.
type waiverLine struct {
	control string
	Accepted
}

func (r *Report) waiverLines() (lines []waiverLine) {
	for i := range r.Controls {
		for _, w := range r.Controls[i].Waivers {
			lines = append(lines, waiverLine{r.Controls[i].ID, w})
		}
	}
	return lines
}
