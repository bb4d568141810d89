package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/collector"
)

// senders work at once, in each way.
const senders = 8

// batch is how many events go at once.
const batch = 100

const key = "key of the benchmark"

// rig is a collector and what sends to it.
type rig struct {
	kafka  stream.Config
	client *kgo.Client
	url    string // of the collector
	peer   string // of the least receiver of webhooks
	http   *http.Client
	stop   []func()
}

func newRig(ctx context.Context, brokers []string) (*rig, error) {
	r := &rig{kafka: stream.Default(), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}}
	if r.kafka.Brokers = brokers; len(brokers) == 0 {
		dir, err := os.MkdirTemp("", "assay-bench-")
		if err != nil {
			return nil, err
		}
		k, err := embedded.StartKafka(ctx, embedded.KafkaOptions{DataDir: dir, Log: zerolog.Nop()})
		if err != nil {
			return nil, err
		}
		r.stop = append(r.stop, func() { _ = errors.Join(k.Close(), os.RemoveAll(dir)) })
		r.kafka.Brokers = []string{k.Address()}
	}
	opts, err := r.kafka.Options(zerolog.Nop())
	if err != nil {
		return nil, err
	}
	if r.client, err = kgo.NewClient(append(opts, kgo.ProducerBatchMaxBytes(stream.MaxMessageBytes))...); err != nil {
		return nil, err
	}
	r.stop = append(r.stop, r.client.Close)
	if err := stream.CreateTopics(ctx, r.client, r.kafka, stream.Embedded); err != nil {
		return nil, err
	}
	return r, errors.Join(r.collect(ctx), r.least(ctx))
}

// collect starts the collector.
func (r *rig) collect(ctx context.Context) error {
	cfg := collector.Default()
	digest := sha256.Sum256([]byte(key))
	cfg.Keys = []collector.Key{{ID: "bench", SHA256: hex.EncodeToString(digest[:]), Tenant: "default", Sources: []string{"*"}}}
	cfg.Sources = []collector.Source{{Name: "github", Vendor: "github", Source: "/github", Secrets: []settings.Secret{secret}}}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- collector.Run(ctx, cfg, collector.Deps{
			Log: zerolog.Nop(), Metrics: prometheus.NewRegistry(), Ready: func(string, error) {}, Kafka: r.kafka, Listener: listener,
		})
	}()
	r.stop = append(r.stop, func() { cancel(); <-done })
	return nil
}

func (r *rig) close() {
	for i := len(r.stop) - 1; i >= 0; i-- {
		r.stop[i]()
	}
}

// each lets senders work until ctx ends, and counts what they did.
func each(ctx context.Context, work func(context.Context) (int64, error)) (int64, error) {
	var done atomic.Int64
	var group errgroup.Group
	for range senders {
		group.Go(func() error {
			for ctx.Err() == nil {
				n, err := work(ctx)
				if err != nil && ctx.Err() == nil {
					return err
				}
				if err == nil {
					done.Add(n)
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return done.Load(), err
}

// data is an event's; what is sent is made before it is timed.
func data(id int) []byte {
	return fmt.Appendf(nil, `{"user_id": "u-%d", "system": "billing", "mfa": true, "factor": "webauthn", "privileged": %t}`, id, id%2 == 0)
}

func (r *rig) postBatches(ctx context.Context) (int64, error) {
	body := cloudEvents()
	return each(ctx, func(ctx context.Context) (int64, error) { return batch, r.postEvents(ctx, body) })
}

func (r *rig) postEvents(ctx context.Context, body []byte) error {
	return r.post(ctx, r.url+"/v1/events", "application/cloudevents-batch+json", body, "Authorization", "Bearer "+key)
}

// cloudEvents is a batch as CloudEvents has it.
func cloudEvents() []byte {
	var body bytes.Buffer
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for i := range batch {
		body.WriteString(map[bool]string{true: "[", false: ","}[i == 0])
		fmt.Fprintf(&body, `{"specversion": "1.0", "id": "e-%d", "source": "/idp", "type": "access.login", "time": %q, "data": %s}`, i, now, data(i))
	}
	body.WriteByte(']')
	return body.Bytes()
}

func (r *rig) post(ctx context.Context, url, media string, body []byte, headers ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", media)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusAccepted {
		return errors.New(resp.Status + ": " + string(answer))
	}
	return nil
}

// produceBatches sends the same events in CloudEvents' binary mode, and waits for
// each batch as a sender of the collector does.
func (r *rig) produceBatches(ctx context.Context) (int64, error) {
	topic, now := r.kafka.Topic("events.access"), compliance.InstantOf(time.Now()).String()
	values := make([][]byte, batch)
	for i := range values {
		values[i] = data(i)
	}
	return each(ctx, func(ctx context.Context) (int64, error) {
		records := make([]*kgo.Record, batch)
		for i := range records {
			records[i] = plain(topic, "e-"+strconv.Itoa(i), "u-"+strconv.Itoa(i), now, values[i])
		}
		return batch, r.client.ProduceSync(ctx, records...).FirstErr()
	})
}

// plain is the record as anybody would write it who has franz-go and nothing of ours.
func plain(topic, id, key, when string, value []byte) *kgo.Record {
	return &kgo.Record{
		Topic: topic, Key: []byte(key), Value: value,
		Headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_id", Value: []byte(id)},
			{Key: "ce_source", Value: []byte("/idp")},
			{Key: "ce_type", Value: []byte("access.login")},
			{Key: "ce_time", Value: []byte(when)},
			{Key: "ce_tenant", Value: []byte("default")},
			{Key: "content-type", Value: []byte("application/json")},
		},
	}
}
