package explain

import (
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

// GrantOf is what the event that granted a waiver says.
func GrantOf(id string, ev *compliance.Event, until compliance.Instant) Grant {
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
	grant := GrantOf(w.ID, w.Event, w.Until)
	grant.Revoked = w.Revoked
	return Waiver{Grant: grant, Event: compliance.EvidenceOf(control.WaiverEvidence, w.Event), Covers: w.Covers, Why: WhyNot[w.Why]}
}

// WhyNot says in words why a waiver doesn't cover an item.
var WhyNot = map[string]string{
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
		{Head: "REVOKED", Cell: func(w Waiver) string { return output.Moment(w.Revoked) }},
		{Head: "REQUESTER", Cell: func(w Waiver) string { return w.Requester }},
		{Head: "APPROVER", Cell: func(w Waiver) string { return w.Approver }},
		{Head: "STATE", Cell: func(w Waiver) string { return w.state() }},
		{Head: "REASON", Cell: func(w Waiver) string { return w.Reason }},
	}
}

// sayWaiver says who accepted the deviation.
func (e *Explained) sayWaiver(t *output.Printer) {
	if e.Verdict.Outcome != compliance.Waived {
		return
	}
	for i := range e.Again.Waivers {
		if w := &e.Again.Waivers[i]; w.Covers {
			t.Say("waived by %s, approved by %s at %s until %s: %s\n", w.ID, w.Approver, w.Approved, w.Until, w.Reason)
		}
	}
}
