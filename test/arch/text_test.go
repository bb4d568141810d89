package arch

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// place finds absolute paths into somebody's own machine. The slashes stand
// apart from the names, or this file would find itself.
var place = regexp.MustCompile(`(?m)(^|[^\w./-])[/](work|root|Users)[/][\w.-]+`)

// TestNoMachinePaths: the repository reads the same wherever it was cloned.
func TestNoMachinePaths(t *testing.T) {
	for _, name := range trackedFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		if bytes.IndexByte(text, 0) >= 0 {
			continue // not text
		}
		for _, at := range place.FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:at[1]], []byte("\n"))
			t.Errorf("%s:%d: %q is a path on one machine", name, line, bytes.TrimSpace(text[at[0]:at[1]]))
		}
	}
}
