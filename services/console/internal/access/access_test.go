package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

func period(t *testing.T, text string) ask.Period {
	t.Helper()
	p, err := ask.ParsePeriod(text)
	require.NoError(t, err)
	return p
}

func auditor(t *testing.T, periods ...string) access.Viewer {
	t.Helper()
	v := access.Viewer{User: "u-eve", Role: access.Auditor, Tenant: "acme", Tenants: []string{"acme"}}
	for _, p := range periods {
		v.Periods = append(v.Periods, period(t, p))
	}
	return v
}

func TestNobodyMayNothing(t *testing.T) {
	nobody := access.From(t.Context())
	for _, a := range access.Actions() {
		require.False(t, nobody.May(a))
		require.False(t, access.Role("root").May(a))
	}
	v := access.From(access.With(t.Context(), auditor(t)))
	require.Equal(t, "u-eve", v.User)
	require.False(t, v.May(access.ReadHealth))
	require.False(t, v.May("unheard of"))
}

// Who is bound to periods sees neither alerts nor the machine's state, by no role.
func TestBoundViewersMayLess(t *testing.T) {
	for _, role := range access.Roles() {
		free := access.Viewer{Role: role, Tenant: "acme"}
		bound := free
		bound.Periods = []ask.Period{period(t, "2026-Q3")}
		for _, a := range access.Actions() {
			less := a == access.ReadHealth || a == access.ReadDeliveries
			require.Equal(t, free.May(a) && !less, bound.May(a), "%s, %s", role, a)
		}
	}
}

func TestIn(t *testing.T) {
	v := access.Viewer{Role: access.Engineer, Tenant: "a", Tenants: []string{"a", "b"}}
	in, err := v.In("b")
	require.NoError(t, err)
	require.Equal(t, "b", in.Tenant)
	_, err = v.In("c")
	require.Equal(t, compliance.NotFound, compliance.CodeOf(err))
	same, err := v.In("")
	require.NoError(t, err)
	require.Equal(t, v, same)
}

func TestClip(t *testing.T) {
	always, ever := ask.Always()
	for _, c := range []struct {
		periods []string
		asked   string // empty: all of time
		want    string // empty: refused
		code    compliance.Code
	}{
		{[]string{"2026-Q3"}, "", "2026-Q3", ""},
		{[]string{"2026-Q3"}, "2026-08", "2026-08", ""},
		{[]string{"2026-Q3"}, "2026", "2026-Q3", ""},
		{[]string{"2026-Q3"}, "2026-10", "", compliance.Forbidden},
		{[]string{"2026-07", "2026-09", "2026-08"}, "", "2026-Q3", ""},
		{[]string{"2026-Q1", "2026-Q3"}, "2026-Q3", "2026-Q3", ""},
		{[]string{"2026-Q1", "2026-Q3"}, "2026", "", compliance.Invalid},
		{nil, "2026", "", compliance.Forbidden},
	} {
		from, to := always, ever
		if c.asked != "" {
			from, to = period(t, c.asked).From, period(t, c.asked).To
		}
		gotFrom, gotTo, err := auditor(t, c.periods...).Clip(from, to)
		if c.want == "" {
			require.Equal(t, c.code, compliance.CodeOf(err), c)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, [2]compliance.Instant{period(t, c.want).From, period(t, c.want).To}, [2]compliance.Instant{gotFrom, gotTo}, c)
	}
	engineer := access.Viewer{Role: access.Engineer}
	from, to, err := engineer.Clip(always, ever)
	require.NoError(t, err)
	require.Equal(t, [2]compliance.Instant{always, ever}, [2]compliance.Instant{from, to})
}

func TestSeesAndWithin(t *testing.T) {
	v, q3 := auditor(t, "2026-Q3"), period(t, "2026-Q3")
	require.True(t, v.Sees(q3.From))
	require.False(t, v.Sees(q3.From-1))
	require.False(t, v.Sees(q3.To))
	require.True(t, access.Viewer{Role: access.Admin}.Sees(q3.To))
	require.NoError(t, v.Within(q3))
	require.NoError(t, v.Within(period(t, "2026-08")))
	require.Equal(t, compliance.Forbidden, compliance.CodeOf(v.Within(period(t, "2026"))))
}
