package peers_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// monpoly is MonPoly itself, if ASSAY_TEST_MONPOLY says where its program is: then what a
// formula means here is held to what it says, on the same logs.
type monpoly struct {
	program, folder string
	compared, held  int // time points
	refused         int // formulas that it doesn't take
}

// unable is what it says of a formula that it doesn't take, or fails at by itself.
var unable = regexp.MustCompile("(?i)not monitorable|Assertion failed")

// newMonpoly is nil if there is none.
func newMonpoly(t *testing.T, signature string) *monpoly {
	t.Helper()
	program := os.Getenv("ASSAY_TEST_MONPOLY")
	if program == "" {
		t.Log("NOT TESTED: what formulas mean was not held to MonPoly; set ASSAY_TEST_MONPOLY to its program")
		return nil
	}
	m := &monpoly{program: program, folder: t.TempDir()}
	m.write(t, "sig", strings.Join(strings.Fields(signature), "\n"))
	return m
}

func (m *monpoly) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(m.folder, name), []byte(text+"\n"), 0o600))
}

func (m *monpoly) String() string {
	if m == nil {
		return "MonPoly: not compared"
	}
	return fmt.Sprintf("MonPoly: %d time points compared, %d results, %d formulas that it doesn't take", m.compared, m.held, m.refused)
}

// compare demands that MonPoly lists at each time point what f, which is read from text,
// means there.
func (m *monpoly) compare(t *testing.T, text string, f *mfotl, log []timePoint) {
	t.Helper()
	if m == nil {
		return
	}
	m.write(t, "formula", text)
	m.write(t, "log", logText(log))
	cmd := exec.CommandContext(t.Context(), m.program, "-sig", "sig", "-formula", "formula", "-log", "log")
	cmd.Dir = m.folder
	out, err := cmd.CombinedOutput()
	if unable.Match(out) {
		m.refused++
		return
	}
	require.NoError(t, err, "%s\n%s", text, out)
	points := said(string(out))
	for tp := range log {
		want, listed := f.at(log, tp), points[tp]
		slices.Sort(want)
		slices.Sort(listed)
		require.True(t, slices.Equal(listed, want), "%s\nat time point %d of %v MonPoly lists %v, and it means %v", text, tp, log, listed, want)
		m.compared++
		m.held += len(want)
	}
}

// logText is a log as MonPoly reads it.
func logText(log []timePoint) string {
	var b strings.Builder
	for _, point := range log {
		fmt.Fprintf(&b, "@%d", point.stamp)
		for _, name := range slices.Sorted(maps.Keys(point.facts)) {
			for _, args := range point.facts[name] {
				fmt.Fprintf(&b, " %s (%s)", name, strings.Join(args, ","))
			}
		}
		b.WriteString("\n")
	}
	for i := range int64(4) { // it says nothing of a time point before it knows what comes after
		fmt.Fprintf(&b, "@%d\n", log[len(log)-1].stamp+1_000*(i+1))
	}
	return b.String()
}
