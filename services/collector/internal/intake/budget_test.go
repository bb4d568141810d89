package intake_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/collector/internal/intake"
)

func TestALeaseIsGivenBackByItsLastHolder(t *testing.T) {
	var held float64
	b := intake.NewBudget(100, func(delta float64) { held += delta })
	l := b.Lease()
	require.NoError(t, l.Grow(60))
	require.True(t, intake.IsFull(l.Grow(41)))
	require.NoError(t, l.Grow(40))
	l.Hold()
	l.Release()
	require.InDelta(t, 100, held, 0)
	require.True(t, intake.IsFull(b.Lease().Grow(1)))
	l.Release()
	require.Zero(t, held)
	require.NoError(t, b.Lease().Grow(100))
}

func TestABudgetIsNeverExceeded(t *testing.T) {
	var mu sync.Mutex
	var held, most float64
	b := intake.NewBudget(1000, func(delta float64) {
		mu.Lock()
		defer mu.Unlock()
		held += delta
		most = max(most, held)
	})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 1000 {
				l := b.Lease()
				_ = l.Grow(300)
				_ = l.Grow(7)
				l.Release()
			}
		})
	}
	group.Wait()
	require.Zero(t, held)
	require.LessOrEqual(t, most, 1000.0)
	require.NoError(t, b.Lease().Grow(1000))
}
