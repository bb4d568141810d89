package driver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/story"
)

// Each door hears one lie, which its vendor could have told, and which is another
// event than the true one before it.
func TestEachDoorHearsOneLie(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		s := story.New(story.Options{Seed: seed, Size: story.Small})
		tellers, lies := NewTellers(s), liesOf(s)
		heard := map[string]int{}
		for e := range s.Events() {
			lie, ok := lies[e.Event.ID]
			if !ok || e.Duplicate {
				continue
			}
			truth, told, err := tellers.Tell(e)
			require.NoError(t, err)
			require.True(t, told, "the truth before a lie is told at the door, so that it can be replayed: %v", e.Event)
			d, told, err := tellers.deliver(*tellers.vendor(lie.Source), lie)
			require.NoError(t, err)
			require.True(t, told, "%v", lie)
			require.NotEqual(t, string(truth.Body), string(d.Body))
			require.NotEqual(t, e.Event.ID, lie.ID)
			heard[d.Door.Name]++
		}
		for _, door := range tellers.Doors() {
			require.Equal(t, 1, heard[door.Name], "seed %d: %s", seed, door.Name)
		}
	}
}

// Numbers that stand for names are as many as the names.
func TestNumbersDiffer(t *testing.T) {
	t.Parallel()
	numbers := map[int64]string{}
	for e := range story.New(story.Options{}).Events() {
		if e.Barrier == nil && !e.Duplicate {
			n := number(e.Event.ID)
			require.Empty(t, numbers[n], "%s has the same", e.Event.ID)
			numbers[n] = e.Event.ID
		}
	}
}
