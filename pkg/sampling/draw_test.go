package sampling_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/sampling"
)

func deploys(n int) []compliance.Item {
	items := make([]compliance.Item, n)
	for i := range items {
		items[i] = compliance.Item{ID: fmt.Sprintf("deploy-%d", i+1), Time: compliance.Instant(1_782_864_000_000_000 + int64(i)*60_000_000)}
	}
	return items
}

func population(t require.TestingT, items []compliance.Item) sampling.Population {
	p, err := sampling.NewPopulation(items)
	require.NoError(t, err)
	return p
}

// The bytes that are hashed, and what follows from them, as docs/formats/sampling.md
// has them. They never change: old draws must be re-performed.
func TestGoldenDraw(t *testing.T) {
	p := population(t, deploys(12))
	require.True(t, strings.HasPrefix(string(p.Bytes()), "1782864000000000 8 deploy-1\n1782864060000000 8 deploy-2\n"))
	require.Equal(t, "09d401fbd201aa7074738488646cf90a2b6112b8111476b0cba34e4c950b4a0c", p.Hash().String())
	seed := sampling.Seed("soc2-2026", "CH-01", p.Hash())
	require.Equal(t, "e009bf11ad3e12ee119d3132b7bb5e700a02a5e426a46e107037b12278778834", seed.String())
	for method, want := range map[sampling.Method]string{sampling.Runs: "deploy-2 deploy-4 deploy-7 deploy-8 deploy-12", sampling.Simple: "deploy-2 deploy-5 deploy-7 deploy-8 deploy-9"} {
		require.Equal(t, want, strings.Join(drawn(t, p, method, "soc2-2026", "CH-01", 5), " "), method)
	}
}

func drawn(t require.TestingT, p sampling.Population, method sampling.Method, engagement, control string, n int) []string {
	picks, err := sampling.Draw(method, sampling.Seed(engagement, control, p.Hash()), p.Len(), n)
	require.NoError(t, err)
	var ids []string
	for _, pick := range picks {
		ids = append(ids, p.At(pick.Position).ID)
	}
	return ids
}

// A draw takes as many as it should, each once, in order, one of each run; the order
// in which the population is given doesn't matter.
func TestDraws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := deploys(rapid.IntRange(0, 60).Draw(t, "size"))
		n := rapid.IntRange(0, 70).Draw(t, "n")
		method := rapid.SampledFrom([]sampling.Method{sampling.Runs, sampling.Simple}).Draw(t, "method")
		p := population(t, items)
		seed := sampling.Seed("e", "c", p.Hash())
		picks, err := sampling.Draw(method, seed, p.Len(), n)
		require.NoError(t, err)
		require.Len(t, picks, min(n, len(items)))
		last, end := -1, 0
		for i, pick := range picks {
			require.Greater(t, pick.Position, last)
			last = pick.Position
			require.True(t, pick.First <= last && last < pick.End)
			if method == sampling.Runs {
				require.Equal(t, i, pick.Run)
				require.Equal(t, end, pick.First)
				end = pick.End
			}
		}
		if method == sampling.Runs && n > 0 {
			require.Equal(t, len(items), end)
		}
		shuffled := population(t, rapid.Permutation(items).Draw(t, "order"))
		require.Equal(t, p.Bytes(), shuffled.Bytes())
	})
}

// Every item can be drawn, and about as often: over many engagements a chi-squared
// statistic with 19 degrees of freedom stays below its 99.9 % quantile, 43.8.
func TestDrawsAreFair(t *testing.T) {
	p := population(t, deploys(20))
	for _, method := range []sampling.Method{sampling.Runs, sampling.Simple} {
		counts := map[string]float64{}
		const rounds = 4000
		for i := range rounds {
			for _, id := range drawn(t, p, method, strconv.Itoa(i), "CH-01", 5) {
				counts[id]++
			}
		}
		var chi float64
		const expected = rounds * 5 / 20.0
		for _, got := range counts {
			chi += (got - expected) * (got - expected) / expected
		}
		require.Len(t, counts, 20)
		require.Less(t, chi, 43.8, method)
	}
}

// Whatever is said otherwise draws otherwise, and words can't be moved from one part
// of the seed to another.
func TestSeeds(t *testing.T) {
	hash := population(t, deploys(3)).Hash()
	seen := map[compliance.Hash]bool{}
	for _, c := range [][2]string{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a\n1 b", ""}, {"a", "b\n"}} {
		seed := sampling.Seed(c[0], c[1], hash)
		require.False(t, seen[seed])
		seen[seed] = true
	}
	require.NotEqual(t, sampling.Seed("a", "b", hash), sampling.Seed("a", "b", population(t, deploys(4)).Hash()))
	_, err := sampling.NewPopulation(append(deploys(2), deploys(1)...))
	require.ErrorContains(t, err, `two items "deploy-1"`)
	_, err = sampling.Draw("lottery", hash, 9, 3)
	require.ErrorContains(t, err, "choose runs or simple")
	_, err = sampling.Draw(sampling.Runs, hash, -1, 3)
	require.Error(t, err)
}

// A draw is re-performed without any of this code.
func TestPythonDrawsTheSame(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	strange := deploys(40)
	strange[3].ID, strange[9].ID, strange[11].ID = "a b\nc", "größer", "17 3 x\n"
	strange[20].Time = -5
	for _, items := range [][]compliance.Item{deploys(12), strange} {
		p := population(t, items)
		for _, method := range []sampling.Method{sampling.Runs, sampling.Simple} {
			for _, n := range []int{5, 40} {
				cmd := exec.CommandContext(t.Context(), python, "testdata/redraw.py", string(method), strconv.Itoa(n), "soc2 2026\nü", "CH-01")
				cmd.Stdin = bytes.NewReader(p.Bytes())
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, string(out))
				want := append([]string{sampling.Seed("soc2 2026\nü", "CH-01", p.Hash()).String()}, drawn(t, p, method, "soc2 2026\nü", "CH-01", n)...)
				require.Equal(t, strings.Join(want, "\n")+"\n", string(out))
			}
		}
	}
}
