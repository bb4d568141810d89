package controltest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/controltest/internal/timeline"
)

// TestADeviatingEngineIsFound: no difference between the oracle and the engine,
// also of items that no case names, goes unsaid.
func TestADeviatingEngineIsFound(t *testing.T) {
	c := &testcase{file: "f", line: 1, column: 2, name: "n", Timeline: timeline.Timeline{Watermarks: []compliance.Instant{10, 20}}}
	pass := compliance.Revision{Number: 1, Verdict: compliance.Verdict{Outcome: compliance.Pass}}
	truth := []timeline.Known{{}, {"a": pass, "b": pass}}
	require.Empty(t, c.differs(3, 7, truth, []timeline.Known{{}, {"a": pass, "b": pass}}))
	other := pass
	other.Number = 2
	for _, engine := range [][]timeline.Known{
		{{}, {"a": pass}},
		{{}, {"a": pass, "b": pass, "c": pass}},
		{{"a": pass}, {"a": pass, "b": pass}},
		{{}, {"a": pass, "b": other}},
	} {
		require.Regexp(t, `^f:1:2: n: in order 3 of seed 7 the engine doesn't say what the oracle says, at \S+ \S+, of [abc]:\n`, c.differs(3, 7, truth, engine))
	}
}
