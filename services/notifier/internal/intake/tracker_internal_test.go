package intake

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever is finished in which order, nothing at or above the first unfinished
// record is committed, and when all is finished everything is.
func TestTracker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		next := rapid.Int64Range(0, 5).Draw(t, "start")
		tr := newTracker(next)
		unfinished := map[int64]bool{}
		check := func() {
			want := next
			for offset := range unfinished {
				want = min(want, offset)
			}
			require.Equal(t, want, tr.low())
		}
		for range rapid.IntRange(0, 50).Draw(t, "steps") {
			if len(unfinished) == 0 || rapid.Bool().Draw(t, "begin") {
				next += rapid.Int64Range(0, 2).Draw(t, "hole")
				tr.begin(next)
				unfinished[next] = true
				next++
			} else {
				var open []int64
				for o := int64(0); o < next; o++ {
					if unfinished[o] {
						open = append(open, o)
					}
				}
				o := rapid.SampledFrom(open).Draw(t, "finish")
				tr.finish(o)
				delete(unfinished, o)
			}
			check()
		}
		require.LessOrEqual(t, len(tr.finished), len(tr.pending), "it forgets what is committed")
	})
}
