package workspace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// For is what a person may see of a workspace: an auditor everything, the entity the
// requests, and of samples what was shared.
func (w *Workspace) For(p Person) *Workspace {
	if p.Auditor {
		return w
	}
	seen := *w
	seen.Samples = []Sample{}
	for i := range w.Samples {
		if s := &w.Samples[i]; s.Share != ShareNothing {
			seen.Samples = append(seen.Samples, s.shared())
		}
	}
	seen.changes = slices.DeleteFunc(slices.Clone(w.changes), func(c Change) bool { return c.Kind != kindRequest && c.Kind != kindEngagement })
	return &seen
}

// shared is a sample without what wasn't shared of it.
func (s *Sample) shared() Sample {
	seen := *s
	if s.Share == ShareTests {
		return seen
	}
	seen.Attributes, seen.TestsHidden = []Attribute{}, true
	seen.Items = slices.Clone(s.Items)
	for i := range seen.Items {
		seen.Items[i].Test = nil
	}
	return seen
}

// Versions are what a request was, the latest first.
func (w *Workspace) Versions(request string) ([]Request, error) {
	return versions(w, kindRequest, request, func(r *Request) *Mark { return &r.Mark })
}

// Tests are what was said of an item, the latest first; to the entity how it came about is
// not told.
func (w *Workspace) Tests(sample, item string) ([]Test, error) {
	return versions(w, kindTest, testID(sample, item), func(t *Test) *Mark { return &t.Mark })
}

func versions[T any](w *Workspace, kind, id string, mark func(*T) *Mark) (all []T, err error) {
	for i := range w.changes {
		c := &w.changes[i]
		if c.Kind != kind || c.ID != id {
			continue
		}
		var thing T
		if err := json.Unmarshal(c.Body, &thing); err != nil {
			return nil, fmt.Errorf("reading version %d of %s: %w", c.Version, id, err)
		}
		*mark(&thing) = c.Mark
		all = append(all, thing)
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(mark(&b).Version, mark(&a).Version) })
	return all, nil
}
