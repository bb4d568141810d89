package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/route"
)

func violation(control, severity, tenant string, change record.Change, outcome compliance.Outcome) *record.Violation {
	v := &record.Violation{Severity: severity, Change: change}
	v.Verdict.Control, v.Verdict.Tenant, v.Verdict.Outcome = control, tenant, outcome
	return v
}

func TestRoutes(t *testing.T) {
	table := route.Table{
		{Name: "copy", Targets: []string{"siem"}, Continue: true},
		{Name: "access", Controls: []string{"AC-*", "AM-01"}, Severities: []string{"high", "critical"}, Targets: []string{"oncall", "chat"}},
		{Name: "waivers", Kinds: []string{"waived"}, Targets: []string{"grc"}, Continue: true},
		{Name: "acme", Tenants: []string{"acme"}, Targets: []string{"acme-hook"}},
		{Name: "rest", Kinds: []string{"opened"}, Targets: []string{"chat"}},
	}
	opened, corrected := record.Opened, record.Corrected
	for name, c := range map[string]struct {
		v    *record.Violation
		want map[string]string // target to route
	}{
		"a glob":              {violation("AC-03", "high", "default", opened, compliance.Deviation), map[string]string{"siem": "copy", "oncall": "access", "chat": "access"}},
		"a name":              {violation("AM-01", "critical", "default", opened, compliance.Deviation), map[string]string{"siem": "copy", "oncall": "access", "chat": "access"}},
		"no such severity":    {violation("AC-03", "low", "default", opened, compliance.Deviation), map[string]string{"siem": "copy", "chat": "rest"}},
		"first match ends it": {violation("AC-03", "high", "acme", corrected, compliance.Waived), map[string]string{"siem": "copy", "oncall": "access", "chat": "access"}},
		"waived continues":    {violation("CH-01", "low", "acme", corrected, compliance.Waived), map[string]string{"siem": "copy", "grc": "waivers", "acme-hook": "acme"}},
		"corrected is none":   {violation("CH-01", "low", "default", corrected, compliance.Pass), map[string]string{"siem": "copy"}},
		"a tenant":            {violation("CH-01", "low", "acme", opened, compliance.Deviation), map[string]string{"siem": "copy", "acme-hook": "acme"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, target := range []string{"siem", "oncall", "chat", "grc", "acme-hook", "unnamed"} {
				if r, ok := table.For(target, c.v); ok {
					got[target] = r.Name
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}
