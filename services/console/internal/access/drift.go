package access

import (
	"slices"

	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/drift"
)

// Cut takes from a comparison what was changed at times that the viewer may not see: two
// periods that may be seen can lie on both sides of one that may not.
func (v Viewer) Cut(d *drifts.Drift) {
	for i := range d.Findings {
		f := &d.Findings[i]
		f.Changes = slices.DeleteFunc(f.Changes, func(c drift.Ranked) bool { return !v.Sees(c.At) })
	}
}
