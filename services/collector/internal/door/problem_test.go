package door

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDocumentationListsEveryProblem(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/formats/events.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([0-9]{3}) \\|").FindAllStringSubmatch(string(page), -1)
	documented := map[string]string{}
	for _, row := range rows {
		documented[row[1]] = row[2]
	}
	actual := map[string]string{}
	for code, k := range kinds() {
		require.NotEmpty(t, k.title, code)
		actual[code] = strconv.Itoa(k.status)
	}
	require.Equal(t, actual, documented)
}

func TestAProblemListsNoMoreThanItsLimit(t *testing.T) {
	p := problem(codeInternal, "x")
	for i := range 250 {
		p.add(i, os.ErrInvalid)
	}
	require.Len(t, p.Errors, maxErrors)
	require.Equal(t, 150, p.Omitted)
	require.NotContains(t, p.Errors[0].Reason, "invalid argument", "what isn't a refusal is not shown")
}
