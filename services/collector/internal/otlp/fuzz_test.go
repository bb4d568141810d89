package otlp_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/otlp"
)

// plenty is more than any test lays out.
const plenty = 1 << 30

// hexIDs is a request in OTLP/JSON.
func hexIDs(t *testing.T, m proto.Message) []byte {
	t.Helper()
	raw, err := protojson.Marshal(m)
	require.NoError(t, err)
	var doc any
	require.NoError(t, json.Unmarshal(raw, &doc))
	walk(t, doc)
	raw, err = json.Marshal(doc)
	require.NoError(t, err)
	return raw
}

func walk(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(t, e)
		}
	case map[string]any:
		for name, e := range v {
			switch name {
			case "traceId", "spanId", "parentSpanId":
				id, err := base64.StdEncoding.DecodeString(e.(string))
				require.NoError(t, err)
				v[name] = hex.EncodeToString(id)
			default:
				walk(t, e)
			}
		}
	}
}

// FuzzTraces: nothing panics, what protobuf says is said by JSON too, and whatever is
// laid out can be mapped, or says why not.
func FuzzTraces(f *testing.F) {
	seed(f, "traces")
	v := fuzzVendor(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := otlp.NewRedactor(nil, nil, false)
		if req, err := otlp.Traces(raw, otlp.JSON); err == nil {
			check(t, v, slices.Collect(r.Spans(req, plenty)))
		} else {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
		}
		req, err := otlp.Traces(raw, otlp.Protobuf)
		if err != nil {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
			return
		}
		list := slices.Collect(r.Spans(req, plenty))
		check(t, v, list)
		again, err := otlp.Traces(hexIDs(t, req), otlp.JSON)
		require.NoError(t, err)
		require.Equal(t, list, slices.Collect(r.Spans(again, plenty)))
	})
}

// FuzzLogs is FuzzTraces for log records.
func FuzzLogs(f *testing.F) {
	seed(f, "logs")
	v := fuzzVendor(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := otlp.NewRedactor(nil, nil, false)
		if req, err := otlp.Logs(raw, otlp.JSON); err == nil {
			check(t, v, slices.Collect(r.Logs(req, plenty)))
		}
		req, err := otlp.Logs(raw, otlp.Protobuf)
		if err != nil {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
			return
		}
		list := slices.Collect(r.Logs(req, plenty))
		check(t, v, list)
		again, err := otlp.Logs(hexIDs(t, req), otlp.JSON)
		require.NoError(t, err)
		require.Equal(t, list, slices.Collect(r.Logs(again, plenty)))
	})
}

func check(t *testing.T, v *source.Vendor, list []otlp.Record) {
	t.Helper()
	for _, r := range list {
		if r.Err != nil {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(r.Err))
			continue
		}
		body, err := source.Decode([]byte(`{"records":[` + string(r.JSON) + `]}`))
		if err != nil {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
			continue
		}
		for _, f := range v.Map(source.Delivery{Body: body, Received: received}).Faults {
			require.True(t, strings.HasPrefix(f.Mapping, "otlp/assay.yaml"), "only what a span says itself that it is may lack something: %s: %v", f.Mapping, f.Err)
		}
	}
}
