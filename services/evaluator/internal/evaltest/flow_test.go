package evaltest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
)

func TestFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := evaltest.New(t, 2)
		start := compliance.InstantOf(time.Now())
		router := w.Router(w.NewLine())
		judge := w.Judge(w.NewLine(), "a")
		publisher := w.Publisher(w.NewLine())
		w.Produce(
			evaltest.Event(0, evaltest.Item, "i1", "k1", start),
			evaltest.Event(1, evaltest.Proof, "p1", "k1", start.Add(time.Minute)),
			evaltest.Event(0, evaltest.Item, "i2", "k2", start),
		)
		w.Clock(start.Add(3 * time.Hour))
		w.Eventually("violation", func() bool { return len(w.ReadCommitted(evaltest.Violations)) == 1 })
		router.Stop()
		judge.Stop()
		publisher.Stop()
		require.Len(t, w.ReadCommitted(evaltest.Verdicts), 2)
		rev, err := record.DecodeRevision(w.ReadCommitted(evaltest.Verdicts)[0].Value)
		require.NoError(t, err)
		t.Log(rev)
	})
}
