package evaltest_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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

// attempts gives up, through stop, what tries to connect too often.
type attempts struct {
	n    atomic.Int64
	stop context.CancelFunc
}

func (a *attempts) OnBrokerConnect(kgo.BrokerMetadata, time.Duration, net.Conn, error) {
	if a.n.Add(1) > 1000 {
		a.stop()
	}
}

// A client whose line is cut before it has a producer's id waits before it tries again,
// as it does when a real broker is gone. Else time would stand still in a bubble.
func TestCutLineIsNoBusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := evaltest.New(t, 1)
		line := w.NewLine()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		tries := &attempts{stop: cancel}
		w.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Observe: true, When: func(kmsg.Request) bool {
			line.Cut()
			return true
		}})
		cl := w.NewClient(append(line.Opts(), kgo.WithHooks(tries))...)
		require.Error(t, cl.ProduceSync(ctx, &kgo.Record{Topic: evaltest.Access}).FirstErr())
		require.Less(t, tries.n.Load(), int64(100))
	})
}
