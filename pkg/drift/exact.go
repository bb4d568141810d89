package drift

import (
	"cmp"
	"math"
	"slices"
)

// Fisher is the two-sided p-value of Fisher's exact test: of all tables with these sums,
// how likely are those that are no likelier than this one.
func Fisher(a, b Count) float64 {
	size, bad := a.Of+b.Of, a.Bad+b.Bad
	h := newHypergeometric(size)
	seen := h.log(a.Bad, a.Of, bad, size)
	// Tables that are as likely differ in the last digits of their logarithms.
	const same = 1e-7
	p := 0.0
	for k := max(0, a.Of-(size-bad)); k <= min(a.Of, bad); k++ {
		if l := h.log(k, a.Of, bad, size); l <= seen+same {
			p += math.Exp(l)
		}
	}
	return min(1, p)
}

// hypergeometric holds logarithms of factorials.
type hypergeometric []float64

func newHypergeometric(size int) hypergeometric {
	h := make(hypergeometric, size+1)
	for i := 1; i <= size; i++ {
		h[i] = h[i-1] + math.Log(float64(i))
	}
	return h
}

// log is the logarithm of the chance of k bad ones among n drawn of size, bad of which
// are bad.
func (h hypergeometric) log(k, n, bad, size int) float64 {
	if k < 0 || k > n || k > bad || n-k > size-bad {
		return math.Inf(-1)
	}
	return h.choose(bad, k) + h.choose(size-bad, n-k) - h.choose(size, n)
}

func (h hypergeometric) choose(n, k int) float64 { return h[n] - h[k] - h[n-k] }

// BenjaminiHochberg adjusts p-values of many tests: what is at most q stays below a share
// of q of false discoveries, on average, for tests that are independent or depend
// positively (Benjamini and Hochberg 1995, Benjamini and Yekutieli 2001).
func BenjaminiHochberg(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ps[b], ps[a]) })
	adjusted, least := make([]float64, len(ps)), 1.0
	for place, i := range order {
		least = min(least, ps[i]*float64(len(ps))/float64(len(ps)-place))
		adjusted[i] = least
	}
	return adjusted
}
