package notifier_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/notifier"
	"assay.example/assay/services/notifier/internal/receivertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// One of each kind hears of a violation and of its end, over Kafka and TLS, and
// every attempt is on record.
func TestEveryKindIsTold(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.targets()
	r := w.start()
	w.publish(opened("d-1"), opened("d-2"))
	w.eventually("opened", func() bool { return w.pager.Open() == 2 && len(w.am.Firing()) == 2 })
	w.publish(corrected("d-1"))
	w.eventually("resolved", func() bool { return w.pager.Open() == 1 && len(w.am.Firing()) == 1 })
	said := func(g []receivertest.Received) string {
		var all strings.Builder
		for _, one := range g {
			all.Write(one.Body)
		}
		return all.String()
	}
	w.eventually("told", func() bool {
		return strings.Contains(said(w.hook.Taken()), "default/CH-01/d-1#2") && strings.Contains(said(w.slack.Taken()), "Corrected")
	})
	w.eventually("committed", func() bool {
		return w.committed("hook") == 3 && w.committed("chat") == 3 && w.committed("oncall") == 3 && w.committed("prom") == 3
	})
	r.stop()
	require.Equal(t, []string{"trigger", "resolve"}, w.pager.Events("default/CH-01/d-1"))
	for _, target := range []string{"hook", "chat", "oncall", "prom"} {
		require.Equal(t, []record.DeliveryOutcome{record.Delivered}, w.outcomes(target, "default/CH-01/d-1#2"), target)
	}
	for _, d := range w.deliveries() {
		require.Empty(t, d.Error)
		require.NotZero(t, d.RequestSHA256)
	}
}

// While one target is dead, the others hear of everything, and what the dead one
// missed is delivered in order when it lives again, also by the next notifier.
func TestDeadTargetBlocksNobody(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.targets()
	w.cfg.Queue = 5
	w.hook.Fail(1<<30, http.StatusServiceUnavailable, "", nil)
	r := w.start()
	for i := range 50 {
		w.publish(opened(strconv.Itoa(i)))
	}
	for i := range 25 {
		w.publish(corrected(strconv.Itoa(i)))
	}
	w.eventually("the living are told", func() bool { return w.pager.Open() == 25 && len(w.am.Firing()) == 25 && w.committed("oncall") == 75 })
	require.Empty(t, w.hook.Taken())
	require.Less(t, w.committed("hook"), int64(75), "what is not finished is not committed")
	r.stop()

	w.hook = receivertest.NewWebhook(hookSecret)
	w.cfg.Targets[0].URL = settings.Secret(w.listen(w.hook) + "/in")
	r = w.start()
	w.eventually("the dead one hears of it all", func() bool { return w.committed("hook") == 75 })
	r.stop()
	order := map[string][]string{}
	for _, d := range w.deliveries() {
		for i, item := range d.Items {
			if d.Target == "hook" && d.Outcome == record.Delivered {
				order[item] = append(order[item], d.Violations[i])
			}
		}
	}
	require.Len(t, order, 50)
	for item, ids := range order {
		want := []string{"default/CH-01/" + item + "#1"}
		if n := len(item); n == 1 || item < "25" {
			want = append(want, "default/CH-01/"+item+"#2")
		}
		require.Equal(t, want, ids)
	}
}

