package router

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// commit stores where to read on, with what a successor has to know: it judges times, and
// routes, as this router would have. Of several positions of a source the last counts.
func (r *router) commit(work context.Context, marked []position) error {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	known := make(map[routed.Source]routed.Commit)
	for _, p := range marked {
		if offsets[p.from.Topic] == nil {
			offsets[p.from.Topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.from.Topic][p.from.Partition] = kgo.EpochOffset{Epoch: -1, Offset: p.offset + 1}
		known[p.from] = p.commit
	}
	return consume.Commit(kgo.PreCommitFnContext(work, with(known)), r.client, offsets)
}

func with(known map[routed.Source]routed.Commit) func(*kmsg.OffsetCommitRequest) error {
	return func(req *kmsg.OffsetCommitRequest) error {
		for i := range req.Topics {
			t := &req.Topics[i]
			for j := range t.Partitions {
				p := &t.Partitions[j]
				p.Metadata = new(known[routed.Source{Topic: t.Topic, Partition: p.Partition}].String())
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
