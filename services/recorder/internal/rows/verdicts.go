package rows

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/record"
)

type revision struct {
	*compliance.Revision
	previous compliance.Previous
	evidence string
	record   *kgo.Record
}

type verdicts struct{ rows []revision }

// Verdicts makes rows of verdict_revisions.
func Verdicts() Table { return &verdicts{} }

func (v *verdicts) add(r *kgo.Record, _ ledger.Place, _ uint64) error {
	rev, err := record.DecodeRevision(r.Value)
	if err != nil {
		return err
	}
	if err := checkRevision(rev); err != nil {
		return err
	}
	row := revision{Revision: rev, evidence: "[]", record: r}
	if len(rev.Evidence) > 0 {
		raw, err := json.Marshal(rev.Evidence)
		if err != nil {
			return fmt.Errorf("writing evidence: %w", err)
		}
		row.evidence = string(raw)
	}
	if rev.Previous != nil {
		row.previous = *rev.Previous
	}
	v.rows = append(v.rows, row)
	return nil
}

// checkRevision refuses what has no place in the table.
func checkRevision(r *compliance.Revision) error {
	if r.Tenant == "" || r.Control == "" || r.Item.ID == "" || r.Outcome == "" {
		return compliance.Errorf(compliance.Invalid, "a verdict without tenant, control, item or outcome")
	}
	if r.Number < 1 || r.Number > math.MaxUint32 {
		return compliance.Errorf(compliance.Invalid, "revision %d is out of range; revisions count from 1", r.Number)
	}
	return nil
}

func (v *verdicts) block() *Block {
	return build("verdict_revisions", v.rows,
		text("tenant", func(r *revision) string { return r.Tenant }),
		text("control", func(r *revision) string { return r.Control }),
		text("item_id", func(r *revision) string { return r.Item.ID }),
		instant("item_time", func(r *revision) compliance.Instant { return r.Item.Time }),
		column("revision", func(r *revision) uint32 { return uint32(r.Number) }),
		text("outcome", func(r *revision) string { return string(r.Outcome) }),
		text("reason", func(r *revision) string { return r.Reason }),
		text("rule_hash", func(r *revision) string { return r.RuleHash }),
		text("bundle", func(r *revision) string { return r.Bundle }),
		instant("due", func(r *revision) compliance.Instant { return r.Due }),
		instant("known_at", func(r *revision) compliance.Instant { return r.KnownAt }),
		instant("final_at", func(r *revision) compliance.Instant { return r.FinalAt }),
		instant("remediated_at", func(r *revision) compliance.Instant { return r.RemediatedAt }),
		text("evidence", func(r *revision) string { return r.evidence }),
		text("previous_outcome", func(r *revision) string { return string(r.previous.Outcome) }),
		text("previous_reason", func(r *revision) string { return r.previous.Reason }),
		instant("previous_item_time", func(r *revision) compliance.Instant { return r.previous.ItemTime }),
		instant("previous_remediated_at", func(r *revision) compliance.Instant { return r.previous.RemediatedAt }),
		text("topic", func(r *revision) string { return r.record.Topic }),
		column("partition", func(r *revision) int32 { return r.record.Partition }),
		column("offset", func(r *revision) int64 { return r.record.Offset }),
	)
}
