// Package sampling draws samples of a control's population and says what a sample
// proves. It guarantees that a draw follows from the engagement, the control and the
// population alone, so that neither side can draw again for a better one; that anybody
// can re-perform it with SHA-256 and a division; and that bounds are exact, or err
// on the careful side.
//
// The bytes that are hashed, and the plans, are described in docs/formats/sampling.md.
package sampling

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Population are the items to draw from, in the order of (time, id).
type Population struct{ items []compliance.Item }

// NewPopulation sorts items. It refuses two of one id: which of them was drawn could
// not be told.
func NewPopulation(items []compliance.Item) (Population, error) {
	sorted := slices.Clone(items)
	slices.SortFunc(sorted, func(a, b compliance.Item) int { return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID)) })
	seen := make(map[string]bool, len(sorted))
	for _, it := range sorted {
		if seen[it.ID] {
			return Population{}, compliance.Errorf(compliance.Conflict, "the population has two items %q; an item must be in it once", it.ID)
		}
		seen[it.ID] = true
	}
	return Population{sorted}, nil
}

// Len is how many items there are.
func (p Population) Len() int { return len(p.items) }

// At is the item at a position, counted from 0.
func (p Population) At(position int) compliance.Item { return p.items[position] }

// Bytes is the population as it is hashed: a line an item, with its time in
// microseconds since 1970, the length of its id in bytes, and the id. The length makes
// an id with a line break or a blank unmistakable.
func (p Population) Bytes() []byte {
	var b bytes.Buffer
	for _, it := range p.items {
		fmt.Fprintf(&b, "%d %d %s\n", int64(it.Time), len(it.ID), it.ID)
	}
	return b.Bytes()
}

// Hash is the SHA-256 of Bytes.
func (p Population) Hash() compliance.Hash { return sha256.Sum256(p.Bytes()) }

// Seed is what all chance of a draw comes from: the SHA-256 of the engagement, the
// control and the population's hash. The engagement is named before the population
// is known, in the engagement letter.
func Seed(engagement, control string, population compliance.Hash) compliance.Hash {
	text := fmt.Sprintf("assay/draw/v1\n%d %s\n%d %s\n%s\n", len(engagement), engagement, len(control), control, population)
	return sha256.Sum256([]byte(text))
}
