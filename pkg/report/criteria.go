package report

import (
	"cmp"
	"slices"
	"strings"
)

// criteria says in a few words of our own what each Trust Services Criterion is about, in
// their order. The criteria's text is the AICPA's and isn't given here.
var criteria = []struct{ id, about string }{
	{"CC1.1", "Ethics and integrity"},
	{"CC1.2", "Oversight by the board"},
	{"CC1.3", "Structures and authorities"},
	{"CC1.4", "Competence of people"},
	{"CC1.5", "Accountability"},
	{"CC2.1", "Information of good quality"},
	{"CC2.2", "Communication inside"},
	{"CC2.3", "Communication with others"},
	{"CC3.1", "Objectives"},
	{"CC3.2", "Identification of risks"},
	{"CC3.3", "Risk of fraud"},
	{"CC3.4", "Risk from change"},
	{"CC4.1", "Evaluation of controls"},
	{"CC4.2", "Deficiencies are told"},
	{"CC5.1", "Choice of control activities"},
	{"CC5.2", "General controls over technology"},
	{"CC5.3", "Policies and procedures"},
	{"CC6.1", "Logical access"},
	{"CC6.2", "Registration and authorisation of users"},
	{"CC6.3", "Access by role: given, changed, removed"},
	{"CC6.4", "Physical access"},
	{"CC6.5", "Disposal of assets"},
	{"CC6.6", "Threats from outside the boundary"},
	{"CC6.7", "Movement of data"},
	{"CC6.8", "Unauthorised software"},
	{"CC7.1", "Detection of configuration faults and vulnerabilities"},
	{"CC7.2", "Monitoring for anomalies"},
	{"CC7.3", "Evaluation of events"},
	{"CC7.4", "Response to incidents"},
	{"CC7.5", "Recovery from incidents"},
	{"CC8.1", "Management of changes"},
	{"CC9.1", "Risk of disruption"},
	{"CC9.2", "Vendors and partners"},
	{"A1.1", "Capacity"},
	{"A1.2", "Environment, backup and recovery"},
	{"A1.3", "Tests of recovery"},
	{"PI1.1", "Definitions of processing"},
	{"PI1.2", "Inputs"},
	{"PI1.3", "Processing"},
	{"PI1.4", "Outputs"},
	{"PI1.5", "Storage"},
	{"C1.1", "Confidential information is identified and kept"},
	{"C1.2", "Confidential information is disposed of"},
	{"P1.1", "Notice"},
	{"P2.1", "Choice and consent"},
	{"P3.1", "Collection"},
	{"P3.2", "Explicit consent"},
	{"P4.1", "Use"},
	{"P4.2", "Retention"},
	{"P4.3", "Disposal of personal information"},
	{"P5.1", "Access by the person"},
	{"P5.2", "Correction"},
	{"P6.1", "Disclosure with consent"},
	{"P6.2", "Record of authorised disclosures"},
	{"P6.3", "Record of unauthorised disclosures"},
	{"P6.4", "Commitments of third parties"},
	{"P6.5", "Notice of incidents by third parties"},
	{"P6.6", "Notice of breaches"},
	{"P6.7", "Accounting to persons"},
	{"P7.1", "Quality of personal information"},
	{"P8.1", "Complaints and monitoring"},
}

func criterionAbout(id string) string {
	for _, c := range criteria {
		if c.id == id {
			return c.about
		}
	}
	return ""
}

// criterionLine is a criterion with a control that is mapped to it.
type criterionLine struct {
	id, about string
	control   *Control
	// first says that no criterion before has the control.
	first bool
}

// byCriterion lists criteria in their order, each with its controls.
func (r *Report) byCriterion() (lines []criterionLine) {
	told := map[string]bool{}
	for _, id := range r.criteriaUsed() {
		for i := range r.Controls {
			c := &r.Controls[i]
			if slices.Contains(c.Criteria, id) {
				lines = append(lines, criterionLine{id, criterionAbout(id), c, !told[c.ID]})
				told[c.ID] = true
			}
		}
	}
	return lines
}

func (r *Report) criteriaUsed() (used []string) {
	for i := range r.Controls {
		used = append(used, r.Controls[i].Criteria...)
	}
	place := func(id string) int {
		return slices.IndexFunc(criteria, func(c struct{ id, about string }) bool { return c.id == id })
	}
	slices.SortFunc(used, func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b)) })
	return slices.Compact(used)
}
