package report

import (
	"encoding/json"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/output"
)

// Grant is what a waiver says of itself.
type Grant struct {
	ID        string             `json:"id"`
	Requester string             `json:"requester,omitempty"`
	Approver  string             `json:"approver,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Approved  compliance.Instant `json:"approved"`
	Until     compliance.Instant `json:"until"`
	// Revoked is when it was taken back first; zero if it wasn't by then.
	Revoked compliance.Instant `json:"revoked,omitzero"`
}

func grantOf(id string, ev *compliance.Event, until compliance.Instant) Grant {
	text := func(field string) string {
		s, _ := ev.Data[field].(string)
		return s
	}
	return Grant{
		ID: id, Requester: text("requester"), Approver: text("approver"), Reason: text("reason"),
		Approved: ev.Time, Until: until,
	}
}

// Waiver is one that has an item in its scope, and whether it covers it.
type Waiver struct {
	Grant
	Event compliance.Evidence `json:"event"`
	// Covers: the item is waived by it. Why says in words why it isn't.
	Covers bool   `json:"covers"`
	Why    string `json:"why,omitempty"`
}

func waiverOf(w *oracle.Waiver) Waiver {
	grant := grantOf(w.ID, w.Event, w.Until)
	grant.Revoked = w.Revoked
	return Waiver{Grant: grant, Event: compliance.EvidenceOf(control.WaiverEvidence, w.Event), Covers: w.Covers, Why: whyNot[w.Why]}
}

// whyNot says in words why a waiver doesn't cover an item.
var whyNot = map[string]string{
	control.FlawSelfApproved:   "approved by who asked for it",
	control.FlawFieldNotRead:   "its scope names a field that the control doesn't read",
	control.FlawCompensating:   "it hangs on a compensating control that isn't known to have operated",
	oracle.WaiverApprovedAfter: "approved after the item",
	oracle.WaiverEnded:         "ended before the item",
	oracle.WaiverRevoked:       "taken back before the item",
	oracle.WaiverNotFirst:      "another one covers it already",
}

// state is what a table says of it.
func (w *Waiver) state() string {
	if w.Covers {
		return "covers it"
	}
	return w.Why
}

func waiverColumns() []output.Column[Waiver] {
	return []output.Column[Waiver]{
		{Head: "WAIVER", Cell: func(w Waiver) string { return w.ID }},
		{Head: "APPROVED", Cell: func(w Waiver) string { return w.Approved.String() }},
		{Head: "UNTIL", Cell: func(w Waiver) string { return w.Until.String() }},
		{Head: "REVOKED", Cell: func(w Waiver) string { return moment(w.Revoked) }},
		{Head: "REQUESTER", Cell: func(w Waiver) string { return w.Requester }},
		{Head: "APPROVER", Cell: func(w Waiver) string { return w.Approver }},
		{Head: "STATE", Cell: func(w Waiver) string { return w.state() }},
		{Head: "REASON", Cell: func(w Waiver) string { return w.Reason }},
	}
}

// sayWaiver says who accepted the deviation.
func (e *Explained) sayWaiver(t *printer) {
	if e.Verdict.Outcome != compliance.Waived {
		return
	}
	for i := range e.Again.Waivers {
		if w := &e.Again.Waivers[i]; w.Covers {
			t.say("waived by %s, approved by %s at %s until %s: %s\n", w.ID, w.Approver, w.Approved, w.Until, w.Reason)
		}
	}
}

// Accepted is a waiver that was in force in a period.
type Accepted struct {
	Grant
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
	ev := &compliance.Event{Source: r.Source, ID: r.ID, Type: r.Type, Time: instant(r.Time)}
	if json.Unmarshal([]byte(r.Data), &ev.Data) != nil {
		return nil
	}
	return ev
}

// accepted are the waivers of c that were in force in the period. Rows are in the
// order of time.
func accepted(c *control.Control, rows []waiverRow, p Period) (list []Accepted) {
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
				Grant: grantOf(says.ID, ev, says.Until), Items: int64(rows[i].Items), Why: whyNot[says.Flaw],
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
