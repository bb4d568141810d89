package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

type pair struct{ name, value int }

func (p pair) key() int { return p.name }

// few is a map, however long its list gets and shrinks.
func TestFewIsAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var m few[int, pair]
		want := map[int]int{}
		for range 300 {
			switch k := r.IntN(4 * longList); r.IntN(8) {
			case 0, 1, 2, 3:
				m.set(pair{k, r.Int()})
				want[k] = m.get(k).value
			case 4, 5:
				m.drop(k)
				delete(want, k)
			case 6:
				mod := 1 + r.IntN(9)
				m.dropIf(func(p pair) bool {
					require.Equal(t, want[p.name], p.value)
					return p.name%mod == 0
				}, func(p pair) {
					require.Equal(t, want[p.name], p.value)
					delete(want, p.name)
				})
				for k := range want {
					require.NotZero(t, k%mod)
				}
			}
			got := map[int]int{}
			for _, e := range m.list {
				got[e.value.name] = m.get(e.value.name).value
			}
			require.Equal(t, want, got)
			require.Equal(t, len(want), m.len())
			require.Len(t, slices.Collect(m.values()), m.len())
			k := r.IntN(4 * longList)
			require.Equal(t, want[k], m.get(k).value)
		}
	}
}

// Endings come in the order of their times, whenever they were added.
func TestEndingsComeInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var e endings
	held := map[*group]compliance.Instant{}
	for range 5_000 {
		if r.IntN(3) > 0 {
			g, at := &group{}, compliance.Instant(r.IntN(1000))
			held[g] = at
			e.add(g, at)
			continue
		}
		w, last := compliance.Instant(r.IntN(1000)), compliance.Ever
		e.popBefore(w, func(g *group) {
			require.Less(t, held[g], w)
			require.GreaterOrEqual(t, held[g], last)
			last = held[g]
			delete(held, g)
		})
		for _, at := range held {
			require.GreaterOrEqual(t, at, w)
		}
	}
}
