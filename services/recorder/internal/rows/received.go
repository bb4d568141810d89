package rows

import (
	"crypto/sha256"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/record"
)

type delivery struct {
	*record.Received
	record *kgo.Record
}

type received struct{ rows []delivery }

// Received makes rows of received. What came is kept, whatever it says: no record
// is a fault.
func Received() Table { return &received{} }

func (t *received) add(r *kgo.Record, _ ledger.Place, _ uint64) error {
	t.rows = append(t.rows, delivery{record.DecodeReceived(r), r})
	return nil
}

func (t *received) block() *Block {
	return build("received", t.rows,
		text("tenant", func(r *delivery) string { return r.Tenant }),
		text("source", func(r *delivery) string { return r.Source }),
		text("kind", func(r *delivery) string { return r.Kind }),
		text("id", func(r *delivery) string { return r.ID }),
		instant("at", func(r *delivery) compliance.Instant { return r.At }),
		text("media_type", func(r *delivery) string { return r.MediaType }),
		text("mapping", func(r *delivery) string { return r.Mapping }),
		column("events", func(r *delivery) uint32 { return uint32(min(max(0, r.Events), math.MaxUint32)) }),
		text("note", func(r *delivery) string { return r.Note }),
		text("body", func(r *delivery) string { return string(r.Body) }),
		column("size", func(r *delivery) uint32 { return uint32(len(r.Body)) }),
		hash("sha256", func(r *delivery) compliance.Hash { return sha256.Sum256(r.Body) }),
		text("topic", func(r *delivery) string { return r.record.Topic }),
		column("partition", func(r *delivery) int32 { return r.record.Partition }),
		column("offset", func(r *delivery) int64 { return r.record.Offset }),
	)
}
