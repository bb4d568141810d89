package publisher

import (
	"strconv"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// Controls knows the words that go with a control.
type Controls interface {
	// Describe gives them; false for a control that the bundle doesn't have.
	Describe(control string) (Words, bool)
}

// Words are what alerting shows of a control.
type Words struct {
	Title    string
	Severity string
	Criteria []string
}

// unknownSeverity is of a verdict whose control has left the bundle.
const unknownSeverity = "unknown"

// Violation is what a revision means to alerting; nil if it means nothing. It
// needs nothing but the revision, since that carries what was said before.
func Violation(rev *compliance.Revision, controls Controls) *record.Violation {
	change, ok := changeOf(rev)
	if !ok {
		return nil
	}
	words, known := controls.Describe(rev.Control)
	if !known {
		words = Words{Title: rev.Control, Severity: unknownSeverity}
	}
	episode := record.ItemKey(rev.Tenant, rev.Control, rev.Item.ID)
	return &record.Violation{
		Schema: record.ViolationSchema, ID: episode + "#" + strconv.Itoa(rev.Number), Episode: episode,
		Change: change, Severity: words.Severity, Title: words.Title, Criteria: words.Criteria,
		Supersedes: rev.Number - 1, Verdict: *rev,
	}
}

// changeOf compares what is said with what was said.
func changeOf(rev *compliance.Revision) (record.Change, bool) {
	is := rev.Outcome == compliance.Deviation
	was := rev.Previous != nil && rev.Previous.Outcome == compliance.Deviation
	switch {
	case is && !was:
		return record.Opened, true
	case !is && was:
		return record.Corrected, true
	case is && rev.RemediatedAt != 0 && rev.Previous.RemediatedAt == 0:
		return record.Remediated, true
	case is:
		return record.Updated, true
	}
	return "", false
}
