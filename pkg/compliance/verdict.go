package compliance

// Outcome is what a control says about one item.
type Outcome string

// The outcomes.
const (
	Pending       Outcome = "pending"
	Pass          Outcome = "pass"
	Deviation     Outcome = "deviation"
	Waived        Outcome = "waived"
	NotApplicable Outcome = "not_applicable"
	Inconclusive  Outcome = "inconclusive"
	// Withdrawn is said of an item that is no longer in the population.
	Withdrawn Outcome = "withdrawn"
)

// Outcomes lists all of them, in the order in which reports show them.
func Outcomes() []Outcome {
	return []Outcome{Pass, Deviation, Waived, Inconclusive, NotApplicable, Pending, Withdrawn}
}

// Result is what a period says of a control. It is never the auditor's conclusion.
type Result string

// The results.
const (
	OperatedWithoutDeviation Result = "operated_without_deviation"
	OperatedWithDeviations   Result = "operated_with_deviations"
	// DidNotOccur needs an empty population that is proven complete. It is not a pass.
	DidNotOccur           Result = "did_not_occur"
	NotEvaluable          Result = "not_evaluable"
	OperatedOutsidePeriod Result = "operated_outside_period"
)

// Item is one member of a control's population.
type Item struct {
	// ID is stable: the same occurrence has the same id for ever.
	ID   string  `json:"id"`
	Time Instant `json:"time"`
}

// Evidence names one event that decides an item.
type Evidence struct {
	// Expectation is the name in the control that the event met; "item" for
	// the event that opened the item.
	Expectation string  `json:"expectation"`
	Source      string  `json:"source"`
	ID          string  `json:"id"`
	Type        string  `json:"type"`
	Time        Instant `json:"time"`
	Topic       string  `json:"topic"`
	Partition   int32   `json:"partition"`
	Offset      int64   `json:"offset"`
	SHA256      Hash    `json:"sha256"`
}

// EvidenceOf names e as evidence for an expectation.
func EvidenceOf(expectation string, e *Event) Evidence {
	return Evidence{
		Expectation: expectation,
		Source:      e.Source, ID: e.ID, Type: e.Type, Time: e.Time,
		Topic: e.Ref.Topic, Partition: e.Ref.Partition, Offset: e.Ref.Offset, SHA256: e.Ref.SHA256,
	}
}

// Verdict is what a control says about an item at some watermark. It is a
// function of the control, the item and the admitted events alone.
type Verdict struct {
	Item    Item    `json:"item"`
	Outcome Outcome `json:"outcome"`
	// Reason is a stable code, one of the control's `reasons` or of the
	// engine's own (Reason… in this package); empty for a pass.
	Reason   string     `json:"reason,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
	// Due is the item's deadline: the latest end of the intervals known so far.
	Due Instant `json:"due"`
	// RemediatedAt is when late evidence came that the control accepts as
	// remedy; zero if none did. It never changes the outcome.
	RemediatedAt Instant `json:"remediated_at,omitzero"`
}

// Reasons that the engine gives itself, beside a control's own codes.
const (
	ReasonAssertionFalse = "assertion_false"
	ReasonSourceSilent   = "source_silent"
	// ReasonNoHistory: evidence may lie before what was read for this version of the control.
	ReasonNoHistory       = "no_history"
	ReasonEvidenceError   = "evidence_error"
	ReasonAwaitingEvents  = "awaiting_evidence"
	ReasonDoesNotApply    = "does_not_apply"
	ReasonNoParts         = "no_parts"
	ReasonCancelled       = "cancelled"
	ReasonTooMuchEvidence = "too_much_evidence"
	ReasonPopulationError = "population_error"
	// ReasonConflictingEvidence: bodies of one event disagree on whether it belongs.
	ReasonConflictingEvidence = "conflicting_evidence"
)

// Same says whether v and o differ in nothing that a revision is written for.
func (v *Verdict) Same(o *Verdict) bool {
	if v.Outcome != o.Outcome || v.Reason != o.Reason || v.RemediatedAt != o.RemediatedAt ||
		v.Item != o.Item || len(v.Evidence) != len(o.Evidence) {
		return false
	}
	for i := range v.Evidence {
		a, b := &v.Evidence[i], &o.Evidence[i]
		if a.Expectation != b.Expectation || a.Source != b.Source || a.ID != b.ID || a.SHA256 != b.SHA256 {
			return false
		}
	}
	return true
}

// Previous is what the revision before said, so that counts can be corrected
// without looking it up.
type Previous struct {
	Outcome  Outcome `json:"outcome"`
	Reason   string  `json:"reason,omitempty"`
	ItemTime Instant `json:"item_time"`
	// RemediatedAt as in Verdict.
	RemediatedAt Instant `json:"remediated_at,omitzero"`
}

// Revision is a verdict as published: the n-th thing that was said about an item.
type Revision struct {
	Tenant  string `json:"tenant"`
	Control string `json:"control"`
	// RuleHash identifies the control's meaning, Bundle the whole rule set.
	RuleHash string `json:"rule_hash"`
	Bundle   string `json:"bundle"`
	// Number counts 1, 2, … per item without gaps.
	Number   int       `json:"revision"`
	Verdict            // item, outcome, reason, evidence, due, remediated_at
	KnownAt  Instant   `json:"known_at"`
	FinalAt  Instant   `json:"final_at"`
	Previous *Previous `json:"previous,omitempty"`
}
