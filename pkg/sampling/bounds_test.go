package sampling_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/sampling"
)

// The least sample for which the upper bound is at most the tolerable rate: values as
// auditors' tables have them.
func TestSampleSizes(t *testing.T) {
	for tolerable, want := range map[string][6]int{
		"0.02": {149, 236, 313, 114, 194, 265},
		"0.03": {99, 157, 208, 76, 129, 176},
		"0.05": {59, 93, 124, 45, 77, 105},
		"0.07": {42, 66, 88, 32, 55, 75},
		"0.10": {29, 46, 61, 22, 38, 52},
	} {
		for i, n := range want {
			confidence, k := []string{"0.95", "0.90"}[i/3], i%3
			got, ok := sampling.SampleSize(sampling.MustRate(confidence), sampling.MustRate(tolerable), k)
			require.True(t, ok)
			require.Equal(t, n, got, "%s, %s, %d", confidence, tolerable, k)
			// The bound says the same, by way of the incomplete beta function.
			for _, at := range []struct {
				n      int
				enough bool
			}{{n, true}, {n - 1, false}} {
				upper, err := sampling.BinomialUpper(at.n, k, sampling.MustRate(confidence).Float())
				require.NoError(t, err)
				require.Equal(t, at.enough, upper <= sampling.MustRate(tolerable).Float(), "n=%d: %v", at.n, upper)
			}
		}
	}
}

// What habitual sizes buy, in percent at 95 and 90 %.
func TestBinomialUpper(t *testing.T) {
	for _, c := range []struct {
		n, k     int
		u95, u90 float64
	}{{25, 0, 11.3, 8.8}, {25, 1, 17.6, 14.7}, {40, 0, 7.2, 5.6}, {60, 0, 4.9, 3.8}, {5, 0, 45, 37}} {
		for confidence, want := range map[float64]float64{0.95: c.u95, 0.90: c.u90} {
			got, err := sampling.BinomialUpper(c.n, c.k, confidence)
			require.NoError(t, err)
			half := 0.05
			if want >= 30 {
				half = 0.5 // these two are given in whole percents
			}
			require.InDelta(t, want, 100*got, half+1e-9, "%d of %d", c.k, c.n)
		}
	}
	whole, err := sampling.BinomialUpper(7, 7, 0.95)
	require.NoError(t, err)
	require.Equal(t, 1.0, whole) //nolint:testifylint // exactly one
	none, err := sampling.BinomialLower(7, 0, 0.95)
	require.NoError(t, err)
	require.Zero(t, none)
}

// The bounds of Clopper and Pearson, computed from the beta function, against the
// binomial distribution summed in whole numbers: a little more than the bound is
// excluded, a little less is not. Upper and lower bounds mirror each other.
func TestBinomialBoundsAgainstExactTails(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 10, 25, 40, 60, 149} {
		for _, k := range []int{0, 1, 2, n / 3, n - 1, n} {
			if k > n || k < 0 {
				continue
			}
			for _, c := range []string{"0.8", "0.90", "0.95", "0.99"} {
				confidence := sampling.MustRate(c)
				upper, err := sampling.BinomialUpper(n, k, confidence.Float())
				require.NoError(t, err)
				lower, err := sampling.BinomialLower(n, n-k, confidence.Float())
				require.NoError(t, err)
				require.InDelta(t, 1-upper, lower, 1e-12)
				if k == n {
					continue
				}
				risk := new(big.Rat).Sub(big.NewRat(1, 1), ratOf(t, c))
				require.Positive(t, atMost(k, n, nudged(t, upper, -1e-9)).Cmp(risk), "%d of %d at %s", k, n, c)
				require.Negative(t, atMost(k, n, nudged(t, upper, 1e-9)).Cmp(risk), "%d of %d at %s", k, n, c)
			}
		}
	}
}

func ratOf(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	require.True(t, ok)
	return r
}

func nudged(t *testing.T, f, by float64) *big.Rat {
	t.Helper()
	r := new(big.Rat).SetFloat64(math.Min(1, math.Max(0, f+by)))
	require.NotNil(t, r)
	return r
}