// A restart delivers nothing again, knows what is open, and heeds no repetition.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.targets()
	w.publish(opened("before")) // a target that is new begins with what comes from now on
	r := w.start()
	require.EqualValues(t, 1, w.committed("hook"), "it is told to Kafka before anybody relies on it")
	w.publish(opened("a"), opened("b"), opened("quiet"))
	w.eventually("committed", func() bool {
		return w.committed("hook") == 4 && w.committed("oncall") == 4 && w.committed("prom") == 4 && w.committed("chat") == 4
	})
	r.stop()
	require.Equal(t, 3, w.pager.Open())
	alerts := len(w.am.Got())
	w.publish(opened("a"), corrected("b"), opened("c")) // the publisher repeats; b ends while nobody runs

	w.cfg.Resend = 50 * time.Millisecond
	r = w.start()
	w.eventually("told", func() bool { return w.pager.Open() == 3 && w.committed("oncall") == 7 && w.committed("hook") == 7 })
	require.Equal(t, []string{"trigger"}, w.pager.Events("default/CH-01/a"))
	require.Equal(t, []string{"trigger", "resolve"}, w.pager.Events("default/CH-01/b"))
	require.Empty(t, w.pager.Events("default/CH-01/before"))
	w.eventually("Alertmanager is told again what is open", func() bool {
		_, a := w.am.Firing()["a"]
		_, b := w.am.Firing()["b"]
		_, c := w.am.Firing()["c"]
		quiet := slices.ContainsFunc(w.am.Got()[alerts:], func(g receivertest.Received) bool { return strings.Contains(string(g.Body), `"item":"quiet"`) })
		return a && !b && c && quiet
	})
	r.stop()
	ids := map[string]int{}
	for _, g := range w.hook.Taken() {
		ids[g.Header.Get("webhook-id")]++
	}
	for id, n := range ids {
		require.Equal(t, 1, n, id)
	}
	require.Equal(t, []record.DeliveryOutcome{record.Delivered}, w.outcomes("hook", "default/CH-01/a#1"))
}

// A group that is lost, or a log that is made anew, reads everything again: what was
// delivered isn't delivered again, what was refused is.
func TestReadAgainFromTheBeginning(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.targets()
	w.pager.Fail(1, http.StatusBadRequest, "default/CH-01/c", nil)
	w.pager.Fail(1, http.StatusBadRequest, "default/CH-01/e", nil)
	r := w.start()
	w.publish(opened("a"), corrected("a"), opened("b"), opened("c"), opened("e"), corrected("e"))
	w.eventually("committed", func() bool { return w.committed("hook") == 6 && w.committed("oncall") == 6 && w.committed("chat") == 6 })
	r.stop()
	admin := kadm.NewClient(w.kafka)
	for _, target := range []string{"hook", "oncall", "chat"} {
		start, err := admin.ListStartOffsets(t.Context(), w.cfg.Kafka.Topic("violations"))
		require.NoError(t, err)
		require.NoError(t, admin.CommitAllOffsets(t.Context(), w.cfg.Group+"."+target, start.Offsets()))
	}
	hooks, chats := len(w.hook.Got()), len(w.slack.Got())
	r = w.start()
	w.publish(opened("d"))
	w.eventually("read again", func() bool { return w.committed("hook") == 7 && w.committed("oncall") == 7 && w.committed("chat") == 7 })
	r.stop()
	require.Len(t, w.hook.Got(), hooks+1)
	require.Len(t, w.slack.Got(), chats+1)
	require.Equal(t, []string{"trigger", "resolve"}, w.pager.Events("default/CH-01/a"))
	require.Equal(t, []string{"trigger"}, w.pager.Events("default/CH-01/b"))
	require.Equal(t, []record.DeliveryOutcome{record.Refused, record.Delivered}, w.outcomes("oncall", "default/CH-01/c#1"))
	require.Equal(t, []string{"resolve", "trigger", "resolve"}, w.pager.Events("default/CH-01/e"), "what is opened now is resolved again")
}

// Two notifiers share the partitions; each violation is told once.
func TestTwoInstances(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.targets()
	one := w.start()
	w.publish(opened("0"), opened("1"))
	two := w.start()
	for i := 2; i < 20; i++ {
		w.publish(opened(strconv.Itoa(i)))
	}
	w.eventually("told", func() bool { return w.pager.Open() == 20 })
	one.stop()
	for i := range 20 {
		w.publish(corrected(strconv.Itoa(i)))
	}
	w.eventually("resolved", func() bool { return w.pager.Open() == 0 && len(w.am.Firing()) == 0 })
	two.stop()
	for i := range 20 {
		events := slices.Compact(w.pager.Events(fmt.Sprintf("default/CH-01/%d", i)))
		require.Equal(t, []string{"trigger", "resolve"}, events, "repeats apart, in order")
	}
}

func TestRecordsThatAreNoViolations(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.targets()
	r := w.start()
	w.produce("x", []byte("{"))
	w.produce("x", []byte(`{"schema": "violation/v9"}`))
	w.produce("x", nil)
	w.publish(opened("a"))
	w.eventually("told", func() bool { return w.pager.Open() == 1 && w.committed("oncall") == 4 })
	r.stop()
}

