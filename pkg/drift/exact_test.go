package drift_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/drift"
)

// Published examples: Fisher's tea tasting (1935), and the twins of Johnny and Banks that
// he took convictions of (1934), as R's fisher.test prints both.
func TestFisher(t *testing.T) {
	require.InDelta(t, 0.4857, drift.Fisher(drift.Count{Bad: 3, Of: 4}, drift.Count{Bad: 1, Of: 4}), 0.00005)
	require.InDelta(t, 0.0005367, drift.Fisher(drift.Count{Bad: 2, Of: 17}, drift.Count{Bad: 10, Of: 13}), 0.00000005)
	require.InDelta(t, 1, drift.Fisher(drift.Count{Bad: 0, Of: 9}, drift.Count{Bad: 0, Of: 4}), 0)
}

// Every small table, against whole numbers.
func TestFisherAgainstWholeNumbers(t *testing.T) {
	for n1 := 1; n1 <= 9; n1++ {
		for n2 := 1; n2 <= 9; n2++ {
			for k1 := range n1 + 1 {
				for k2 := range n2 + 1 {
					want, _ := exactly(k1, n1, k2, n2).Float64()
					require.InDelta(t, want, drift.Fisher(drift.Count{Bad: k1, Of: n1}, drift.Count{Bad: k2, Of: n2}), 1e-10, "%d/%d %d/%d", k1, n1, k2, n2)
				}
			}
		}
	}
	want, _ := exactly(40, 1000, 90, 1200).Float64()
	require.InEpsilon(t, want, drift.Fisher(drift.Count{Bad: 40, Of: 1000}, drift.Count{Bad: 90, Of: 1200}), 1e-9)
}

func exactly(k1, n1, k2, n2 int) *big.Rat {
	ways := func(k int) *big.Int {
		b := new(big.Int).Binomial(int64(n1), int64(k))
		return b.Mul(b, new(big.Int).Binomial(int64(n2), int64(k1+k2-k)))
	}
	sum := new(big.Int)
	for k := max(0, k1+k2-n2); k <= min(n1, k1+k2); k++ {
		if ways(k).Cmp(ways(k1)) <= 0 {
			sum.Add(sum, ways(k))
		}
	}
	return new(big.Rat).SetFrac(sum, new(big.Int).Binomial(int64(n1+n2), int64(k1+k2)))
}

// The example of Benjamini and Hochberg (1995), 15 tests of a treatment after a heart
// attack: at 0.05 their procedure rejects the first four, Bonferroni's three.
func TestBenjaminiHochberg(t *testing.T) {
	ps := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000}
	qs := drift.BenjaminiHochberg(ps)
	for i, q := range qs {
		require.Equal(t, i < 4, q <= 0.05, "%d: %v", i, q)
		require.GreaterOrEqual(t, q, ps[i])
	}
	require.InDelta(t, 0.0095*15/4, qs[3], 1e-12)
	// The order in which they come doesn't matter; an adjusted value never exceeds that of a greater p.
	require.Equal(t, []float64{0.04, 0.02, 0.04}, drift.BenjaminiHochberg([]float64{0.04, 0.02 / 3, 0.03}))
	require.Empty(t, drift.BenjaminiHochberg(nil))
}
