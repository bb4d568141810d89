package workspace

import "slices"

// For is what a person may see of a workspace: an auditor everything, the entity the
// requests, and of samples what was shared.
func (w *Workspace) For(p Person) *Workspace {
	if p.Auditor {
		return w
	}
	seen := *w
	seen.Samples = []Sample{}
	for _, s := range w.Samples {
		if s.Share != ShareNothing {
			seen.Samples = append(seen.Samples, s.shared())
		}
	}
	seen.changes = slices.DeleteFunc(slices.Clone(w.changes), func(c Change) bool { return c.Kind != kindRequest && c.Kind != kindEngagement })
	return &seen
}

// shared is a sample without what wasn't shared of it.
func (s Sample) shared() Sample {
	if s.Share == ShareTests {
		return s
	}
	s.Attributes, s.hidden = []Attribute{}, true
	s.Items = slices.Clone(s.Items)
	for i := range s.Items {
		s.Items[i].Test = nil
	}
	return s
}
