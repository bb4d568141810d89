package sampling

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Method is a way to draw.
type Method string

// The methods. Runs cuts the population, which is in the order of time, into as many
// runs as are to be drawn and takes one of each, so that no stretch of the period is
// left out. Simple gives each set of items the same chance, which is what the
// hypergeometric distribution speaks of.
const (
	Runs   Method = "runs"
	Simple Method = "simple"
)

// Pick is one place that was drawn. Positions count from 0.
type Pick struct {
	Position int
	// Run, and its positions [First, End), where the draw was by runs. Of a simple
	// draw there is one run.
	Run, First, End int
}

// Draw draws n of the positions 0 … size-1, in their order. All of them, if n is not
// less than size.
func Draw(method Method, seed compliance.Hash, size, n int) ([]Pick, error) {
	if size < 0 || n < 0 {
		return nil, compliance.Errorf(compliance.Invalid, "drawing %d of %d: neither may be negative", n, size)
	}
	switch {
	case n >= size:
		return all(size), nil
	case method == Runs:
		return byRuns(seed, size, n), nil
	case method == Simple:
		return simply(seed, size, n), nil
	}
	return nil, compliance.Errorf(compliance.Invalid, "%q is no way to draw; choose %s or %s", method, Runs, Simple)
}

func all(size int) []Pick {
	picks := make([]Pick, size)
	for i := range picks {
		picks[i] = Pick{Position: i, Run: i, First: i, End: i + 1}
	}
	return picks
}

// byRuns takes one of each of n runs. Run i has the positions from i*size/n, rounded
// down, to below (i+1)*size/n.
func byRuns(seed compliance.Hash, size, n int) []Pick {
	picks := make([]Pick, n)
	for i := range picks {
		first, end := i*size/n, (i+1)*size/n
		h := numbered(seed, i)
		// 256 bits modulo a run's length: no item's chance is off by more than 2^-190.
		at := new(big.Int).Mod(new(big.Int).SetBytes(h[:]), big.NewInt(int64(end-first)))
		picks[i] = Pick{Position: first + int(at.Int64()), Run: i, First: first, End: end}
	}
	return picks
}

// simply takes the n positions with the least hashes.
func simply(seed compliance.Hash, size, n int) []Pick {
	type ticket struct {
		hash     compliance.Hash
		position int
	}
	tickets := make([]ticket, size)
	for i := range tickets {
		tickets[i] = ticket{numbered(seed, i), i}
	}
	slices.SortFunc(tickets, func(a, b ticket) int {
		return cmp.Or(bytes.Compare(a.hash[:], b.hash[:]), cmp.Compare(a.position, b.position))
	})
	picks := make([]Pick, n)
	for i, t := range tickets[:n] {
		picks[i] = Pick{Position: t.position, First: 0, End: size}
	}
	slices.SortFunc(picks, func(a, b Pick) int { return cmp.Compare(a.Position, b.Position) })
	return picks
}

// numbered is the hash of the seed, as hex, and a number: a line of text.
func numbered(seed compliance.Hash, i int) compliance.Hash {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d\n", seed, i))
}
