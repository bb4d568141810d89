package stream_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/stream"
)

// attempts counts the connections that a client tries to make.
type attempts struct{ n atomic.Int64 }

func (a *attempts) OnBrokerConnect(kgo.BrokerMetadata, time.Duration, net.Conn, error) { a.n.Add(1) }

// TestFailedHandshakeIsNoBusyLoop: a producer that meets a failing handshake before its
// first record is written, here as its certificate is gone, waits before it tries again.
func TestFailedHandshakeIsNoBusyLoop(t *testing.T) {
	ca := newAuthority(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "assay.violations"), kfake.TLS(ca.serverTLS(t)))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	cfg := stream.Default()
	cfg.Brokers = cluster.ListenAddrs()
	cfg.TLS = stream.TLS{Enabled: true, CAFile: ca.file}
	cfg.TLS.CertFile, cfg.TLS.KeyFile = ca.issue(t)
	cluster.ControlKey(kmsg.InitProducerID.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return nil, errors.Join(errors.New("the connection is closed"), os.Remove(cfg.TLS.CertFile)), true
	})
	tries := &attempts{}
	opts, err := cfg.Options(zerolog.Nop())
	require.NoError(t, err)
	cl, err := kgo.NewClient(append(opts, kgo.WithHooks(tries))...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, stream.Ping(t.Context(), cl, 5*time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.Error(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "assay.violations"}).FirstErr())
	require.Less(t, tries.n.Load(), int64(50))
}
