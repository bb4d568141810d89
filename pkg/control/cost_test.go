package control_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A condition that could not be computed where all evidence is there is noted, with what to
// do instead; doing that ends it.
func TestCostIsNoted(t *testing.T) {
	nested := strings.Replace(sound, "assert: approval.count >= 1",
		`assert: approval.exists(a, push.exists(p, approval.exists(b, a.before(p) && p.before(b))))`, 1)
	nested = strings.Replace(nested, ", pick: last", "", 1)
	nested = strings.Replace(nested, "(push.time, item.time]", "[-30d, 0s]", 1)
	notes := notesOf(t, nested)
	require.Len(t, notes, 1)
	require.Regexp(t, `^the condition in line 17 may take 1e\+10 steps where all its evidence is there, and 50000000 are the limit, `+
		`beyond which an item is inconclusive: give max: 100 to push, approval, or look at fewer events within others$`, notes[0])

	bounded := strings.NewReplacer(`between: "[-30d, 0s]"`, `between: "[-30d, 0s]", max: 100`).Replace(nested)
	bounded = strings.Replace(bounded, "    between: \"[-30d, 0s]\", max: 100\n", "    between: \"[-30d, 0s]\"\n    max: 100\n", 1)
	require.Empty(t, notesOf(t, bounded))
}

// What may be missing, a range, and a list of what lists hold are taken to be short too.
func TestCostOfWhatMayBeMissing(t *testing.T) {
	for _, condition := range []string{
		`item.?author.orValue("").split("@")[1].lowerAscii() == "x"`,
		`item.?author.orValue("").split(".").exists(p, p.matches("^x"))`,
		`cel.bind(parts, item.?author.orValue("").split("_"), parts.size() > 2 && parts[2].substring(5) == "x")`,
		`cel.bind(parts, item.author.split("_"), lists.range(parts.size()).exists(i, parts[i].matches("^x")))`,
		`[item.author.split("_"), item.change_id.split("_")].flatten().exists(p, p.matches("^x"))`,
	} {
		require.Empty(t, notesOf(t, strings.Replace(sound, "assert: approval.count >= 1", "assert: 'approval.count >= 1 && "+condition+"'", 1)), condition)
	}
}

func notesOf(t *testing.T, text string) []string {
	t.Helper()
	b, err := loadStaged(t, map[string]string{"C.yaml": text})
	require.NoError(t, err)
	return b.Notes(b.Controls[0])
}
