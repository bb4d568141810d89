package control_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
)

// A condition that is named once and meant again is the one written twice.
func TestAConditionIsNamed(t *testing.T) {
	twice := strings.Replace(sound, "where: event.approver != item.author", "where: event.change_id != \"\"", 1)
	twice = strings.Replace(twice, `where: event.environment == "production"`, `where: 'event.change_id != ""'`, 1)
	named := strings.Replace(twice, `where: 'event.change_id != ""'`, `where: &known 'event.change_id != ""'`, 1)
	named = strings.Replace(named, `where: event.change_id != ""`, "where: *known", 1)
	require.NotEqual(t, twice, named)
	require.Empty(t, problemsOf(t, twice))
	require.Empty(t, problemsOf(t, named))
	var meanings []string
	for _, text := range []string{twice, named} {
		b, err := loadStaged(t, map[string]string{"C.yaml": text})
		require.NoError(t, err)
		meanings = append(meanings, b.Controls[0].Meaning)
	}
	require.Equal(t, meanings[0], meanings[1])

	faulty := strings.Replace(named, `&known 'event.change_id != ""'`, `&known 'event.chnge_id != ""'`, 1)
	problems := problemsOf(t, faulty)
	require.Len(t, problems, 2, "of a deployment, and of an approval")
	for _, problem := range problems {
		require.Contains(t, problem, "C.yaml:7:23: event has no field \"chnge_id\"")
	}
}

// A control whose verdicts are read may be named, too.
func TestAControlThatIsReadIsNamed(t *testing.T) {
	for _, verdicts := range []string{"verdicts: *read", "verdicts: [*read]"} {
		text := strings.Replace(strings.Replace(weekly, "verdicts: CH-01", verdicts, 1), "criteria: [CC8.1]", "criteria: [CC8.1]\nowner: &read CH-01", 1)
		b, err := loadStaged(t, map[string]string{"A.yaml": text, "B.yaml": sound})
		require.NoError(t, err)
		require.Equal(t, []*control.Control{b.Control("CH-01")}, b.Control("CH-09").ReadVerdicts())
	}
}
