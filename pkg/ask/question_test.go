package ask_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
)

// What holds the present only can't answer for the past, and doesn't try.
func TestOnlyWhatIsDatedAnswersAsOf(t *testing.T) {
	for name, ok := range map[string]bool{
		"counts_by_item": true, "deviations": true, "rules": true, "outside_by_item": true, "waivers": true, "extent": true,
		"signs_of_life": true, "holes": true, "items": true, "period_facts": true,
		"counts_by_day": false, "outside_by_day": false, "day_counts": false, "quarters": false, "last_rejected": false, "last_deliveries": false,
	} {
		if err := ask.AsOf(name); ok {
			require.NoError(t, err, name)
		} else {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err), name)
			require.ErrorContains(t, err, "what was known at a time can't be told from", name)
		}
	}
}

// Each SQL file begins by saying what it asks, and is asked by somebody.
func TestQuestionsSayWhatTheyAsk(t *testing.T) {
	files, err := fs.Glob(ask.Questions(), "sql/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := fs.ReadFile(ask.Questions(), file)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "-- "), file)
		require.Contains(t, string(text), "tenant = {tenant:String}", file)
	}
}
