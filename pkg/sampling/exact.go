package sampling

import "math/big"

// Tails of distributions in whole numbers: no rounding, so they are right where
// they can be afforded.

// tail is a probability as a quotient of whole numbers.
type tail struct{ part, whole *big.Int }

// atMost says whether it is at most p.
func (t tail) atMost(p *big.Rat) bool {
	left := new(big.Int).Mul(t.part, p.Denom())
	return left.Cmp(new(big.Int).Mul(t.whole, p.Num())) <= 0
}

// binomialAtMost is the probability of at most k among n draws of chance p each.
func binomialAtMost(k, n int, p *big.Rat) tail {
	hit, miss := p.Num(), new(big.Int).Sub(p.Denom(), p.Num())
	sum := new(big.Int)
	for j := 0; j <= min(k, n); j++ {
		term := new(big.Int).Binomial(int64(n), int64(j))
		term.Mul(term, power(hit, j))
		sum.Add(sum, term.Mul(term, power(miss, n-j)))
	}
	return tail{sum, power(p.Denom(), n)}
}

// hypergeometricAtMost is the probability of at most k deviations among n drawn of
// size items, bad of which deviate.
func hypergeometricAtMost(k, size, bad, n int) tail {
	sum := new(big.Int)
	for j := 0; j <= min(k, n, bad); j++ {
		term := new(big.Int).Binomial(int64(bad), int64(j))
		sum.Add(sum, term.Mul(term, new(big.Int).Binomial(int64(size-bad), int64(n-j))))
	}
	return tail{sum, new(big.Int).Binomial(int64(size), int64(n))}
}

// rest is one minus the probability of at most k-1.
func (t tail) rest() tail { return tail{new(big.Int).Sub(t.whole, t.part), t.whole} }

func power(base *big.Int, n int) *big.Int { return new(big.Int).Exp(base, big.NewInt(int64(n)), nil) }
