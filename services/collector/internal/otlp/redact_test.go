package otlp_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/otlp"
)

func str(s string) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}
}

func whole(n int64) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: n}}
}

func float(f float64) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: f}}
}

func list(of ...*commonv1.AnyValue) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: of}}}
}

// attributesOf are the attributes of a span as they are laid out.
func attributesOf(t *testing.T, r *otlp.Redactor, name string, v *commonv1.AnyValue) any {
	t.Helper()
	records := slices.Collect(r.Spans(&tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{{
		TraceId: make([]byte, 15, 16), SpanId: []byte("12345678"), Attributes: []*commonv1.KeyValue{{Key: name, Value: v}},
	}}}}}}}, plenty))
	require.Error(t, records[0].Err, "15 bytes are no trace id")
	req := &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{{
		TraceId: []byte("1234567890123456"), SpanId: []byte("12345678"), Attributes: []*commonv1.KeyValue{{Key: name, Value: v}},
	}}}}}}}
	var doc struct {
		Attributes map[string]any `json:"attributes"`
	}
	require.NoError(t, json.Unmarshal(slices.Collect(r.Spans(req, plenty))[0].JSON, &doc))
	return doc.Attributes[name]
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func TestOnlyWhatHoldsNoContentIsKept(t *testing.T) {
	const said = "call me at 555-0100"
	r := otlp.NewRedactor(nil, []string{"acme.team", "acme.tags.*"}, false)
	digest := func(s string) map[string]any { return map[string]any{"digest": sum(s), "bytes": float64(len(s))} }
	for _, c := range []struct {
		name string
		v    *commonv1.AnyValue
		want any
	}{
		{"gen_ai.request.model", str("gpt-4o"), "gpt-4o"},
		{"gen_ai.request.model", str(strings.Repeat("x", 1025)), digest(strings.Repeat("x", 1025))},
		{"gen_ai.response.finish_reasons", list(str("stop")), []any{"stop"}},
		{"gen_ai.response.finish_reasons", list(list(str("stop"))), map[string]any{"digest": sum(`[["stop"]]`), "bytes": 10.0, "items": 1.0}},
		{"gen_ai.input.messages", str(said), digest(said)},
		{"gen_ai.prompt.0.content", str(said), digest(said)},
		{"gen_ai.prompt.name", str("refund"), "refund"},
		{"gen_ai.usage.input_tokens", whole(12), 12.0},
		{"llm.token_count.completion", whole(12), 12.0},
		{"gen_ai.tool.call.result", whole(85000), digest("85000")},
		{"acme.score", float(0.5), 0.5},
		{"acme.score", float(math.NaN()), digest("NaN")},
		{"acme.note", str(said), digest(said)},
		{"acme.team", str("support"), "support"},
		{"acme.tags.x", str("support"), "support"},
		{"exception.message", str(said), digest(said)},
		{"gen_ai.retrieval.documents", str(`[{"id":1},{"id":2}]`), map[string]any{"digest": sum(`[{"id":1},{"id":2}]`), "bytes": 19.0, "items": 2.0}},
		{"x", &commonv1.AnyValue{}, nil},
	} {
		require.Equal(t, c.want, attributesOf(t, r, c.name, c.v), c.name)
	}
}

func TestADigestIsDigestedOnce(t *testing.T) {
	r := otlp.NewRedactor(nil, nil, false)
	pair := func(k string, v *commonv1.AnyValue) *commonv1.KeyValue { return &commonv1.KeyValue{Key: k, Value: v} }
	fields := func(kv ...*commonv1.KeyValue) *commonv1.AnyValue {
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: kv}}}
	}
	want := map[string]any{"digest": sum("x"), "bytes": 1.0}
	require.Equal(t, want, attributesOf(t, r, "gen_ai.prompt", fields(pair("digest", str(sum("x"))), pair("bytes", whole(1)))))
	for _, v := range []*commonv1.AnyValue{
		fields(pair("digest", str("call me")), pair("bytes", whole(1))),
		fields(pair("digest", str(sum("x"))), pair("bytes", str("call me"))),
		fields(pair("digest", str(sum("x"))), pair("bytes", whole(1)), pair("items", str("call me"))),
		fields(pair("digest", str(sum("x"))), pair("bytes", whole(1)), pair("more", str("call me"))),
	} {
		got := attributesOf(t, r, "gen_ai.prompt", v)
		require.NotEqual(t, sum("x"), got.(map[string]any)["digest"])
		require.Len(t, got, 2)
	}
}

func TestAKeyMakesDigestsThatNobodyElseCanTry(t *testing.T) {
	mac := hmac.New(sha256.New, []byte("k"))
	mac.Write([]byte("yes"))
	got := attributesOf(t, otlp.NewRedactor([]byte("k"), nil, true), "gen_ai.completion", str("yes"))
	require.Equal(t, map[string]any{"digest": hex.EncodeToString(mac.Sum(nil)), "bytes": 3.0, "content": "yes"}, got)
}

