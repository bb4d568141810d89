package controltest

import (
	"assay.example/assay/pkg/compliance"
)

// Coverage says what of a control the cases expect somewhere.
type Coverage struct {
	Control string `json:"control"`
	File    string `json:"file"`
	Cases   int    `json:"cases"`
	// Missing are outcomes and reasons that the control can give and no case
	// expects: "outcome pending", "reason no_approval".
	Missing []string `json:"missing"`
}

// Complete says whether every control is covered.
func (r *Report) Complete() bool {
	for _, c := range r.Coverage {
		if len(c.Missing) > 0 {
			return false
		}
	}
	return true
}

// reached are the outcomes and reasons that cases name. What a verdict has but no
// case names is not reached: nobody would notice its change.
type reached struct {
	outcomes map[compliance.Outcome]bool
	reasons  map[string]bool
}

func newReached() *reached {
	return &reached{map[compliance.Outcome]bool{}, map[string]bool{}}
}

func (r *reached) note(c *testcase) {
	for _, expects := range c.expects {
		for _, e := range expects {
			if e.outcome != nil {
				r.outcomes[*e.outcome] = true
			}
			if e.reason != nil {
				r.reasons[*e.reason] = true
			}
		}
	}
}

func (r *reached) coverage(s *suite) Coverage {
	c := Coverage{Control: s.id, File: s.rules.File, Cases: len(s.cases), Missing: []string{}}
	for _, o := range s.possible() {
		if !r.outcomes[o] {
			c.Missing = append(c.Missing, "outcome "+string(o))
		}
	}
	for _, reason := range s.rules.Reasons {
		if !r.reasons[reason.Code] {
			c.Missing = append(c.Missing, "reason "+reason.Code)
		}
	}
	return c
}

// possible are the outcomes that the control's shape allows: nothing is pending
// without evidence to wait for, nor silent without heartbeats.
func (s *suite) possible() []compliance.Outcome {
	list := []compliance.Outcome{compliance.Pass, compliance.Deviation}
	if len(s.rules.Expectations) > 0 {
		list = append(list, compliance.Pending)
	}
	if s.heard {
		list = append(list, compliance.Inconclusive)
	}
	if s.rules.Applies != nil || s.rules.Cancelled != nil || s.rules.Expand != nil {
		list = append(list, compliance.NotApplicable)
	}
	return list
}
