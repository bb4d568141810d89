package report_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/report"
)

// Every control of the library is told with its words, and with every expectation and
// reason that its rule has.
func TestProceduresTellTheWholeRule(t *testing.T) {
	w := asktest.New(t)
	types, err := dictionary.Default()
	require.NoError(t, err)
	w.Bundle, err = control.Load(controls.FS, types)
	require.NoError(t, err)
	for _, c := range reported(w, "2026-Q3").Controls {
		require.NotEmpty(t, c.Text, c.ID)
		require.Len(t, c.Procedures, 1, c.ID)
		p := c.Procedures[0]
		text := p.Text()
		rule := w.Bundle.Control(c.ID)
		_, assertion := rule.Words()
		require.Contains(t, text, "Asked of every occurrence: `"+strings.Join(strings.Fields(assertion), " ")+"`.", c.ID)
		for _, e := range rule.Expectations {
			require.Contains(t, text, `Looked for "`+e.Name+`": `, c.ID)
			for _, kind := range e.Types {
				require.Contains(t, text, "`"+kind+"`", c.ID)
			}
		}
		for _, r := range rule.Reasons {
			require.Contains(t, text, r.Code+" if `", c.ID)
		}
		require.NotRegexp(t, "``|%!", text, c.ID)
	}
}

// Intervals are told in words; one that has none is given as it stands.
func TestProcedureOfAVersion(t *testing.T) {
	w := asktest.New(t)
	files := asktest.Library()
	files["CH-01.yaml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(files["CH-01.yaml"].Data), `"[-14d, 0s]"`, `"(-14d, 1h30m)"`))}
	files["CH-01b.yaml"] = &fstest.MapFile{Data: []byte(string(asktest.Library()["CH-01.yaml"].Data) + "effective_from: 2026-08-01T00:00:00Z\n")}
	types, err := dictionary.Default()
	require.NoError(t, err)
	w.Bundle, err = control.Load(files, types)
	require.NoError(t, err)
	c := find(t, reported(w, "2026-Q3"), "CH-01")
	require.Len(t, c.Procedures, 2)
	require.Contains(t, c.Procedures[0].Text(), "after 14d before the item until before 1h30m after the item")
	require.Equal(t, asktest.At("2026-08-01"), c.Procedures[0].Until)
}

func TestComplementary(t *testing.T) {
	read := func(text string) (report.Complementary, error) {
		return report.ReadComplementary(fstest.MapFS{"complementary.yaml": {Data: []byte(text)}})
	}
	c, err := report.ReadComplementary(fstest.MapFS{})
	require.NoError(t, err)
	require.Empty(t, c.UserEntities)
	c, err = report.ReadComplementary(controls.FS)
	require.NoError(t, err)
	require.NotEmpty(t, c.UserEntities)
	require.NotEmpty(t, c.Subservices)
	for text, want := range map[string]string{
		"user_entities: [{id: A, text: b, criteria: [CC6.9]}]":                                       `"CC6.9" of A is no Trust Services Criteria id`,
		"user_entities: [{id: A}]":                                                                   "needs id: and text:",
		"user_entity: []":                                                                            "field user_entity not found",
		"subservice_organizations: [{name: X, provides: y, method: carved}]":                         `X has the method "carved"; write carve-out or inclusive`,
		"subservice_organizations: [{name: X, method: inclusive}]":                                   "needs name: and provides:",
		"subservice_organizations: [{name: X, provides: y, method: inclusive, controls: [{id: A}]}]": "needs id: and text:",
		"[": "reading complementary.yaml",
	} {
		_, err := read(text)
		require.ErrorContains(t, err, want)
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err), text)
	}
}
