package control

import (
	"errors"
	"math/big"
)

// FoldKind names an aggregate.
type FoldKind string

// The folds. All are exact and don't depend on order: a float64 running sum
// differs after a shuffle, so sums are kept as fractions and rounded once.
const (
	FoldCount    FoldKind = "count"
	FoldSum      FoldKind = "sum"
	FoldMin      FoldKind = "min"
	FoldMax      FoldKind = "max"
	FoldDistinct FoldKind = "distinct"
)

// Fold is one aggregate over an expectation's events.
type Fold struct {
	Name string
	Kind FoldKind
	Of   *Program // nil for count
}

// MaxDistinct caps a distinct fold.
const MaxDistinct = 10_000

// Fraction is a number as a fraction; ok is false for what is no number.
func Fraction(v any) (r *big.Rat, ok bool) {
	switch n := v.(type) {
	case int64:
		return new(big.Rat).SetInt64(n), true
	case float64:
		r = new(big.Rat).SetFloat64(n)
		return r, r != nil
	}
	return nil, false
}

// Rounded is the CEL value of an exact sum: an int if all that went in were
// ints, else the nearest double.
func Rounded(sum *big.Rat, ints bool) (any, error) {
	if !ints {
		f, _ := sum.Float64()
		return f, nil
	}
	if !sum.Num().IsInt64() {
		return nil, errors.New("a sum is larger than 64 bits")
	}
	return sum.Num().Int64(), nil
}
