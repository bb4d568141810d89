package otlp

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
)

func anyValues() []*commonv1.AnyValue {
	str := func(s string) *commonv1.AnyValue {
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}
	}
	list := &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: &commonv1.ArrayValue{Values: []*commonv1.AnyValue{str("a"), str("b")}}}}
	return []*commonv1.AnyValue{
		str(""), str("x"), str(strings.Repeat("x", 100)), str(strings.Repeat("é", 256)), str(strings.Repeat("é", 300)), str(strings.Repeat("x", 5000)), list,
		{},
		{Value: &commonv1.AnyValue_IntValue{IntValue: -7}},
		{Value: &commonv1.AnyValue_BoolValue{BoolValue: true}},
		{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: 1e300}},
		{Value: &commonv1.AnyValue_BytesValue{BytesValue: []byte{0, 1}}},
		{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: &commonv1.KeyValueList{Values: []*commonv1.KeyValue{{Key: "a", Value: str("b")}}}}},
	}
}

// Whatever an attribute that the conventions know holds, the span is no fault: what
// can't be read is as if it weren't there.
func TestNoAttributeFailsAMapping(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	library, err := source.Default(types)
	require.NoError(t, err)
	v, ok := library.Vendor("otlp")
	require.True(t, ok)
	r := NewRedactor(nil, nil, false)
	names := slices.Concat(attributes, []string{
		"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.retrieval.documents", "assay.name", "assay.call_id", "assay.region",
		"assay.data_class", "assay.third_party", "assay.scope", "assay.store", "assay.documents", "assay.policy", "assay.level", "assay.agent",
		"assay.service", "assay.tool", "assay.score_permille", "assay.use_case", "assay.app", "llm.usage.prompt_tokens", "llm.token_count.prompt",
	})
	// Those that no mapping reads are left out, for the test's time.
	names = slices.DeleteFunc(names, func(name string) bool {
		return strings.HasPrefix(name, "network.") || strings.HasPrefix(name, "rpc.") || strings.HasPrefix(name, "http.")
	})
	text := func(k, s string) *commonv1.KeyValue {
		return &commonv1.KeyValue{Key: k, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}}
	}
	for _, operation := range []string{"chat", "execute_tool", "retrieval", "guardrail"} {
		for _, name := range names {
			for _, value := range anyValues() {
				span := &tracev1.Span{
					TraceId: []byte("1234567890123456"), SpanId: []byte("12345678"), Name: "x", EndTimeUnixNano: 1_782_900_000_000_000_000,
					Attributes: []*commonv1.KeyValue{text("gen_ai.operation.name", operation), text("assay.decision", "allow"), {Key: name, Value: value}},
					Events:     []*tracev1.Span_Event{{Name: "gen_ai.evaluation.result", Attributes: []*commonv1.KeyValue{{Key: name, Value: value}}}},
				}
				req := &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{span}}}}}}
				for record := range r.Spans(req, 1<<30) {
					require.NoError(t, record.Err)
					body, err := source.Decode([]byte(`{"records":[` + string(record.JSON) + `]}`))
					require.NoError(t, err)
					m := v.Map(source.Delivery{Body: body})
					require.Empty(t, m.Faults, "%s of %s: %v", name, operation, value)
					require.NotEmpty(t, m.Events)
				}
			}
		}
	}
}