const golden = `{"attributes":{"gen_ai.operation.name":"chat","gen_ai.system_instructions":{"bytes":2,"digest":"%s"}},"end":"2026-07-01T10:00:01.5Z",` +
	`"events":[{"attributes":{"exception.type":"Timeout"},"id":"0102030405060708090a0b0c0d0e0f10/0102030405060708/0","name":"exception","time":""}],` +
	`"id":"0102030405060708090a0b0c0d0e0f10/0102030405060708","kind":"client","links":[],"name":"chat gpt","parent_span_id":"",` +
	`"resource":{"process.command_args":{"bytes":13,"digest":"%s","items":1},"service.name":"assistant"},"schema_url":"https://opentelemetry.io/schemas/1.37.0",` +
	`"scope":{"attributes":{},"name":"lib","version":"1"},"signal":"span","span_id":"0102030405060708","start":"2026-07-01T10:00:00Z",` +
	`"status_code":"error","status_message":{"bytes":4,"digest":"%s"},"trace_id":"0102030405060708090a0b0c0d0e0f10"}`

func TestASpanLaidOut(t *testing.T) {
	raw := `{"resourceSpans":[{"schemaUrl":"https://opentelemetry.io/schemas/1.0.0",
	  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"assistant"}},
	    {"key":"process.command_args","value":{"arrayValue":{"values":[{"stringValue":"--key=abc"}]}}}]},
	  "scopeSpans":[{"schemaUrl":"https://opentelemetry.io/schemas/1.37.0","scope":{"name":"lib","version":"1"},"spans":[{
	    "traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0102030405060708","parentSpanId":"","name":"chat gpt","kind":3,
	    "startTimeUnixNano":"1782900000000000000","endTimeUnixNano":1782900001500000999,"status":{"code":"STATUS_CODE_ERROR","message":"boom"},
	    "events":[{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"Timeout"}}]}],
	    "attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.system_instructions","value":{"stringValue":"hi"}}]}]}]}]}`
	req, err := otlp.Traces([]byte(raw), otlp.JSON)
	require.NoError(t, err)
	records := slices.Collect(otlp.NewRedactor(nil, nil, false).Spans(req, plenty))
	want := strings.Replace(golden, "%s", sum("hi"), 1)
	want = strings.Replace(want, "%s", sum(`["--key=abc"]`), 1)
	want = strings.Replace(want, "%s", sum("boom"), 1)
	require.JSONEq(t, want, string(records[0].JSON))
	require.Equal(t, "assistant", records[0].Service)
}

func TestLogRecordsOfOneSpanAreToldApart(t *testing.T) {
	log := func(body string) *logsv1.LogRecord {
		return &logsv1.LogRecord{
			TraceId: []byte("1234567890123456"), SpanId: []byte("12345678"), ObservedTimeUnixNano: 1, Body: str(body),
			Attributes: []*commonv1.KeyValue{{Key: "event.name", Value: str("gen_ai.user.message")}},
		}
	}
	req := &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{log("a"), log("b"), log("a")}}}}}}
	records := slices.Collect(otlp.NewRedactor(nil, nil, false).Logs(req, plenty))
	require.Equal(t, records[0].ID, records[2].ID)
	require.NotEqual(t, records[0].ID, records[1].ID)
	require.Contains(t, string(records[0].JSON), `"event_name":"gen_ai.user.message"`)
}

// seed gives the fuzzers something that means something.
func seed(f *testing.F, signal string) {
	f.Helper()
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01","name":"x"}]}]}]}`))
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"","body":{"kvlistValue":{"values":[{"key":"a"}]}}}]}]}]}`))
	span := &tracev1.Span{
		TraceId: []byte("1234567890123456"), SpanId: []byte("12345678"), Name: "chat", EndTimeUnixNano: 1 << 60,
		Attributes: []*commonv1.KeyValue{{Key: "gen_ai.operation.name", Value: str("retrieval")}, {Key: "gen_ai.retrieval.documents", Value: list(whole(1), float(2))}},
	}
	log := &logsv1.LogRecord{
		TraceId: []byte("1234567890123456"), SpanId: []byte("12345678"), EventName: "gen_ai.evaluation.result", Body: str("x"),
		Attributes: []*commonv1.KeyValue{{Key: "gen_ai.evaluation.score.value", Value: float(0.5)}},
	}
	var m proto.Message = &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{span}}}}}}
	if signal == "logs" {
		m = &logsv1.LogsData{ResourceLogs: []*logsv1.ResourceLogs{{ScopeLogs: []*logsv1.ScopeLogs{{LogRecords: []*logsv1.LogRecord{log}}}}}}
	}
	raw, err := proto.Marshal(m)
	require.NoError(f, err)
	f.Add(raw)
}

func fuzzVendor(f *testing.F) *source.Vendor {
	f.Helper()
	types, err := dictionary.Default()
	require.NoError(f, err)
	lib, err := source.Default(types)
	require.NoError(f, err)
	v, ok := lib.Vendor("otlp")
	require.True(f, ok)
	return v
}
