package explain

import (
	"slices"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// family are the control and all whose verdicts it hangs on, each once.
func (s *search) family() []*control.Control {
	all := []*control.Control{s.control}
	for i := 0; i < len(all); i++ {
		for _, of := range all[i].ReadVerdicts() {
			if !slices.Contains(all, of) {
				all = append(all, of)
			}
		}
	}
	return all
}

// wantsInStages are all events that a control of a later stage may hang on, at any key:
// which items it reads the verdicts of, or where its expectations meet, only the
// reference rules can say.
func (s *search) wantsInStages() []wanted {
	var types []string
	for _, c := range s.family() {
		for _, v := range c.Versions {
			types = append(types, v.Population.Types...)
			for _, e := range v.Expectations {
				types = append(types, e.Types...)
				if e.Unless != nil {
					types = append(types, e.Unless.Types...)
				}
			}
			for _, t := range v.Tables {
				types = append(types, t.Types...)
			}
		}
	}
	slices.Sort(types)
	types = slices.DeleteFunc(slices.Compact(types), control.IsVerdict)
	return []wanted{{types: types}}
}

// spans is how far before and after the item events may lie that it hangs on.
func (s *search) spans(from, to compliance.Instant) (compliance.Instant, compliance.Instant) {
	for _, c := range s.family()[1:] {
		if c.Some(func(v *control.Control) bool { return len(v.Tables) > 0 }) {
			from, _ = ask.Always()
		}
		from = max(first(ask.Always()), from.Add(-c.Longest((*control.Control).Lookback)-c.CorrectUntil))
		to = to.Add(c.Longest((*control.Control).Horizon) + c.CorrectUntil)
	}
	return from, to
}

func first(from, _ compliance.Instant) compliance.Instant { return from }

// confirm marks verdicts that are evidence, and are made again as they were named. They
// stand nowhere as events.
func (s *search) confirm(made []compliance.Evidence) {
	for i := range s.exhibits {
		x := &s.exhibits[i]
		if control.IsVerdict(x.Type) && slices.ContainsFunc(made, func(e compliance.Evidence) bool { return sameEvidence(x.Evidence, e) }) {
			x.OnRecord, x.Intact = true, true
		}
	}
}
