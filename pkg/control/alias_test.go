package control_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
	require.Contains(t, problemsOf(t, faulty)[0], "C.yaml:7:23: event has no field \"chnge_id\"")
}
