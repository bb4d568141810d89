package otlp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/collector/internal/otlp"
)

// Messages of two bytes take a hundred times as much in memory: a request has a bounded
// number of them, whatever its size.
func TestARequestOfVeryManyMessages(t *testing.T) {
	field := func(number byte, inner string) string {
		length := len(inner)
		out := []byte{number<<3 | 2}
		for ; length > 0x7f; length >>= 7 {
			out = append(out, byte(length)|0x80)
		}
		return string(append(out, byte(length))) + inner
	}
	spans := func(n int) string { return field(1, field(2, strings.Repeat("\x12\x00", n))) }
	_, err := otlp.Traces([]byte(spans(300_000)), otlp.Protobuf)
	require.NoError(t, err)
	_, err = otlp.Traces([]byte(spans(500_000)), otlp.Protobuf)
	require.Equal(t, compliance.TooLarge, compliance.CodeOf(err), "%v", err)

	body := func(n int) string {
		return `{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.TrimSuffix(strings.Repeat(`{},`, n), ",") + `]}]}]}`
	}
	_, err = otlp.Traces([]byte(body(300_000)), otlp.JSON)
	require.NoError(t, err)
	_, err = otlp.Traces([]byte(body(500_000)), otlp.JSON)
	require.Equal(t, compliance.TooLarge, compliance.CodeOf(err), "%v", err)
}

// A resource's attributes stand beside each of its spans when they are laid out: what
// that makes of a small request is bounded.
func TestALargeResourceOfManySpans(t *testing.T) {
	resource := &resourcev1.Resource{}
	for i := range 100 {
		resource.Attributes = append(resource.Attributes, &commonv1.KeyValue{
			Key: fmt.Sprintf("service.x%d", i), Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: strings.Repeat("x", 1000)}},
		})
	}
	spans := make([]*tracev1.Span, 1000)
	for i := range spans {
		spans[i] = &tracev1.Span{TraceId: []byte("1234567890123456"), SpanId: []byte("12345678")}
	}
	req := &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{Resource: resource, ScopeSpans: []*tracev1.ScopeSpans{{Spans: spans}}}}}
	records := slices.Collect(otlp.NewRedactor(nil, nil, false).Spans(req, 5<<20))
	require.Len(t, records, len(spans), "each is answered for")
	bytes, refused := 0, 0
	for _, r := range records {
		if bytes += len(r.JSON); r.Err != nil {
			refused++
			require.Equal(t, compliance.TooLarge, compliance.CodeOf(r.Err))
		}
	}
	require.Less(t, bytes, 6<<20)
	require.Greater(t, refused, 900)
}
