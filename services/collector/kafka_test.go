package collector_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/services/collector"
)

const soon = 10 * time.Second

// later is a request in another goroutine.
func (r *rig) later(contentType, body string) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		a, err := r.try(contentType, strings.NewReader(body))
		if err != nil {
			a.body = err.Error()
		}
		out <- a
	}()
	return out
}

func TestNobodyHearsYesBeforeKafkaHasTheEvent(t *testing.T) {
	r := start(t, config())
	arrived, open := r.holdProduce()
	one, many := r.later(structured, event("e-1")), r.later(batch, "["+event("e-2")+","+event("e-3")+"]")
	require.Eventually(t, func() bool { return arrived() > 0 && r.metric("assay_collector_inflight_bytes") >= 3<<10 }, soon, time.Millisecond)
	select {
	case a := <-one:
		require.Fail(t, "answered", "%+v", a)
	case a := <-many:
		require.Fail(t, "answered", "%+v", a)
	default:
	}
	require.Zero(t, r.metric("assay_collector_events_total", "accepted"))
	open()
	require.Equal(t, http.StatusAccepted, (<-one).status)
	require.Equal(t, http.StatusAccepted, (<-many).status)
	r.read(3, "events.access")
}

func TestEveryRefusalOfKafkaIsNoYes(t *testing.T) {
	for _, c := range []struct {
		err    *kerr.Error
		status int
		code   string
	}{
		{kerr.MessageTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
		{kerr.TopicAuthorizationFailed, http.StatusServiceUnavailable, "kafka_unavailable"},
		{kerr.InvalidRecord, http.StatusServiceUnavailable, "kafka_unavailable"},
		{kerr.NotEnoughReplicas, http.StatusServiceUnavailable, "kafka_unavailable"},
	} {
		t.Run(c.err.Message, func(t *testing.T) {
			cfg := config()
			cfg.AckTimeout = time.Second
			r := start(t, cfg)
			fault := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: c.err, Count: -1})
			got := r.post(structured, []byte(event("e-1")))
			require.Equal(t, c.status, got.status, got.body)
			require.Equal(t, "https://assay.example/problems/"+c.code, got.problem(t).Type)
			r.nothingTaken()

			fault.Remove()
			require.Eventually(t, func() bool {
				return r.post(structured, []byte(event("e-1"))).status == http.StatusAccepted
			}, soon, 10*time.Millisecond)
			state, _ := r.ready.Load("kafka")
			require.Equal(t, "<nil>", state)
		})
	}
}

func TestASlowKafkaIsSaidSoAndTheEventMayStillArrive(t *testing.T) {
	cfg := config()
	cfg.AckTimeout = time.Second
	r := start(t, cfg)
	_, open := r.holdProduce()
	got := r.post(structured, []byte(event("e-1")))
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "5", got.header.Get("Retry-After"))
	p := got.problem(t)
	require.Equal(t, "https://assay.example/problems/kafka_unavailable", p.Type)
	require.Contains(t, p.Detail, "they may still arrive, and sending them again with the same ids is safe")
	require.NotContains(t, p.Detail, "127.0.0.1", "where the brokers are is nothing for senders")
	state, _ := r.ready.Load("kafka")
	require.NotEqual(t, "<nil>", state)
	require.Positive(t, r.metric("assay_collector_inflight_bytes"), "an event whose fate is unknown is still held")

	open()
	r.read(1, "events.access")
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, soon, time.Millisecond)
	require.Equal(t, http.StatusAccepted, r.post(structured, []byte(event("e-1"))).status)
	state, _ = r.ready.Load("kafka")
	require.Equal(t, "<nil>", state)
}

// small is a collector that can hold five bodies of 200 KiB.
func small() collector.Config {
	cfg := config()
	cfg.MaxEventBytes, cfg.MaxBatchBytes, cfg.MaxInFlightBytes = 256<<10, 256<<10, 1<<20
	cfg.AckTimeout = 30 * time.Second
	return cfg
}

func TestBeyondTheBytesInFlightSendersAreToldToWait(t *testing.T) {
	r := start(t, small())
	_, open := r.holdProduce()
	body := event("e-1", "data", `{"user_id":"u","system":"s","mfa":true,"x":"`+strings.Repeat("x", 200<<10)+`"}`)
	var waiting []<-chan answer
	for held := 0; held < 1000<<10; {
		waiting = append(waiting, r.later(structured, body))
		before := held
		require.Eventually(t, func() bool { held = r.metric("assay_collector_inflight_bytes"); return held >= before+200<<10 }, soon, time.Millisecond)
	}
	got := r.post(structured, []byte(body))
	require.Equal(t, http.StatusTooManyRequests, got.status, got.body)
	require.Equal(t, "5", got.header.Get("Retry-After"))
	require.Equal(t, "https://assay.example/problems/too_many_bytes", got.problem(t).Type)
	require.Zero(t, r.held("assay.rejected"), "an event that has to wait is not a rejected one")
	require.LessOrEqual(t, r.metric("assay_collector_inflight_bytes"), 1<<20)
	open()
	for _, w := range waiting {
		require.Equal(t, http.StatusAccepted, (<-w).status)
	}
	require.Equal(t, http.StatusAccepted, r.post(structured, []byte(body)).status)
}

// heapPeak samples the heap in use until the returned function is called.
func heapPeak() func() uint64 {
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); <-done; return peak.Load() }
}

