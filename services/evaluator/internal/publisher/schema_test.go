package publisher_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/publisher"
)

// violationSchema is what consumers are promised. It is read strictly here: a field
// that it doesn't tell of is a fault, although a consumer has to pass over it.
func violationSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile("../../../../schemas/violations/violation.v1.json")
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	closeObjects(doc)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("violation.v1.json", doc))
	s, err := c.Compile("violation.v1.json")
	require.NoError(t, err)
	return s
}

func closeObjects(doc any) {
	switch v := doc.(type) {
	case map[string]any:
		if v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

func conforms(t *testing.T, s *jsonschema.Schema, value []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	require.NoError(t, err, "%s", value)
	return s.Validate(doc)
}

// Every record that the publisher writes is what the schema promises.
func TestRecordsFollowTheirSchema(t *testing.T) {
	s := violationSchema(t)
	w := evaltest.NewTCP(t, 2)
	r, j := w.Router(w.NewLine()), w.Judge(w.NewLine(), "a")
	story := w.NewStory()
	for range 5 {
		story.Hour()
		w.Settle() // else what is late may come before its item is judged, and corrects nothing
	}
	story.End()
	w.Settle()
	// It comes when all is judged, so that batches are large enough to shrink.
	p := w.Publisher(w.NewLine())
	want := expected(t, w)
	w.Eventually("all are published", func() bool { return len(violations(w)) == len(want) })
	r.Stop()
	j.Stop()
	p.Stop()
	changes, compressed := map[string]int{}, 0
	for _, record := range w.ReadCommitted(evaltest.Violations) {
		if kind := record.Attrs.CompressionType(); kind != 0 { // what would not shrink stays as it is
			require.EqualValues(t, 1, kind, "only gzip is read by every client")
			compressed++
		}
		require.NoError(t, conforms(t, s, record.Value), "%s", record.Value)
		var v struct{ Change string }
		require.NoError(t, json.Unmarshal(record.Value, &v))
		changes[v.Change]++
	}
	require.NotZero(t, changes["opened"])
	require.NotZero(t, changes["corrected"])
	require.NotZero(t, compressed)
}

// So is whatever a revision can say, the ends of time and an unknown control included.
func TestEveryRevisionFollowsTheSchema(t *testing.T) {
	s := violationSchema(t)
	written := 0
	for _, is := range compliance.Outcomes() {
		for _, was := range append(compliance.Outcomes(), "") {
			for _, remedied := range []compliance.Instant{0, 1_800_000_000_000_000} {
				rev := &compliance.Revision{Tenant: "default", Control: evaltest.ControlID, Number: 1, FinalAt: compliance.Never}
				rev.Item, rev.Outcome, rev.RemediatedAt, rev.Due = compliance.Item{ID: "i/ü", Time: 1}, is, remedied, compliance.Ever
				rev.Evidence = []compliance.Evidence{{Expectation: "item", Time: 1}}
				if was != "" {
					rev.Number, rev.Previous = 4, &compliance.Previous{Outcome: was, ItemTime: 1, RemediatedAt: remedied}
				}
				if was == compliance.Pass {
					rev.Control = "GONE-1"
				}
				if v := publisher.Violation(rev, evaltest.Rules{}); v != nil {
					written++
					value, err := json.Marshal(v)
					require.NoError(t, err)
					require.NoError(t, conforms(t, s, value), "%s", value)
				}
			}
		}
	}
	require.Greater(t, written, 20)
}

// The schema would notice.
func TestSchemaRefuses(t *testing.T) {
	s := violationSchema(t)
	rev := &compliance.Revision{Tenant: "default", Control: evaltest.ControlID, Number: 1}
	rev.Item, rev.Outcome = compliance.Item{ID: "i", Time: 1}, compliance.Deviation
	good, err := json.Marshal(publisher.Violation(rev, evaltest.Rules{}))
	require.NoError(t, err)
	require.NoError(t, conforms(t, s, good))
	for old, planted := range map[string]string{
		`"violation/v1"`: `"violation/v2"`, `"opened"`: `"closed"`, `"id":"default/T-01/i#1"`: `"id":"i"`,
		`"revision":1`: `"revision":0`, `"outcome":"deviation"`: `"outcome":"bad"`, `"title"`: `"titel"`, `"due":"`: `"due":"x`,
	} {
		require.Contains(t, string(good), old)
		require.Error(t, conforms(t, s, bytes.Replace(good, []byte(old), []byte(planted), 1)), planted)
	}
}
