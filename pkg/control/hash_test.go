package control_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// released are the rule hashes that verdicts of the library carry. A change of the
// compiler must not move them: every verdict would look like one of another rule.
var released = map[string]string{
	"AC-01":  "3fd34c9f1135956bc1dfef08f3f37445",
	"AC-02":  "ac6cd11f7b70020ab7140f53100e5451",
	"AC-03":  "8ef99d0048ecf16241fe7793ef642bb1",
	"AC-04":  "3330fad697b0b6859cf253d943e9e066",
	"CH-01":  "58529b1890963d3dfbdda723b9653ade",
	"CH-05a": "3aa6f169fccc523582eb9cfccd84ee48",
	"CH-05b": "d8f57254b7c921d3d9ca2be25dc92d5c",
	"IN-01":  "43f18511770a407f0f2f10f8da8b27ee",
	"MC-01":  "cdfcd7ba77f66db5554ffd6d423977b8",
	"MC-05":  "67193ef176030e344b3b561a368c6c00",
	"MC-06":  "ec9b7175388dd4f6737007c32c6e7a9c",
	"MC-11":  "9d2de68de68f92e0fc475fca78eb5ee9",
}

func TestRuleHashesStay(t *testing.T) {
	b := library(t)
	for id, hash := range released {
		require.NotNil(t, b.Control(id), id)
		require.Equal(t, hash, b.Control(id).Hash, "the meaning of %s is unchanged, and its hash must be", id)
	}
}