func TestMemoryStaysFlatWhileKafkaIsAway(t *testing.T) {
	cfg := config()
	cfg.MaxBatchBytes, cfg.MaxInFlightBytes = 1<<20, 8<<20
	cfg.AckTimeout = time.Second
	r := start(t, cfg)
	require.Equal(t, http.StatusAccepted, r.post(structured, []byte(event("e-0"))).status)
	r.cluster.Close()

	body := []byte(event("e-1", "data", `{"user_id":"u","system":"s","mfa":true,"x":"`+strings.Repeat("x", 900<<10)+`"}`))
	wrong := []byte(`{"no":"event","x":"` + strings.Repeat("x", 900<<10) + `"}`)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := heapPeak()
	var statuses sync.Map
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 30 {
				send := body
				if i%3 == 0 {
					send = wrong
				}
				a, err := r.try(structured, bytes.NewReader(send))
				if err == nil {
					statuses.Store(a.status, true)
				}
			}
		})
	}
	group.Wait()
	grown := int64(peak()) - int64(before.HeapAlloc)
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadRequest} {
		_, ok := statuses.Load(status)
		require.True(t, ok, "%d was never answered", status)
	}
	_, yes := statuses.Load(http.StatusAccepted)
	require.False(t, yes)
	// 210 MB were sent. The bound is the budget, what decoding copies of it, and
	// the garbage between two collections.
	require.Less(t, grown, 8*cfg.MaxInFlightBytes)
	t.Logf("the heap grew by %d MiB at most", grown>>20)
	// What Kafka may have got before it went away is held until it is back.
	require.LessOrEqual(t, r.metric("assay_collector_inflight_bytes"), int(cfg.MaxInFlightBytes))
	require.NoError(t, r.end())
}

func TestABodyThatDripsIsCutOff(t *testing.T) {
	cfg := config()
	cfg.ReadTimeout = 200 * time.Millisecond
	r := start(t, cfg)
	body, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = io.WriteString(w, `{"specversion":`) }()
	got, err := r.try(structured, body)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestTimeout, got.status)
	require.Equal(t, "https://assay.example/problems/timeout", got.problem(t).Type)
}

// A sender that announces a large body and sends nothing holds next to nothing.
func TestAnnouncedBytesCostNothing(t *testing.T) {
	r := start(t, small())
	for range 20 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n{",
			secret, structured, 200<<10)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 20*4096 }, soon, time.Millisecond)
	require.Equal(t, http.StatusAccepted, r.post(structured, []byte(event("e-1"))).status)
}

func TestStoppingFinishesWhatIsInHand(t *testing.T) {
	r := start(t, config())
	arrived, open := r.holdProduce()
	pending := r.later(structured, event("e-1"))
	require.Eventually(t, func() bool { return arrived() > 0 }, soon, time.Millisecond)
	r.stop()
	require.Eventually(t, func() bool {
		_, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		return err != nil
	}, soon, time.Millisecond)
	select {
	case err := <-r.stopped:
		require.Fail(t, "stopped too early", "%v", err)
	default:
	}
	open()
	require.Equal(t, http.StatusAccepted, (<-pending).status)
	require.NoError(t, r.end())
	r.read(1, "events.access")
}

func TestStoppingDoesNotWaitForEver(t *testing.T) {
	cfg := config()
	cfg.AckTimeout, cfg.ShutdownTimeout = time.Minute, 100*time.Millisecond
	r := start(t, cfg)
	arrived, open := r.holdProduce()
	pending := r.later(structured, event("e-1"))
	require.Eventually(t, func() bool { return arrived() > 0 }, soon, time.Millisecond)
	r.stop()
	require.NotEqual(t, http.StatusAccepted, (<-pending).status)
	open()
	require.NoError(t, r.end())
	require.Contains(t, r.log.String(), "some requests did not finish in time")
}

func TestRunSaysWhyItCanNotBegin(t *testing.T) {
	r := start(t, config())
	cfg := config()
	cfg.Listen = strings.TrimPrefix(r.url, "http://")
	deps := collector.Deps{Metrics: prometheus.NewRegistry(), Kafka: r.kafka, Ready: func(string, error) {}}
	require.ErrorContains(t, collector.Run(t.Context(), cfg, deps), "set collector.listen to a free port")

	cfg.Keys = nil
	require.ErrorContains(t, collector.Run(t.Context(), cfg, deps), "keys: there is none")

	deps = collector.Deps{Metrics: prometheus.NewRegistry(), Ready: func(string, error) {}}
	require.ErrorContains(t, collector.Run(t.Context(), config(), deps), "brokers: there is none")
}

func TestManySendersAtOnce(t *testing.T) {
	r := start(t, config())
	var group sync.WaitGroup
	var failed atomic.Pointer[error]
	for sender := range 8 {
		group.Go(func() {
			for i := range 50 {
				id := strconv.Itoa(sender) + "-" + strconv.Itoa(i)
				a, err := r.try(batch, strings.NewReader("["+event(id+"a")+","+event(id+"b")+"]"))
				if err == nil && a.status != http.StatusAccepted {
					err = errors.New(a.body)
				}
				if err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	group.Wait()
	require.Nil(t, failed.Load())
	seen := map[string]int{}
	for _, rec := range r.read(800, "events.access") {
		seen[headers(rec)["ce_id"]]++
	}
	require.Len(t, seen, 800)
}
