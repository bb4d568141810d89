package engine

import "testing"

// TestMain has keys of a few events have lists already: random worlds have no crowds.
func TestMain(m *testing.M) {
	crowd = 3
	m.Run()
}
