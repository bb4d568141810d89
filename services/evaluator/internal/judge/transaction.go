package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/routed"
)

// output is what one transaction writes, and what is counted when it is committed.
type output struct {
	cfg         Config
	codec       *routed.Codec
	records     []*kgo.Record
	revisions   []compliance.Revision
	quarantined []record.Quarantined
	foreign     int
	touched     map[int32]*partition
}

func newOutput(cfg Config, codec *routed.Codec) *output { return &output{cfg: cfg, codec: codec} }

func (o *output) add(partition int32, result *outcome) error {
	for i := range result.revisions {
		rev := &result.revisions[i]
		value, err := json.Marshal(rev)
		if err != nil {
			return fmt.Errorf("encoding revision %d of %s: %w", rev.Number, rev.Item.ID, err)
		}
		o.records = append(o.records, &kgo.Record{
			Topic: o.cfg.Verdicts, Partition: partition, Value: value,
			Key: []byte(record.ItemKey(rev.Tenant, rev.Control, rev.Item.ID)),
		})
	}
	for i := range result.quarantined {
		q := &result.quarantined[i]
		value, err := json.Marshal(q)
		if err != nil {
			return fmt.Errorf("encoding a quarantined event: %w", err)
		}
		o.records = append(o.records, &kgo.Record{
			Topic: o.cfg.Quarantine, Value: value,
			Key: []byte(record.ItemKey(q.Tenant, q.Control, q.JoinKey)),
		})
	}
	for i := range result.onward {
		what := &result.onward[i]
		value, err := o.codec.Onward(&what.what)
		if err != nil {
			return err
		}
		o.records = append(o.records, &kgo.Record{Topic: o.cfg.Findings, Partition: what.to, Value: value})
	}
	o.revisions = append(o.revisions, result.revisions...)
	o.quarantined = append(o.quarantined, result.quarantined...)
	o.foreign += result.foreign
	return nil
}

func (o *output) state(partition int32, changes []Change) {
	for _, c := range changes {
		key := c.Key
		if o.cfg.Later {
			key = append([]byte(laterPrefix), key...)
		}
		o.records = append(o.records, &kgo.Record{Topic: o.cfg.State, Partition: partition, Key: key, Value: c.Value})
	}
}

// judge makes one transaction of a batch. With an error the session is over:
// the state in memory is ahead of the log, or nobody knows.
func (s *session) judge(work context.Context, batch []*kgo.Record) error {
	began := time.Now()
	if err := s.txn.Begin(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	out, err := s.apply(work, batch)
	if err != nil {
		return s.giveUp(work, err)
	}
	if err := s.cfg.Hook.At(Applied); err != nil {
		return err
	}
	if err := s.produce(work, out.records); err != nil {
		return s.giveUp(work, err)
	}
	if err := s.cfg.Hook.At(Produced); err != nil {
		return err
	}
	done, err := s.commit(work)
	if err != nil {
		return fmt.Errorf("committing a transaction: %w", err)
	}
	if !done {
		return errAborted
	}
	s.deps.Metrics.committed(out, time.Since(began))
	if out.foreign > 0 {
		s.deps.Log.Warn().Int("entries", out.foreign).Msg("facts were routed for rules that this instance doesn't have; they are left out")
	}
	return s.cfg.Hook.At(Committed)
}

// commit ends the transaction within its timeout, after which the broker has
// aborted it anyway. The bound is needed: before it commits, the client waits for a
// heartbeat of its group, and a group that failed meanwhile, such as when the broker
// was restarted, can't be joined again before this turn is over.
func (s *session) commit(work context.Context) (done bool, err error) {
	ctx, cancel := context.WithTimeout(work, s.cfg.TransactionTimeout)
	defer cancel()
	return s.txn.End(ctx, kgo.TryCommit)
}

// produce writes all records and waits for their acknowledgement.
func (s *session) produce(work context.Context, records []*kgo.Record) error {
	var first error
	var once sync.Once
	for _, r := range records {
		s.txn.Produce(work, r, func(r *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { first = fmt.Errorf("writing to %s/%d: %w", r.Topic, r.Partition, err) })
			}
		})
	}
	if err := s.txn.Client().Flush(work); err != nil {
		return fmt.Errorf("waiting for the acknowledgement of verdicts: %w", err)
	}
	return first
}

// giveUp aborts, so that readers needn't wait for the transaction's timeout.
func (s *session) giveUp(work context.Context, cause error) error {
	if _, err := s.txn.End(work, kgo.TryAbort); err != nil {
		return fmt.Errorf("%w (and aborting: %w)", cause, err)
	}
	return cause
}