// atMost is the binomial distribution, term by term, in whole numbers over one denominator.
func atMost(k, n int, p *big.Rat) *big.Rat {
	hit, miss := p.Num(), new(big.Int).Sub(p.Denom(), p.Num())
	sum, whole := new(big.Int), new(big.Int).Exp(p.Denom(), big.NewInt(int64(n)), nil)
	for j := range k + 1 {
		term := new(big.Int).Binomial(int64(n), int64(j))
		term.Mul(term, new(big.Int).Exp(hit, big.NewInt(int64(j)), nil))
		sum.Add(sum, term.Mul(term, new(big.Int).Exp(miss, big.NewInt(int64(n-j)), nil)))
	}
	return new(big.Rat).SetFrac(sum, whole)
}

// Small populations at 90 %: what may be bad where nothing was found.
func TestHypergeometricUpper(t *testing.T) {
	for _, c := range []struct{ size, n, bad int }{{4, 2, 2}, {12, 4, 4}, {52, 10, 9}, {250, 25, 20}, {250, 40, 12}} {
		got, err := sampling.HypergeometricUpper(c.size, c.n, 0, sampling.MustRate("0.90"))
		require.NoError(t, err)
		require.Equal(t, c.bad, got, "%d of %d", c.n, c.size)
	}
}

// Every small population, counted out: of all ways to draw, at most the risk finds as
// few as were found, for each number above the bound, and more for the bound itself.
func TestHypergeometricBoundsByCounting(t *testing.T) {
	confidence := sampling.MustRate("0.9")
	for size := 1; size <= 9; size++ {
		for n := 1; n <= size; n++ {
			for k := 0; k <= n; k++ {
				upper, err := sampling.HypergeometricUpper(size, n, k, confidence)
				require.NoError(t, err)
				lower, err := sampling.HypergeometricLower(size, n, k, confidence)
				require.NoError(t, err)
				for bad := k; bad <= size-(n-k); bad++ {
					few, many, all := count(size, n, bad, k)
					require.Equal(t, bad <= upper, 10*few > all, "at most %d of %d in %d with %d", k, n, size, bad)
					require.Equal(t, bad >= lower, 10*many > all, "at least %d of %d in %d with %d", k, n, size, bad)
				}
			}
		}
	}
}

// count goes through all sets of n: how many have at most and at least k of the first bad.
func count(size, n, bad, k int) (few, many, all int) {
	for set := range 1 << size {
		members, hits := 0, 0
		for i := range size {
			if set>>i&1 == 1 {
				members++
				if i < bad {
					hits++
				}
			}
		}
		if members != n {
			continue
		}
		all++
		if hits <= k {
			few++
		}
		if hits >= k {
			many++
		}
	}
	return few, many, all
}

// However deviations lie in the runs, a number above the bound finds as few with at
// most the risk. The hypergeometric bound doesn't hold for such a draw, which is
// why there are two.
func TestRunsUpperHoldsForEveryArrangement(t *testing.T) {
	confidence, risk := sampling.MustRate("0.9"), big.NewRat(1, 10)
	broken := 0
	for size := 1; size <= 9; size++ {
		for n := 1; n < size; n++ {
			for k := 0; k < min(n, 3); k++ {
				upper, err := sampling.RunsUpper(size, n, k, confidence)
				require.NoError(t, err)
				simple, err := sampling.HypergeometricUpper(size, n, k, confidence)
				require.NoError(t, err)
				for bad := range size + 1 {
					worst := worstArrangement(size, n, k, bad)
					if bad > upper {
						require.LessOrEqual(t, worst.Cmp(risk), 0, "%d of %d found %d, %d deviate: %s", n, size, k, bad, worst.FloatString(4))
					}
					if bad > simple && worst.Cmp(risk) > 0 {
						broken++
					}
				}
			}
		}
	}
	require.Positive(t, broken, "the hypergeometric bound would do for runs, too")
}

// worstArrangement is the greatest chance of at most k, over all ways to lay bad
// deviations into n runs.
func worstArrangement(size, n, k, bad int) *big.Rat {
	worst := new(big.Rat)
	var lay func(run, left int, chances []*big.Rat)
	lay = func(run, left int, chances []*big.Rat) {
		length := (run+1)*size/n - run*size/n
		if run == n-1 {
			if left <= length {
				if p := atMostOf(append(chances, big.NewRat(int64(left), int64(length))), k); p.Cmp(worst) > 0 {
					worst = p
				}
			}
			return
		}
		for here := 0; here <= min(left, length); here++ {
			lay(run+1, left-here, append(slices.Clip(chances), big.NewRat(int64(here), int64(length))))
		}
	}
	lay(0, bad, nil)
	return worst
}

