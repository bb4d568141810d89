package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
)

var begin = compliance.InstantOf(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))

// The shape of the data is that of bench/period.
const (
	tenants  = 20
	controls = 60
	days     = 184
)

// revision is row n: an item's first, or of 30 in a thousand the second of the one before.
func revision(n int) *compliance.Revision {
	of, number := n, 1
	if n%1000 > 10 && n%1000 <= 40 {
		of, number = n-1, 2
	}
	hash := sha256.Sum256(fmt.Append(nil, of))
	at := begin.Add(time.Duration(uint64(of)*2_654_435_761%(days*86400)) * time.Second)
	r := &compliance.Revision{
		Tenant: fmt.Sprintf("tenant-%02d", of%tenants), Control: fmt.Sprintf("CH-%02d", of/tenants%controls),
		RuleHash: fmt.Sprintf("rule-CH-%02d", of/tenants%controls), Bundle: "bundle-1", Number: number,
		Verdict: compliance.Verdict{
			Item: compliance.Item{ID: fmt.Sprintf("dep-%x", hash[:8]), Time: at}, Outcome: compliance.Pass, Due: at.Add(time.Hour),
			Evidence: []compliance.Evidence{evidence("item", of, at), evidence("approval", of+1, at.Add(-time.Minute))},
		},
		KnownAt: at.Add(time.Duration(number) * time.Hour), FinalAt: at.Add(7 * 24 * time.Hour),
	}
	if of%1000 < 5 {
		r.Outcome, r.Reason = compliance.Deviation, "no_approval"
	}
	if number > 1 {
		r.Previous = &compliance.Previous{Outcome: r.Outcome, Reason: r.Reason, ItemTime: at}
	}
	return r
}

func evidence(expectation string, n int, at compliance.Instant) compliance.Evidence {
	return compliance.Evidence{
		Expectation: expectation, Source: "/ci", ID: fmt.Sprintf("ev-%08d", n), Type: "deployment." + expectation, Time: at,
		Topic: "assay.events.deployment", Partition: int32(n % 8), Offset: int64(n), SHA256: sha256.Sum256(fmt.Append(nil, n)),
	}
}

// records are as Kafka has them.
func records(first, count int) []*kgo.Record {
	list := make([]*kgo.Record, count)
	for i := range list {
		raw, err := json.Marshal(revision(first + i))
		if err != nil { // texts and numbers
			panic(err)
		}
		list[i] = &kgo.Record{Topic: topic, Offset: int64(first + i), Value: raw, Timestamp: time.UnixMicro(int64(begin))}
	}
	return list
}

const topic = "assay.verdicts"

const names = "tenant, control, item_id, item_time, revision, outcome, reason, rule_hash, bundle, due, known_at, final_at, remediated_at, evidence, " +
	"previous_outcome, previous_reason, previous_item_time, previous_remediated_at, topic, partition, offset"

// columns are as clickhouse-go takes them, in the order of names.
func columns(list []*compliance.Revision, first int) []any {
	text := func(get func(*compliance.Revision) string) []string { return each(list, get) }
	at := func(get func(*compliance.Revision) compliance.Instant) []time.Time {
		return each(list, func(r *compliance.Revision) time.Time { return get(r).Time() })
	}
	previous := func(r *compliance.Revision) compliance.Previous {
		if r.Previous == nil {
			return compliance.Previous{}
		}
		return *r.Previous
	}
	offsets := make([]int64, len(list))
	for i := range offsets {
		offsets[i] = int64(first + i)
	}
	return []any{
		text(func(r *compliance.Revision) string { return r.Tenant }),
		text(func(r *compliance.Revision) string { return r.Control }),
		text(func(r *compliance.Revision) string { return r.Item.ID }),
		at(func(r *compliance.Revision) compliance.Instant { return r.Item.Time }),
		each(list, func(r *compliance.Revision) uint32 { return uint32(r.Number) }),
		text(func(r *compliance.Revision) string { return string(r.Outcome) }),
		text(func(r *compliance.Revision) string { return r.Reason }),
		text(func(r *compliance.Revision) string { return r.RuleHash }),
		text(func(r *compliance.Revision) string { return r.Bundle }),
		at(func(r *compliance.Revision) compliance.Instant { return r.Due }),
		at(func(r *compliance.Revision) compliance.Instant { return r.KnownAt }),
		at(func(r *compliance.Revision) compliance.Instant { return r.FinalAt }),
		at(func(*compliance.Revision) compliance.Instant { return 0 }),
		text(func(r *compliance.Revision) string { raw, _ := json.Marshal(r.Evidence); return string(raw) }),
		text(func(r *compliance.Revision) string { return string(previous(r).Outcome) }),
		text(func(r *compliance.Revision) string { return previous(r).Reason }),
		at(func(r *compliance.Revision) compliance.Instant { return previous(r).ItemTime }),
		at(func(*compliance.Revision) compliance.Instant { return 0 }),
		each(list, func(*compliance.Revision) string { return topic }),
		each(list, func(*compliance.Revision) int32 { return 0 }),
		offsets,
	}
}

func each[T any](list []*compliance.Revision, get func(*compliance.Revision) T) []T {
	values := make([]T, len(list))
	for i, r := range list {
		values[i] = get(r)
	}
	return values
}
