package consume

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What was given and taken again before anyone looked is not to be begun: another
// member may have committed since. What is given again after that is.
func TestTakeForgetsWhatIsGone(t *testing.T) {
	p, q := Partition{"t", 1}, Partition{"t", 2}
	a := &Assignments{pending: []Change{
		{Partition: p, Committed: None},
		{Partition: q, Committed: 3},
		{Partition: p, Taken: true},
	}}
	require.Equal(t, []Change{{Partition: q, Committed: 3}, {Partition: p, Taken: true}}, a.Take())
	require.Empty(t, a.Take())
	a.pending = []Change{{Partition: p, Committed: 4}, {Partition: p, Taken: true}, {Partition: p, Committed: 9}}
	require.Equal(t, []Change{{Partition: p, Taken: true}, {Partition: p, Committed: 9}}, a.Take())
}
