package router

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// clockPrefix begins the metadata of a commit: the clock of the source up to
// there. With it a successor judges times as this router would have.
const clockPrefix = "clock="

func metadata(clock compliance.Instant) string {
	return clockPrefix + strconv.FormatInt(int64(clock), 10)
}

func clockOf(metadata string) compliance.Instant {
	digits, ok := strings.CutPrefix(metadata, clockPrefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return compliance.Ever
	}
	return compliance.Instant(n)
}

// commit stores where to read on. Of several positions of a source the last counts.
func (r *router) commit(work context.Context, marked []position) error {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	clocks := make(map[routed.Source]compliance.Instant)
	for _, p := range marked {
		if offsets[p.from.Topic] == nil {
			offsets[p.from.Topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.from.Topic][p.from.Partition] = kgo.EpochOffset{Epoch: -1, Offset: p.offset + 1}
		clocks[p.from] = p.clock
	}
	return consume.Commit(kgo.PreCommitFnContext(work, withClocks(clocks)), r.client, offsets)
}

func withClocks(clocks map[routed.Source]compliance.Instant) func(*kmsg.OffsetCommitRequest) error {
	return func(req *kmsg.OffsetCommitRequest) error {
		for i := range req.Topics {
			t := &req.Topics[i]
			for j := range t.Partitions {
				p := &t.Partitions[j]
				p.Metadata = new(metadata(clocks[routed.Source{Topic: t.Topic, Partition: p.Partition}]))
			}
		}
		return nil
	}
}

// reject writes a refusal; the partition goes on.
func (r *router) reject(work context.Context, rejected *record.Rejected) error {
	value, err := json.Marshal(rejected)
	if err != nil {
		return fmt.Errorf("encoding a rejected record: %w", err)
	}
	key := fmt.Sprintf("%s/%d/%d", rejected.Topic, rejected.Partition, rejected.Offset)
	r.client.Produce(work, &kgo.Record{Topic: r.cfg.Rejected, Key: []byte(key), Value: value}, r.promise)
	r.deps.Metrics.Rejected.WithLabelValues(rejected.Code).Inc()
	return nil
}
