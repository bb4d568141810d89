package notifier

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
)

// deliveryLog writes attempts to the topic deliveries.
type deliveryLog struct {
	client *kgo.Client
	topic  string
}

func newLog(cfg stream.Config, log zerolog.Logger) (*deliveryLog, error) {
	opts, err := cfg.Options(log)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fault("preparing the Kafka client: %w", err)
	}
	return &deliveryLog{client: client, topic: cfg.Topic("deliveries")}, nil
}

// write returns when Kafka has acknowledged the attempt.
func (l *deliveryLog) write(ctx context.Context, d *record.Delivery) error {
	value, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encoding an attempt: %w", err)
	}
	r := &kgo.Record{Topic: l.topic, Key: []byte(record.DeliveryKey(d.Tenant, d.Target)), Value: value}
	return l.client.ProduceSync(ctx, r).FirstErr()
}

func (l *deliveryLog) close() { l.client.Close() }
