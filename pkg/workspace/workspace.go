// Package workspace keeps what auditors ask for, draw, test and conclude in an
// engagement, and what the entity answers: people's own words, beside what Assay says and
// never among it.
//
// It guarantees:
//   - Nothing is overwritten. Each change is a row of its own, with its version, who made
//     it and when.
//   - Of two changes from the same version one is kept, and whoever made the other is told
//     so (compliance.Conflict). No change is lost unseen.
//   - Only auditors ask, draw, test and share. The entity reads requests and answers them.
//     Of samples and tests it sees what an auditor has shared, and changes none.
//   - A sample is named by what its draw follows from, and can be drawn again.
//   - Every read and every write is about one tenant.
//
// docs/formats/workspace.md says what is kept, and how it is exported.
package workspace

import (
	"encoding/json"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/sampling"
)

// Schema names the version of Workspace as JSON.
const Schema = "workspace/v1"

// Person is who reads or writes.
type Person struct {
	Name, Role string
	// Auditor says that it is one; everybody else is of the entity.
	Auditor bool
}

// Mark is which version of a thing this is, and who made it when.
type Mark struct {
	Version uint32             `json:"version"`
	By      string             `json:"by"`
	Role    string             `json:"role"`
	At      compliance.Instant `json:"at"`
}

// Engagement is what an auditor was engaged for: a name and a period [From, To).
type Engagement struct {
	Name string             `json:"name"`
	From compliance.Instant `json:"from"`
	To   compliance.Instant `json:"to"`
	Mark
}

// Period is that of the engagement.
func (e *Engagement) Period() ask.Period {
	return ask.Period{Label: e.From.String() + "/" + e.To.String(), From: e.From, To: e.To}
}

// State is where a request stands.
type State string

// The states of requests.
const (
	Open     State = "open"
	Answered State = "answered"
	Closed   State = "closed"
)

// Request is something that an auditor asks of the entity.
type Request struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	// Control is what it is about; may be empty.
	Control string `json:"control,omitempty"`
	// Due is a day, such as 2026-10-15; may be empty.
	Due   string `json:"due,omitempty"`
	State State  `json:"state"`
	// Answer is the entity's last one, by whom and when.
	Answer     string             `json:"answer,omitempty"`
	AnsweredBy string             `json:"answered_by,omitempty"`
	AnsweredAt compliance.Instant `json:"answered_at,omitzero"`
	Mark
}

// Overdue says whether a request is open after its day.
func (r *Request) Overdue(now compliance.Instant) bool {
	return r.State == Open && r.Due != "" && now.String()[:len(r.Due)] > r.Due
}

// Result is what an auditor says of an item, or of one attribute of it.
type Result string

// The results.
const (
	Untested      Result = "open"
	NoException   Result = "no_exception"
	Exception     Result = "exception"
	NotApplicable Result = "not_applicable"
)

// Results lists them all.
func Results() []Result { return []Result{Untested, NoException, Exception, NotApplicable} }

// Share is how much of a sample the entity may see.
type Share string

// What may be shared: nothing, which items were drawn, or the tests as well.
const (
	ShareNothing Share = "nothing"
	ShareItems   Share = "items"
	ShareTests   Share = "tests"
)

// Shares lists them all.
func Shares() []Share { return []Share{ShareNothing, ShareItems, ShareTests} }

// Attribute is one thing that is tested of each item: a letter, and what it stands for in
// the firm's words.
type Attribute struct {
	Letter string `json:"letter"`
	Text   string `json:"text"`
}

// Sample is a draw that an auditor made, with all that it follows from.
type Sample struct {
	ID        string             `json:"id"`
	Control   string             `json:"control"`
	From      compliance.Instant `json:"from"`
	To        compliance.Instant `json:"to"`
	AsOf      compliance.Instant `json:"as_of"`
	Plan      *sampling.Plan     `json:"plan"`
	Frequency sampling.Frequency `json:"frequency"`
	// Said is the frequency that was asked for; empty if it follows from the control.
	Said             sampling.Frequency `json:"frequency_said,omitempty"`
	Stratum          string             `json:"stratified_by,omitempty"`
	PopulationSize   int                `json:"population_size"`
	PopulationSHA256 compliance.Hash    `json:"population_sha256"`
	Strata           []Stratum          `json:"strata"`
	Items            []Item             `json:"items"`
	Attributes       []Attribute        `json:"attributes"`
	Share            Share              `json:"share"`
	// TestsHidden says that there may be tests which whoever reads this doesn't see.
	TestsHidden bool `json:"tests_hidden,omitempty"`
	Mark
}

// Stratum is a part of the population, with the seed of its draw.
type Stratum struct {
	Name   string          `json:"name,omitempty"`
	Size   int             `json:"size"`
	SHA256 compliance.Hash `json:"sha256"`
	Seed   compliance.Hash `json:"seed"`
}

// Item is one that was drawn, and how it was tested, if it was.
type Item struct {
	ID       string             `json:"id"`
	Time     compliance.Instant `json:"time"`
	Stratum  string             `json:"stratum,omitempty"`
	Run      int                `json:"run"`
	Position int                `json:"position"`
	Test     *Test              `json:"test,omitempty"`
}

// Test is what an auditor did with an item and concluded: the auditor's own words.
type Test struct {
	Result     Result            `json:"result"`
	Attributes map[string]Result `json:"attributes,omitempty"`
	Note       string            `json:"note,omitempty"`
	Mark
}

// Tested counts the items that an auditor has given a result.
func (s *Sample) Tested() (n int) {
	for i := range s.Items {
		if t := s.Items[i].Test; t != nil && t.Result != Untested {
			n++
		}
	}
	return n
}

// Item is one of the sample, nil if it isn't.
func (s *Sample) Item(id string) *Item {
	for i := range s.Items {
		if s.Items[i].ID == id {
			return &s.Items[i]
		}
	}
	return nil
}

// Workspace is that of one engagement, as it is.
type Workspace struct {
	Schema     string     `json:"schema"`
	Tenant     string     `json:"tenant"`
	Note       string     `json:"note"`
	Engagement Engagement `json:"engagement"`
	Requests   []Request  `json:"requests"`
	Samples    []Sample   `json:"samples"`

	changes []Change
}

// Theirs is said beside whatever of a workspace leaves it.
const Theirs = "What is requested, tested and concluded here is the auditors' own. Assay keeps it, and makes none of its results of it."

// Change is one row of the history.
type Change struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Mark
	Body json.RawMessage `json:"body"`
}

// Request is one of the workspace.
func (w *Workspace) Request(id string) (*Request, error) {
	for i := range w.Requests {
		if w.Requests[i].ID == id {
			return &w.Requests[i], nil
		}
	}
	return nil, errMissing
}

// Sample is one of the workspace.
func (w *Workspace) Sample(id string) (*Sample, error) {
	for i := range w.Samples {
		if w.Samples[i].ID == id {
			return &w.Samples[i], nil
		}
	}
	return nil, errMissing
}

// History is every change, the latest first.
func (w *Workspace) History() []Change { return w.changes }

var errMissing = compliance.Errorf(compliance.NotFound, "there is no such thing in this workspace, or you may not see it")
