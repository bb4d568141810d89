package access

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
)

// Viewer is who asks, in a request that was let in.
type Viewer struct {
	// User is the name of a user, or that of a token.
	User string
	Role Role
	// Tenant is the one that the request is about: one of Tenants.
	Tenant string
	// Tenants are those that the viewer may see, at least one.
	Tenants []string
	// Periods bound what is seen, by when something happened. Roles other than auditor may
	// have none and see everything of their tenants; an auditor with none sees nothing.
	Periods []ask.Period
	// Token says that it is a program with a token, not somebody with a session.
	Token bool
}

type key struct{}

// With is ctx with the viewer.
func With(ctx context.Context, v Viewer) context.Context { return context.WithValue(ctx, key{}, v) }

// From is the viewer of a request. Without one it is nobody, who may do nothing.
func From(ctx context.Context) Viewer {
	v, _ := ctx.Value(key{}).(Viewer)
	return v
}

// May says whether the viewer may do something. Who is bound to periods sees neither
// alerts nor the machine's state, whatever the role: they go by no period.
func (v Viewer) May(a Action) bool {
	if v.Bound() && (a == ReadHealth || a == ReadDeliveries) {
		return false
	}
	return v.Tenant != "" && v.Role.May(a)
}

// In is the viewer looking at another of the own tenants; empty stays. One that the
// viewer may not see is not found, like one that doesn't exist.
func (v Viewer) In(tenant string) (Viewer, error) {
	switch {
	case tenant == "":
		return v, nil
	case !slices.Contains(v.Tenants, tenant):
		return Viewer{}, compliance.Errorf(compliance.NotFound, "there is no such tenant, or you may not see it; ask for one of: %s", strings.Join(v.Tenants, ", "))
	}
	v.Tenant = tenant
	return v, nil
}

// Bound says whether only some periods may be seen.
func (v Viewer) Bound() bool { return v.Role == Auditor || len(v.Periods) > 0 }

// Sees says whether something that happened then may be seen.
func (v Viewer) Sees(at compliance.Instant) bool {
	return !v.Bound() || slices.ContainsFunc(v.Periods, func(p ask.Period) bool { return p.From <= at && at < p.To })
}

// Clip is the part of the window [from, to) that may be seen. It refuses a window with
// no such part, and one with several, since a question has one window. Periods that
// adjoin count as one.
func (v Viewer) Clip(from, to compliance.Instant) (compliance.Instant, compliance.Instant, error) {
	if !v.Bound() {
		return from, to, nil
	}
	var parts []ask.Period
	for _, p := range v.spans() {
		if p.From, p.To = max(p.From, from), min(p.To, to); p.From < p.To {
			parts = append(parts, p)
		}
	}
	switch len(parts) {
	case 0:
		return 0, 0, compliance.Errorf(compliance.Forbidden, "nothing of that time may be seen; you may see %s", v.labels())
	case 1:
		return parts[0].From, parts[0].To, nil
	}
	return 0, 0, compliance.Errorf(compliance.Invalid, "the time asked for reaches over several periods that you may see (%s): ask for one of them", v.labels())
}

// Within refuses a period that isn't wholly visible: a report of a part of it would
// bear its name.
func (v Viewer) Within(p ask.Period) error {
	from, to, err := v.Clip(p.From, p.To)
	if err == nil && (from != p.From || to != p.To) {
		err = compliance.Errorf(compliance.Forbidden, "not all of %s may be seen; you may see %s", p.Label, v.labels())
	}
	return err
}

// spans are the periods by time, with those that overlap or adjoin made one.
func (v Viewer) spans() []ask.Period {
	sorted := slices.SortedFunc(slices.Values(v.Periods), func(a, b ask.Period) int { return cmp.Compare(a.From, b.From) })
	var spans []ask.Period
	for _, p := range sorted {
		if n := len(spans); n > 0 && p.From <= spans[n-1].To {
			spans[n-1].To = max(spans[n-1].To, p.To)
			continue
		}
		spans = append(spans, p)
	}
	return spans
}

func (v Viewer) labels() string {
	names := make([]string, len(v.Periods))
	for i, p := range v.Periods {
		names[i] = p.Label
	}
	if len(names) == 0 {
		return "no period"
	}
	return strings.Join(names, ", ")
}
