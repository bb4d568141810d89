package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBuiltInControlsLoad: an empty `controls` is the library in the binary, which
// a release can't ship broken.
func TestBuiltInControlsLoad(t *testing.T) {
	bundle, err := loadControls(defaultConfig())
	require.NoError(t, err)
	require.NotEmpty(t, bundle.Hash)
	require.NotNil(t, bundle.Control("AC-01"))

	cfg := defaultConfig()
	cfg.Controls = "../../controls"
	folder, err := loadControls(cfg)
	require.NoError(t, err)
	require.Equal(t, bundle.Hash, folder.Hash, "the folder is what is built in")
}