// atMostOf is the chance that at most k of independent draws hit.
func atMostOf(chances []*big.Rat, k int) *big.Rat {
	exactly := []*big.Rat{big.NewRat(1, 1)}
	for _, p := range chances {
		next := make([]*big.Rat, len(exactly)+1)
		for i := range next {
			next[i] = new(big.Rat)
		}
		q := new(big.Rat).Sub(big.NewRat(1, 1), p)
		for i, was := range exactly {
			next[i].Add(next[i], new(big.Rat).Mul(was, q))
			next[i+1].Add(next[i+1], new(big.Rat).Mul(was, p))
		}
		exactly = next
	}
	sum := new(big.Rat)
	for _, p := range exactly[:min(k+1, len(exactly))] {
		sum.Add(sum, p)
	}
	return sum
}

// 95 %, none expected, 10 % tolerable: 29 items for a population of 66 or more is what
// 40 CFR 80.127 asks for; the exact size for 66 is less, and grows to 29.
func TestFiniteSampleSize(t *testing.T) {
	confidence, tolerable := sampling.MustRate("0.95"), sampling.MustRate("0.10")
	last := 0
	for _, size := range []int{1, 5, 10, 20, 66, 200, 1000, 5000} {
		n := sampling.FiniteSampleSize(size, confidence, tolerable, 0)
		require.GreaterOrEqual(t, n, last)
		require.LessOrEqual(t, n, 29)
		last = n
		upper, err := sampling.HypergeometricUpper(size, n, 0, confidence)
		require.NoError(t, err)
		require.LessOrEqual(t, 10*upper, size, "%d of %d", n, size)
		if n > 1 {
			upper, err = sampling.HypergeometricUpper(size, n-1, 0, confidence)
			require.NoError(t, err)
			require.Greater(t, 10*upper, size, "%d of %d would do", n-1, size)
		}
	}
	require.Equal(t, 29, last)
	require.Equal(t, 1, sampling.FiniteSampleSize(3, confidence, sampling.MustRate("1"), 0))
}

func TestACensusHasNoBound(t *testing.T) {
	for _, method := range []sampling.Method{sampling.Runs, sampling.Simple} {
		_, ok, err := sampling.NewBound(method, 12, 12, 0, sampling.MustRate("0.95"))
		require.NoError(t, err)
		require.False(t, ok)
	}
	b, ok, err := sampling.NewBound(sampling.Simple, 250, 25, 0, sampling.MustRate("0.90"))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, sampling.Bound{Confidence: sampling.MustRate("0.90"), Deviations: 20, Rate: 0.08, Method: "hypergeometric"}, b)
	b, ok, err = sampling.NewBound(sampling.Runs, 1_000_000, 25, 1, sampling.MustRate("0.95"))
	require.NoError(t, err)
	require.True(t, ok)
	require.InDelta(t, 0.176, b.Rate, 0.0005)
	require.Equal(t, "binomial", b.Method)
}

func TestWhatIsNoSample(t *testing.T) {
	for _, c := range [][3]int{{0, 0, 0}, {10, 11, 0}, {10, 5, 6}, {10, 5, -1}} {
		_, err := sampling.HypergeometricUpper(c[0], c[1], c[2], sampling.MustRate("0.9"))
		require.ErrorContains(t, err, "there is no such sample")
		_, err = sampling.RunsUpper(c[0], c[1], c[2], sampling.MustRate("0.9"))
		require.Error(t, err)
	}
	_, err := sampling.BinomialUpper(10, 1, 1)
	require.Error(t, err)
	_, err = sampling.BinomialLower(10, 1, math.NaN())
	require.Error(t, err)
	_, ok := sampling.SampleSize(sampling.MustRate("0.999999"), sampling.MustRate("0.000001"), 0)
	require.False(t, ok)
	for _, text := range []string{"", "1.1", "-0.1", "a", "1e-900000000", "0.00000000000001"} {
		_, err := sampling.ParseRate(text)
		require.Error(t, err, text)
	}
}
