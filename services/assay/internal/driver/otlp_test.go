package driver_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The export requests of OTLP in JSON, as far as the story needs them.
type (
	export struct {
		ResourceSpans []struct {
			Resource   attributed
			ScopeSpans []struct{ Spans []exported }
		}
		ResourceLogs []struct {
			Resource  attributed
			ScopeLogs []struct{ LogRecords []exported }
		}
	}
	attributed struct {
		Attributes []struct {
			Key   string
			Value anyValue
		}
	}
	exported struct {
		attributed
		TraceID, SpanID, ParentSpanID, Name, EventName   string
		TimeUnixNano, StartTimeUnixNano, EndTimeUnixNano string
	}
	anyValue struct {
		StringValue *string
		IntValue    *string
		BoolValue   *bool
		DoubleValue *float64
		ArrayValue  *struct{ Values []anyValue }
	}
)

func (v anyValue) plain(t *testing.T) any {
	t.Helper()
	switch {
	case v.StringValue != nil:
		return *v.StringValue
	case v.IntValue != nil:
		n, err := strconv.ParseInt(*v.IntValue, 10, 64)
		require.NoError(t, err)
		return n
	case v.BoolValue != nil:
		return *v.BoolValue
	case v.DoubleValue != nil:
		return *v.DoubleValue
	}
	require.NotNil(t, v.ArrayValue)
	list := []any{}
	for _, e := range v.ArrayValue.Values {
		list = append(list, e.plain(t))
	}
	return list
}

func (a attributed) plain(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, kv := range a.Attributes {
		out[kv.Key] = kv.Value.plain(t)
	}
	// Documents are content, of which the number is kept (docs/formats/otlp.md).
	if documents, ok := out["gen_ai.retrieval.documents"].([]any); ok {
		out["gen_ai.retrieval.documents"] = map[string]any{"digest": "", "bytes": 0, "items": len(documents)}
	}
	return out
}

// flat is what the collector's door for OTLP lays out for the mappings.
func flat(t *testing.T, body []byte) []byte {
	t.Helper()
	var in export
	require.NoError(t, json.Unmarshal(body, &in))
	var records []any
	for _, rs := range in.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				records = append(records, map[string]any{
					"signal": "span", "id": s.TraceID + "/" + s.SpanID, "trace_id": s.TraceID, "span_id": s.SpanID,
					"parent_span_id": s.ParentSpanID, "name": s.Name, "kind": "internal", "status_code": "unset",
					"start": clock(t, s.StartTimeUnixNano), "end": clock(t, s.EndTimeUnixNano),
					"attributes": s.plain(t), "resource": rs.Resource.plain(t), "events": []any{}, "links": []any{}, "scope": map[string]any{},
				})
			}
		}
	}
	for _, rl := range in.ResourceLogs {
		for _, sl := range rl.ScopeLogs {
			for _, l := range sl.LogRecords {
				raw, err := json.Marshal(l)
				require.NoError(t, err)
				records = append(records, map[string]any{
					"signal": "log", "id": l.TraceID + "/" + string(raw[len(raw)-8:]) + l.TimeUnixNano, "trace_id": l.TraceID, "span_id": l.SpanID,
					"event_name": l.EventName, "time": clock(t, l.TimeUnixNano),
					"attributes": l.plain(t), "resource": rl.Resource.plain(t), "scope": map[string]any{},
				})
			}
		}
	}
	out, err := json.Marshal(map[string]any{"records": records})
	require.NoError(t, err)
	return out
}

func clock(t *testing.T, nanos string) string {
	t.Helper()
	n, err := strconv.ParseInt(nanos, 10, 64)
	require.NoError(t, err)
	return time.Unix(0, n).UTC().Format(time.RFC3339Nano)
}
