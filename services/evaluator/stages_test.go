package evaluator_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/evaluator"
)

// TestLaterStagesAreRefused: a control that reads the verdicts of others, or joins by
// several fields, isn't judged at all rather than wrongly.
func TestLaterStagesAreRefused(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	reader := strings.NewReplacer("IN-01", "IN-02", "  ack: {event: incident.acknowledged, on: {event.incident_id: item.incident_id}, where: 'event.responder_kind == \"human\"'",
		"  ack: {verdicts: IN-01, on: {event.item.incident_id: item.incident_id}").Replace(incidents)
	b, err := control.Load(fstest.MapFS{
		control.BoundaryFile: {Data: []byte(boundary)},
		"IN-01.yaml":         {Data: []byte(incidents)},
		"IN-02.yaml":         {Data: []byte(reader)},
	}, types)
	require.NoError(t, err)
	err = evaluator.Run(t.Context(), evaluator.Default(), evaluator.Deps{Bundle: b})
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	require.ErrorContains(t, err, "IN-02 (IN-02.yaml) is judged in stages")
}
