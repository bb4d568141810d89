package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	FoldDigest   FoldKind = "digest"
)

// Fold is one aggregate over an expectation's events.
type Fold struct {
	Name string
	Kind FoldKind
	Of   *Program // nil for count
}

// MaxDistinct caps a distinct fold.
const MaxDistinct = 10_000

// DigestText is what a value adds to a digest; it fails for what is no text, number or
// truth, and for the empty text, which names nothing.
func DigestText(v any) (string, error) {
	text, ok := EncodeKey(v)
	if !ok {
		return "", fmt.Errorf("a digest is made of texts, numbers and truths, not of %v", v)
	}
	return text, nil
}

// DigestOf is the digest of what values have added, sorted: SHA-256 in hexadecimal of
// a line each. Values that stand twice count twice. The values are hashed as one text
// because a sum of their hashes, which would need no sorting, can be forged: whoever
// chooses many of the values finds others with the same sum.
func DigestOf(sorted []string) string {
	h := sha256.New()
	for _, text := range sorted {
		_, _ = io.WriteString(h, text+"\n") // no text of DigestText has a line break
	}
	return hex.EncodeToString(h.Sum(nil))
}

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
