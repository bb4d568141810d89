// Package route decides which violations go to which target.
package route

import (
	"path"
	"slices"
	"time"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/message"
)

// Route sends what fits it to its targets. An empty list fits everything.
type Route struct {
	Name string
	// Controls are globs, such as AC-*.
	Controls   []string
	Severities []string
	Kinds      []string
	Tenants    []string
	Targets    []string
	// Continue has the routes below tried as well.
	Continue  bool
	GroupWait time.Duration
}

// fits says whether v is the route's.
func (r *Route) fits(v *record.Violation) bool {
	in := func(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }
	return in(r.Severities, v.Severity) && in(r.Kinds, message.Kind(v)) && in(r.Tenants, v.Verdict.Tenant) &&
		(len(r.Controls) == 0 || slices.ContainsFunc(r.Controls, func(glob string) bool {
			ok, err := path.Match(glob, v.Verdict.Control)
			return err == nil && ok // bad globs stop the start
		}))
}

// Table is the routes in their order.
type Table []Route

// For finds the route by which a target hears of v: the first that names it, among
// those that are tried. The routes are tried from the top until one fits that
// doesn't continue.
func (t Table) For(target string, v *record.Violation) (*Route, bool) {
	for i := range t {
		r := &t[i]
		if !r.fits(v) {
			continue
		}
		if slices.Contains(r.Targets, target) {
			return r, true
		}
		if !r.Continue {
			return nil, false
		}
	}
	return nil, false
}
