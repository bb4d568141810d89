package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func summarize(t *testing.T, lines ...string) (*summary, string) {
	t.Helper()
	var out strings.Builder
	s := newSummary(&out)
	require.NoError(t, s.read(strings.NewReader(strings.Join(lines, "\n"))))
	s.close()
	return s, out.String()
}

func TestPassingTestsAreQuiet(t *testing.T) {
	s, out := summarize(t,
		`{"Action":"start","Package":"a"}`,
		`{"Action":"output","Package":"a","Test":"TestA","Output":"chatter\n"}`,
		`{"Action":"pass","Package":"a","Test":"TestA"}`,
		`{"Action":"output","Package":"a","Output":"PASS\n"}`,
		`{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}`,
		`{"Action":"pass","Package":"a"}`,
		`{"Action":"output","Package":"b","Output":"?   \tb\t[no test files]\n"}`,
	)
	require.Equal(t, "ok  \ta\t0.1s\n1 passed, 0 failed, 0 skipped\n", out)
	require.NoError(t, s.verdict(true))
}

func TestSkipsAreCountedByReason(t *testing.T) {
	s, out := summarize(t,
		`{"Action":"output","Package":"a","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"a","Test":"TestA","Output":"    a_test.go:7: SKIP-CLICKHOUSE: no library\n"}`,
		`{"Action":"output","Package":"a","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}`,
		`{"Action":"skip","Package":"a","Test":"TestA"}`,
		`{"Action":"output","Package":"a","Test":"TestB","Output":"    b_test.go:9: SKIP-CLICKHOUSE: no library\n"}`,
		`{"Action":"skip","Package":"a","Test":"TestB"}`,
		`{"Action":"skip","Package":"a","Test":"TestC"}`,
		`{"Action":"pass","Package":"a"}`,
	)
	require.Equal(t, "SKIP 2 × SKIP-CLICKHOUSE: no library\nSKIP 1 × no reason given\n0 passed, 0 failed, 3 skipped\n", out)
	require.NoError(t, s.verdict(false))
	require.ErrorContains(t, s.verdict(true), "3 tests were skipped")
}

func TestFailuresAreShown(t *testing.T) {
	s, out := summarize(t,
		`{"Action":"output","Package":"a","Test":"TestA","Output":"    a_test.go:7: it broke\n"}`,
		`{"Action":"fail","Package":"a","Test":"TestA"}`,
		`{"Action":"output","Package":"a","Output":"FAIL\ta\t0.1s\n"}`,
		`{"Action":"fail","Package":"a"}`,
	)
	require.Equal(t, "    a_test.go:7: it broke\nFAIL\ta\t0.1s\n0 passed, 1 failed, 0 skipped\n", out)
	require.Error(t, s.verdict(false))
}

func TestWhatNeverEndedIsShown(t *testing.T) {
	s, out := summarize(t,
		`{"Action":"output","Package":"a","Test":"TestA","Output":"panic: no\n"}`,
		`{"Action":"fail","Package":"a"}`,
	)
	require.Equal(t, "a: TestA did not end:\npanic: no\n0 passed, 0 failed, 0 skipped\n", out)
	require.Error(t, s.verdict(false))
}

func TestCompilerAndGoAreHeard(t *testing.T) {
	s, out := summarize(t,
		`{"ImportPath":"a","Action":"build-output","Output":"a.go:1: undefined: x\n"}`,
		`{"ImportPath":"a","Action":"build-fail"}`,
		`go: no module`,
	)
	require.Equal(t, "a.go:1: undefined: x\ngo: no module\n0 passed, 0 failed, 0 skipped\n", out)
	require.Error(t, s.verdict(false))
}

func TestNoTestIsAFailure(t *testing.T) {
	s, _ := summarize(t)
	require.EqualError(t, s.verdict(false), "no test ran")
}
