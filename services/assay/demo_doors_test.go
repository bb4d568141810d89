package main

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/embedded/clickhousetest"
)

// TestVendorsTellTheStoryThroughTheirDoors: whoever tells it, the story has the same
// end, item by item; what comes again is the same, and what is forged is refused.
func TestVendorsTellTheStoryThroughTheirDoors(t *testing.T) {
	clickhousetest.Library(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "assay", "demo", "--doors", "--small", "--check", "--set", "embedded.dataDir="+t.TempDir())
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	require.NoError(t, cmd.Run(), "%s\n%s", &out, &log)
	require.Regexp(t, `[1-9]\d* items judged, 0 differ from what was planted`, out.String())

	doors := doorRows(t, out.String())
	require.Len(t, doors, 9)
	for name, door := range doors {
		require.Equal(t, door.sent, door.accepted+door.refused, name)
		require.Positive(t, door.repeated, name)
		if name == "events" {
			continue
		}
		require.Equal(t, 1, door.refused, "%s: one is forged", name)
		require.GreaterOrEqual(t, door.events, door.accepted, name)
		require.Positive(t, door.accepted, name)
	}
}

type doorRow struct{ sent, accepted, events, repeated, refused int }

var doorLine = regexp.MustCompile(`^(\S+) +(/\S+)? +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$`)

// doorRows reads the table of doors.
func doorRows(t *testing.T, out string) map[string]doorRow {
	t.Helper()
	_, table, found := strings.Cut(out, "\nDOOR ")
	require.True(t, found, "%s", out)
	rows := map[string]doorRow{}
	for line := range strings.Lines(table) {
		m := doorLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		var n [5]int
		for i := range n {
			var err error
			n[i], err = strconv.Atoi(m[i+3])
			require.NoError(t, err)
		}
		rows[m[1]] = doorRow{n[0], n[1], n[2], n[3], n[4]}
	}
	return rows
}
