//go:build !(linux && amd64)

package embedded

import (
	"os"
	"os/exec"

	"assay.example/assay/pkg/compliance"
)

const supported = false

type orders struct {
	Library string
	Binary  string
	Args    []string
}

// MaybeRunEngine does nothing: no engine is there for this platform.
func MaybeRunEngine() {}

func lifelineQuery() string { return "" }

func engineProcess(orders, *os.File, *os.File, string) (*exec.Cmd, error) {
	return nil, compliance.Errorf(compliance.Unavailable, "%s", unsupported)
}
