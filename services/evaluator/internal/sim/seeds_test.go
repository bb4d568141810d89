package sim_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The variables that choose the seeds.
const (
	seedEnv  = "ASSAY_TEST_SEED"    // one seed, or the first
	seedsEnv = "ASSAY_TEST_SEEDS"   // how many
	tallyEnv = "ASSAY_TEST_TALLY"   // a file for what was counted
	storyEnv = "ASSAY_TEST_STORIES" // a folder for what happened, a file a seed
	standard = 150
)

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// TestSimulation: whatever fails when, the log ends up with what the oracle says,
// each revision once.
func TestSimulation(t *testing.T) {
	first, n := number(t, seedEnv, 1), uint64(standard)
	if os.Getenv(seedEnv) != "" {
		n = 1
	}
	n = number(t, seedsEnv, n)
	if !durable {
		t.Skip("the client's locks stop virtual time; build the tests with -tags synctests, as make does")
	}
	ruleSets(t) // outside of any bubble
	sum := tally{}
	began := time.Now()
	for seed := first; seed < first+n; seed++ {
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, seed)
				s.run()
				sum.add(s)
				s.write(os.Getenv(storyEnv))
			})
		}) {
			t.Errorf("seed %d failed: make sim SEED=%d TIMES=20 plays it again", seed, seed)
			break
		}
	}
	t.Logf("%d seeds in %s\n%s", sum["seeds"], time.Since(began).Round(time.Millisecond), sum)
	if file := os.Getenv(tallyEnv); file != "" {
		require.NoError(t, os.WriteFile(file, []byte(sum.String()), 0o600))
	}
}

// write keeps the story of a seed that went well.
func (s *sim) write(folder string) {
	if folder != "" {
		story := strings.Join(s.trace, "\n") + "\n"
		require.NoError(s.t, os.WriteFile(filepath.Join(folder, strconv.FormatUint(s.seed, 10)), []byte(story), 0o600))
	}
}

// tally counts over seeds.
type tally map[string]int

func (c tally) add(s *sim) {
	c["seeds"]++
	for what, n := range s.injected {
		c[what] += n
	}
}

func (c tally) String() string {
	var text strings.Builder
	for _, what := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&text, "%8d %s\n", c[what], what)
	}
	return text.String()
}
