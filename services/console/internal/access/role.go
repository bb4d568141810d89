// Package access says who may see what in the console: roles, what each may do, the
// tenants of a viewer, and the periods that bound an auditor.
//
// It decides and keeps nothing. Who somebody is, package login finds out; the answer
// travels as a Viewer in the context of a request, and everything that reads for the
// request asks it: which tenant, which window, which action.
package access

import "slices"

// Role is what somebody is to the company whose controls are shown.
type Role string

// The roles.
const (
	// Engineer runs the systems that the controls are about, and repairs.
	Engineer Role = "engineer"
	// Approver owns controls, and answers for their deviations.
	Approver Role = "approver"
	// Auditor examines periods, from outside. What an auditor reads is recorded.
	Auditor Role = "auditor"
	// Admin runs Assay itself.
	Admin Role = "admin"
)

// Roles lists them all.
func Roles() []Role { return []Role{Engineer, Approver, Auditor, Admin} }

// Action is something that a role may do or not. All but two are reads: what is written are
// the words of auditors and the entity in a workspace, and nothing else.
type Action string

// The actions.
const (
	// ReadSelf shows who one is.
	ReadSelf Action = "self"
	// ReadControls shows the rules and their counts by day.
	ReadControls Action = "controls"
	// ReadItems shows verdicts and violations, and why.
	ReadItems Action = "items"
	// ReadEvents shows events as they stand in the log.
	ReadEvents Action = "events"
	// ReadReports shows the report of a period.
	ReadReports Action = "reports"
	// ReadSources shows the declared sources and when they were silent.
	ReadSources Action = "sources"
	// ReadRefused shows what was no event, and events with two bodies.
	ReadRefused Action = "refused"
	// ReadDeliveries shows who was alerted of what.
	ReadDeliveries Action = "deliveries"
	// ReadHealth shows how far behind the pipeline is, for all tenants at once.
	ReadHealth Action = "health"
	// ReadWorkspace shows what auditors ask for, and what they share of their work.
	ReadWorkspace Action = "workspace"
	// Examine keeps an auditor's own work: requests, draws, tests, what is shared of them.
	Examine Action = "examine"
	// AnswerRequests answers what auditors ask for, for the entity.
	AnswerRequests Action = "answer"
)

// Actions lists them all.
func Actions() []Action {
	return []Action{
		ReadSelf, ReadControls, ReadItems, ReadEvents, ReadReports, ReadSources, ReadRefused, ReadDeliveries, ReadHealth,
		ReadWorkspace, Examine, AnswerRequests,
	}
}

// May says whether a role may do something. An unknown role may nothing.
func (r Role) May(a Action) bool {
	switch r {
	case Engineer, Admin:
		return a != Examine && slices.Contains(Actions(), a)
	case Approver:
		return a != ReadHealth && a != Examine && slices.Contains(Actions(), a)
	case Auditor:
		// Alerts and the machine's state are the company's own affairs, and so are its answers.
		return a != ReadHealth && a != ReadDeliveries && a != AnswerRequests && slices.Contains(Actions(), a)
	}
	return false
}
