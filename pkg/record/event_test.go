package record_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

func event() *compliance.Event {
	return &compliance.Event{
		Tenant: "default", Source: "/idp", ID: "e-1", Type: "access.login", Sequence: 42,
		Time: compliance.InstantOf(time.Date(2026, 7, 1, 11, 30, 0, 123_456_789, time.FixedZone("CEST", 7200))),
	}
}

// dump is a record's key, headers in order, and value.
func dump(r *kgo.Record) string {
	var b strings.Builder
	b.WriteString("key " + string(r.Key) + "\n")
	for _, h := range r.Headers {
		b.WriteString(h.Key + ": " + string(h.Value) + "\n")
	}
	b.WriteString("\n" + string(r.Value))
	return b.String()
}

// Other people's consumers read these bytes: they change in a new version only.
func TestGoldenEvent(t *testing.T) {
	value := []byte("{\"user_id\": \"u\"}\n")
	require.Equal(t, `key u
ce_specversion: 1.0
ce_id: e-1
ce_source: /idp
ce_type: access.login
ce_time: 2026-07-01T09:30:00.123456Z
ce_tenant: default
content-type: application/json
ce_sequence: 42

{"user_id": "u"}
`, dump(record.EncodeEvent(event(), "u", value)))

	uncounted := event()
	uncounted.Sequence = 0
	require.NotContains(t, dump(record.EncodeEvent(uncounted, "u", value)), "ce_sequence")
}

func TestEventsSurviveARoundTrip(t *testing.T) {
	ev := event()
	r := record.EncodeEvent(ev, "u", []byte("{}"))
	r.Topic, r.Partition, r.Offset, r.Timestamp = "assay.events.access", 3, 7, time.UnixMilli(1_800_000_000_000)
	got, err := record.DecodeEvent(r)
	require.NoError(t, err)

	ev.Received = compliance.InstantOf(r.Timestamp)
	ev.Ref = compliance.Ref{Topic: "assay.events.access", Partition: 3, Offset: 7, SHA256: sha256.Sum256([]byte("{}"))}
	require.Equal(t, ev, got)
}

// with changes one header of a good record; "" takes it away.
func with(key, value string) *kgo.Record {
	r := record.EncodeEvent(event(), "u", []byte("{}"))
	var kept []kgo.RecordHeader
	for _, h := range r.Headers {
		if h.Key != key {
			kept = append(kept, h)
		}
	}
	r.Headers = kept
	if value != "" {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	return r
}

func TestDecodeEventSaysWhichHeaderIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		record *kgo.Record
		want   string
	}{
		"no headers":     {&kgo.Record{Value: []byte("{}")}, "header ce_id is missing"},
		"no version":     {with(record.HeaderSpecVersion, ""), "header ce_specversion is"},
		"another one":    {with(record.HeaderSpecVersion, "0.3"), `header ce_specversion is "0.3"`},
		"no id":          {with(record.HeaderID, ""), "header ce_id is missing"},
		"no source":      {with(record.HeaderSource, ""), "header ce_source is missing"},
		"no type":        {with(record.HeaderType, ""), "header ce_type is missing"},
		"no time":        {with(record.HeaderTime, ""), "header ce_time is missing"},
		"no such time":   {with(record.HeaderTime, "2026-02-30T00:00:00Z"), "header ce_time"},
		"no number":      {with(record.HeaderSequence, "x"), "header ce_sequence"},
		"sequence of 0":  {with(record.HeaderSequence, "0"), "it counts from 1"},
		"latin-1":        {with(record.HeaderID, "caf\xe9"), "header ce_id is not UTF-8"},
		"latin-1 beside": {with("ce_other", "caf\xe9"), "header ce_other is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := record.DecodeEvent(c.record)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
		})
	}
	got, err := record.DecodeEvent(with(record.HeaderTenant, ""))
	require.NoError(t, err)
	require.Equal(t, record.DefaultTenant, got.Tenant)
}

func TestClockRecords(t *testing.T) {
	now := compliance.InstantOf(time.Date(2026, 7, 1, 0, 0, 0, 1000, time.UTC))
	r := record.EncodeClock("assay.events.access", 2, now)
	require.Equal(t, "assay.events.access", r.Topic)
	require.EqualValues(t, 2, r.Partition)
	got, ok := record.DecodeClock(r)
	require.True(t, ok)
	require.Equal(t, now, got)

	_, ok = record.DecodeClock(record.EncodeEvent(event(), "u", nil))
	require.False(t, ok)
	_, ok = record.DecodeClock(&kgo.Record{Headers: []kgo.RecordHeader{{Key: record.HeaderClock, Value: []byte("soon")}}})
	require.False(t, ok)
	_, err := record.DecodeEvent(r)
	require.Error(t, err, "a clock record is no event")
}

// FuzzDecodeEvent: nothing panics; what is read and written again reads the same.
func FuzzDecodeEvent(f *testing.F) {
	f.Add("1.0", "e-1", "/idp", "access.login", "2026-07-01T09:30:00.5+02:00", "default", "42", []byte("{}"))
	f.Add("1.0", "", "\xff", "t", "0000-01-01T00:00:00Z", "", "18446744073709551616", []byte(nil))
	f.Add("1.0", "i", "s", "t", "9999-12-31T23:59:59.999999999-23:59", "t", "18446744073709551615", []byte("x"))
	f.Fuzz(func(t *testing.T, spec, id, source, typ, when, tenant, sequence string, value []byte) {
		r := &kgo.Record{Value: value, Timestamp: time.UnixMilli(1)}
		for _, h := range [][2]string{
			{record.HeaderSpecVersion, spec},
			{record.HeaderID, id},
			{record.HeaderSource, source},
			{record.HeaderType, typ},
			{record.HeaderTime, when},
			{record.HeaderTenant, tenant},
			{record.HeaderSequence, sequence},
		} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
		}
		ev, err := record.DecodeEvent(r)
		if err != nil {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
			return
		}
		if y := ev.Time.Time().Year(); y < 0 || y > 9999 {
			return // an offset moved it out of RFC 3339; nothing plausible is there
		}
		again := record.EncodeEvent(ev, "k", value)
		again.Timestamp = r.Timestamp
		twin, err := record.DecodeEvent(again)
		require.NoError(t, err)
		require.Equal(t, ev, twin)
	})
}
