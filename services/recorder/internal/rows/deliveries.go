package rows

import (
	"math"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// Deliveries makes rows of deliveries.
func Deliveries() Table {
	type row = decoded[record.Delivery]
	return &decoding[record.Delivery]{
		table: "deliveries",
		check: checkDelivery,
		more: []field[row]{
			text("tenant", func(r *row) string { return r.value.Tenant }),
			text("target", func(r *row) string { return r.value.Target }),
			text("kind", func(r *row) string { return r.value.Kind }),
			text("control", func(r *row) string { return r.value.Control }),
			text("route", func(r *row) string { return r.value.Route }),
			instant("at", func(r *row) compliance.Instant { return r.value.At }),
			text("id", func(r *row) string { return r.value.ID }),
			text("message", func(r *row) string { return r.value.Group }),
			column("violations", func(r *row) []string { return r.value.Violations }),
			column("items", func(r *row) []string { return r.value.Items }),
			column("revisions", func(r *row) []uint32 { return revisions(r.value.Revisions) }),
			text("action", func(r *row) string { return string(r.value.Action) }),
			column("attempt", func(r *row) uint32 { return uint32(r.value.Attempt) }),
			text("outcome", func(r *row) string { return string(r.value.Outcome) }),
			column("status", func(r *row) uint16 { return uint16(r.value.Status) }),
			text("error", func(r *row) string { return r.value.Error }),
			column("duration_ms", func(r *row) uint32 { return uint32(min(max(0, r.value.DurationMS), math.MaxUint32)) }),
			hash("request_sha256", func(r *row) compliance.Hash { return r.value.RequestSHA256 }),
		},
	}
}

func revisions(list []int) []uint32 {
	all := make([]uint32, len(list))
	for i, n := range list {
		all[i] = uint32(n)
	}
	return all
}

// checkDelivery refuses what has no place in the table.
func checkDelivery(d *record.Delivery) error {
	n := len(d.Violations)
	switch {
	case d.Schema != record.DeliverySchema || d.Tenant == "" || d.Target == "" || d.Outcome == "":
		return compliance.Errorf(compliance.Invalid, "a delivery without schema, tenant, target or outcome")
	case n == 0 || len(d.Items) != n || len(d.Revisions) != n:
		return compliance.Errorf(compliance.Invalid, "a delivery whose violations, items and revisions differ in number")
	case d.Attempt < 1 || d.Attempt > math.MaxUint32 || d.Status < 0 || d.Status > math.MaxUint16:
		return compliance.Errorf(compliance.Invalid, "a delivery with attempt %d and status %d, which are out of range", d.Attempt, d.Status)
	}
	for _, r := range d.Revisions {
		if r < 1 || r > math.MaxUint32 {
			return compliance.Errorf(compliance.Invalid, "revision %d is out of range; revisions count from 1", r)
		}
	}
	return nil
}