// A target in a private network is refused unless it is allowed, and that is on record.
func TestPrivateTargetIsRefused(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.targets()
	w.cfg.Targets[0].AllowPrivate = []string{netip.MustParsePrefix("10.0.0.0/8").String()}
	r := w.start()
	w.publish(opened("a"))
	w.eventually("committed", func() bool { return w.committed("hook") == 1 && w.committed("oncall") == 1 })
	r.stop()
	require.Empty(t, w.hook.Got())
	require.Equal(t, []record.DeliveryOutcome{record.Refused}, w.outcomes("hook", "default/CH-01/a#1"))
	require.Equal(t, 1, w.pager.Open())
}

func TestWithoutTargetsItIdles(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	require.Contains(t, w.log.String(), "nobody is told")
	r.stop()
}

// kafka-go authenticates as stream.Config says.
func TestAuthenticatedKafka(t *testing.T) {
	for _, mechanism := range []string{stream.Plain, stream.ScramSHA256, stream.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			w := newWorld(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "assay", "passw0rd"))
			w.cfg.Kafka.SASL = stream.SASL{Mechanism: mechanism, Username: "assay", Password: "passw0rd"}
			w.connect()
			w.targets()
			r := w.start()
			w.publish(opened("a"))
			w.eventually("told", func() bool { return w.pager.Open() == 1 })
			r.stop()
			require.NotContains(t, w.log.String(), "passw0rd")
		})
	}
}

// kafka-go checks the broker's certificate, and shows its own.
func TestEncryptedKafka(t *testing.T) {
	donor := httptest.NewTLSServer(nil)
	defer donor.Close()
	pair, roots := donor.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(donor.Certificate())
	w := newWorld(t, kfake.TLS(&tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert,
	}))
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	own := write("own.pem", "CERTIFICATE", pair.Certificate[0])
	w.cfg.Kafka.TLS = stream.TLS{Enabled: true, CAFile: own, CertFile: own, KeyFile: write("key.pem", "PRIVATE KEY", key)}
	w.connect()
	w.targets()
	r := w.start()
	w.publish(opened("a"))
	w.eventually("told", func() bool { return w.pager.Open() == 1 })
	r.stop()

	w.cfg.Kafka.TLS.CAFile = filepath.Join(t.TempDir(), "none.pem")
	deps := notifier.Deps{Log: zerolog.Nop(), Metrics: prometheus.NewRegistry(), Ready: func(string, error) {}}
	require.ErrorContains(t, notifier.Run(t.Context(), w.cfg, deps), "tls.caFile")
}

func TestTryingOut(t *testing.T) {
	w := newWorld(t)
	w.targets()
	deps := func() notifier.Deps {
		return notifier.Deps{Log: zerolog.New(w.log), Metrics: prometheus.NewRegistry()}
	}
	for target, actions := range map[string][]record.Action{
		"hook": {record.Notify}, "chat": {record.Notify}, "oncall": {record.Trigger, record.Resolve}, "prom": {record.Trigger, record.Resolve},
	} {
		answers, err := notifier.Test(t.Context(), w.cfg, target, time.Now(), deps())
		require.NoError(t, err)
		require.Len(t, answers, len(actions))
		for i, a := range answers {
			require.Equal(t, actions[i], a.Action)
			require.Equal(t, record.Delivered, a.Outcome, "%s: %s", target, a.Error)
		}
	}
	require.Zero(t, w.pager.Open())
	require.Empty(t, w.am.Firing())
	require.Contains(t, string(w.hook.Got()[0].Body), `"type":"assay.test"`)
	require.Contains(t, string(w.slack.Got()[0].Body), "Test message")
	require.Contains(t, string(w.pager.Got()[0].Body), "TEST ")
	require.Contains(t, string(w.am.Got()[0].Body), `"test":"true"`)

	_, err := notifier.Test(t.Context(), w.cfg, "nobody", time.Now(), deps())
	require.ErrorContains(t, err, "choose one of chat, hook, oncall, prom")
	w.cfg.Targets[2].RoutingKey = "short"
	answers, err := notifier.Test(t.Context(), w.cfg, "oncall", time.Now(), deps())
	require.NoError(t, err)
	require.Equal(t, record.Refused, answers[0].Outcome)
	require.Contains(t, answers[0].Error, "Length of 'routing_key' is incorrect")
}
