package sampling

import (
	"math/big"
	"sort"

	"gonum.org/v1/gonum/mathext"

	"assay.example/assay/pkg/compliance"
)

// BinomialUpper is the exact one-sided upper bound of Clopper and Pearson for the rate
// behind k deviations among n draws: the rate at which as few as k would be as rare as
// the confidence leaves.
func BinomialUpper(n, k int, confidence float64) (float64, error) {
	if err := checkSample(n, k, confidence); err != nil {
		return 0, err
	}
	if k == n {
		return 1, nil
	}
	return mathext.InvRegIncBeta(float64(k+1), float64(n-k), confidence), nil
}

// BinomialLower is the lower bound of the same kind.
func BinomialLower(n, k int, confidence float64) (float64, error) {
	if err := checkSample(n, k, confidence); err != nil {
		return 0, err
	}
	if k == 0 {
		return 0, nil
	}
	return mathext.InvRegIncBeta(float64(k), float64(n-k+1), 1-confidence), nil
}

func checkSample(n, k int, confidence float64) error {
	if n < 1 || k < 0 || k > n || !(confidence > 0 && confidence < 1) {
		return compliance.Errorf(compliance.Invalid, "%d deviations among %d at a confidence of %v: there is no such sample", k, n, confidence)
	}
	return nil
}

// HypergeometricUpper is the most deviations that a population of size items may have,
// at a confidence, where a simple draw of n found k.
func HypergeometricUpper(size, n, k int, confidence Rate) (int, error) {
	if err := checkFinite(size, n, k, confidence); err != nil {
		return 0, err
	}
	risk := confidence.rest()
	return most(k, size-(n-k), func(bad int) bool { return hypergeometricAtMost(k, size, bad, n).atMost(risk) }), nil
}

// HypergeometricLower is the fewest.
func HypergeometricLower(size, n, k int, confidence Rate) (int, error) {
	if err := checkFinite(size, n, k, confidence); err != nil {
		return 0, err
	}
	risk := confidence.rest()
	return k + sort.Search(size-n, func(more int) bool {
		return !hypergeometricAtMost(k-1, size, k+more, n).rest().atMost(risk)
	}), nil
}

// RunsUpper is the most deviations that a population may have, where a draw by runs
// found k. How they lie in the runs isn't known, and where they are spread evenly a
// draw by runs finds fewer than a simple one. By Hoeffding's theorem (1956) as few
// as k are never likelier than in as many draws of one chance each; that
// chance is at least bad / (n · longest run). So the bound holds however they lie.
func RunsUpper(size, n, k int, confidence Rate) (int, error) {
	if err := checkFinite(size, n, k, confidence); err != nil {
		return 0, err
	}
	risk, longest := confidence.rest(), (size+n-1)/n
	return most(k, size-(n-k), func(bad int) bool {
		return binomialAtMost(k, n, big.NewRat(int64(bad), int64(n*longest))).atMost(risk)
	}), nil
}

// most is the greatest number of [least, greatest] that isn't excluded. What excludes
// a number excludes all above it.
func most(least, greatest int, excluded func(int) bool) int {
	return least + sort.Search(greatest-least, func(more int) bool { return excluded(least + more + 1) })
}

func checkFinite(size, n, k int, confidence Rate) error {
	if n < 1 || n > size || k < 0 || k > n || !confidence.proper() {
		return compliance.Errorf(compliance.Invalid, "%d deviations among %d of %d items at a confidence of %s: there is no such sample", k, n, size, confidence)
	}
	return nil
}

// SampleSize is the least sample of a large population that, with k deviations in it,
// bounds the rate by tolerable. ok is false if that takes more than mostDrawn.
func SampleSize(confidence, tolerable Rate, k int) (n int, ok bool) {
	if !confidence.proper() || !tolerable.proper() || k < 0 {
		return 0, false
	}
	risk, p := confidence.rest(), tolerable.rat()
	n = k + 1 + sort.Search(mostDrawn, func(more int) bool { return binomialAtMost(k, k+1+more, p).atMost(risk) })
	return n, n <= mostDrawn
}

// FiniteSampleSize is the same for a simple draw of a population of a known size. It is
// the whole of it where nothing less will do.
func FiniteSampleSize(size int, confidence, tolerable Rate, k int) int {
	bad := tolerable.of(size) + 1 // one more than may be
	if bad > size {
		return min(size, k+1)
	}
	risk := confidence.rest()
	return sort.Search(size, func(n int) bool {
		return n > k && hypergeometricAtMost(k, size, bad, n).atMost(risk)
	})
}

// mostDrawn is more than anybody looks at by hand.
const mostDrawn = 20_000
