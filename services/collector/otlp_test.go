package collector_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	gzipcodec "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector"
	"assay.example/assay/services/collector/internal/otlp/otlptest"
)

const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
	prompt       = "the customer's card number is 4111"
)

func text(s string) *commonv1.AnyValue {
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: s}}
}

func attributes(pairs ...string) []*commonv1.KeyValue {
	var out []*commonv1.KeyValue
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, &commonv1.KeyValue{Key: pairs[i], Value: text(pairs[i+1])})
	}
	return out
}

// span is a chat of n, with a prompt.
func span(n byte, more ...string) *tracev1.Span {
	return &tracev1.Span{
		TraceId: bytes.Repeat([]byte{n}, 16), SpanId: bytes.Repeat([]byte{n}, 8), Name: "chat gpt-4o",
		StartTimeUnixNano: uint64(today().UnixNano()), EndTimeUnixNano: uint64(today().Add(time.Second).UnixNano()),
		Attributes: attributes(append([]string{
			"gen_ai.operation.name", "chat", "gen_ai.provider.name", "openai", "gen_ai.response.model", "gpt-4o", "gen_ai.input.messages", prompt,
		}, more...)...),
	}
}

func web() *tracev1.Span {
	s := span(9)
	s.Attributes = attributes("http.request.method", "GET")
	return s
}

func export(service string, spans ...*tracev1.Span) *tracev1.TracesData {
	return &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{
		Resource:   &resourcev1.Resource{Attributes: attributes("service.name", service)},
		ScopeSpans: []*tracev1.ScopeSpans{{Spans: spans}},
	}}}
}

func wire(t *testing.T, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	require.NoError(t, err)
	return raw
}

func otlpConfig() collector.Config {
	cfg := config()
	cfg.Keys[0].Sources = []string{"/otlp/assistant", "/otlp/unknown_service*"}
	return cfg
}

// export posts one; headers are name, value.
func (r *rig) export(path, contentType string, body []byte, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, bytes.NewReader(body))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(out)}
}

func TestAnExportBecomesEventsBesideWhatTheyWereMadeOf(t *testing.T) {
	r := start(t, otlpConfig())
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(wire(t, export("assistant", span(1), web(), span(2))))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	a := r.export("/v1/traces", protobufType, zipped.Bytes(), "Content-Encoding", "gzip")
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, protobufType, a.header.Get("Content-Type"))
	require.Empty(t, a.body, "no partial success")

	kept := r.read(1, "received")[0]
	delivery := record.DecodeReceived(kept)
	require.Equal(t, []string{"acme", "/otlp/assistant", "otlp.traces", jsonType},
		[]string{delivery.Tenant, delivery.Source, delivery.Kind, delivery.MediaType})
	require.Equal(t, 2, delivery.Events)
	require.NotContains(t, string(kept.Value), "4111")
	require.NotContains(t, string(kept.Value), "http.request.method", "what has nothing to do with a model is nobody's business")
	events := r.read(2, "events.model-call")
	for _, e := range events {
		require.EqualValues(t, sha256.Sum256(kept.Value), record.DeliveryOf(e))
		ev, err := record.DecodeEvent(e)
		require.NoError(t, err)
		require.Equal(t, "/otlp/assistant", ev.Source)
		require.Equal(t, today().Add(time.Second), ev.Time.Time())
	}
	require.Equal(t, 2, r.metric("assay_collector_otlp_records_total", "traces", "mapped"))
	require.Equal(t, 1, r.metric("assay_collector_otlp_records_total", "traces", "left_out"))
	require.Equal(t, 2, r.metric("assay_collector_events_total", "model.call.completed", "accepted"))
	r.samesAgain(delivery, events)
}

// samesAgain maps what was kept anew, as an auditor would.
func (r *rig) samesAgain(delivery *record.Received, events []*kgo.Record) {
	r.t.Helper()
	types, err := dictionary.Default()
	require.NoError(r.t, err)
	lib, err := source.Default(types)
	require.NoError(r.t, err)
	v, _ := lib.Vendor("otlp")
	require.Equal(r.t, v.Version(), delivery.Mapping)
	body, err := source.Decode(delivery.Body)
	require.NoError(r.t, err)
	again := map[string]string{}
	for _, e := range v.Map(source.Delivery{Body: body, Received: delivery.At}).Events {
		again[e.ID] = string(e.Data)
	}
	require.Len(r.t, again, len(events))
	for _, e := range events {
		ev, err := record.DecodeEvent(e)
		require.NoError(r.t, err)
		require.Equal(r.t, again[ev.ID], string(e.Value))
	}
}

const jsonExport = `{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "assistant"}}]},
  "scopeSpans": [{"newField": [1], "spans": [{"traceId": "0101010101010101010101010101010A", "spanId": "0101010101010101", "name": "chat", "kind": "SPAN_KIND_CLIENT",
    "endTimeUnixNano": "1788264000000000000", "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
      {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}}]}, %s]}]}]}`

func TestWhatIsRefusedOfAnExportIsTold(t *testing.T) {
	r := start(t, otlpConfig())
	// A delivery without a ticket, and a span without ids.
	rest := `{"traceId": "02020202020202020202020202020202", "spanId": "0202020202020202", "endTimeUnixNano": 1788264000000000000,
	  "attributes": [{"key": "assay.type", "value": {"stringValue": "output.delivered"}}, {"key": "gen_ai.prompt", "value": {"stringValue": "` + prompt + `"}}]}, {"name": "lost"}`
	a := r.export("/v1/traces", jsonType, []byte(fmt.Sprintf(jsonExport, rest)))
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Contains(t, a.header["Content-Type"], jsonType)
	var said struct {
		PartialSuccess struct{ RejectedSpans, ErrorMessage string }
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &said))
	require.Equal(t, "2", said.PartialSuccess.RejectedSpans)
	require.Contains(t, said.PartialSuccess.ErrorMessage, "assay.ticket_id")
	r.read(1, "events.model-call")
	for _, rejected := range r.rejected(2) {
		require.Equal(t, "/otlp/assistant", rejected.Source)
		require.NotContains(t, string(rejected.Body), "4111")
	}
	// A repeat is the same event.
	require.Equal(t, http.StatusOK, r.export("/v1/traces", jsonType, []byte(fmt.Sprintf(jsonExport, rest))).status)
	events := r.read(2, "events.model-call")
	require.Equal(t, events[0].Headers, events[1].Headers)
	require.Equal(t, events[0].Value, events[1].Value)
}

func TestRefusedExports(t *testing.T) {
	cfg := otlpConfig()
	cfg.OTLP.MaxBytes = 4 << 10
	r := start(t, cfg)
	good := wire(t, export("assistant", span(1)))
	for _, c := range []struct {
		name, contentType string
		body              []byte
		headers           []string
		status            int
	}{
		{"no key", protobufType, good, []string{"Authorization", "Bearer x"}, http.StatusUnauthorized},
		{"no encoding of OTLP", "text/plain", good, nil, http.StatusUnsupportedMediaType},
		{"no compression that is known", protobufType, good, []string{"Content-Encoding", "zstd"}, http.StatusUnsupportedMediaType},
		{"no protobuf", protobufType, []byte("\xff\xff" + prompt), nil, http.StatusBadRequest},
		{"no JSON", jsonType, []byte(`{"resourceSpans": "` + prompt + `"}`), nil, http.StatusBadRequest},
		{"an id that isn't hex", jsonType, []byte(`{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "` + prompt + `"}]}]}]}`), nil, http.StatusBadRequest},
		{"too large", protobufType, wire(t, export("assistant", span(1, "gen_ai.prompt", strings.Repeat("x", 8<<10)))), nil, http.StatusRequestEntityTooLarge},
		{"another's source", protobufType, wire(t, export("billing", span(1))), nil, http.StatusForbidden},
		{"a source that is no name", protobufType, wire(t, export("assistant\x00", span(1))), nil, http.StatusOK},
	} {
		a := r.export("/v1/traces", c.contentType, c.body, c.headers...)
		require.Equal(t, c.status, a.status, "%s: %s", c.name, a.body)
		require.NotContains(t, a.body, "4111", c.name)
		if c.contentType == protobufType && c.status != http.StatusOK {
			var s rpcstatus.Status
			require.NoError(t, proto.Unmarshal([]byte(a.body), &s), c.name)
			require.NotEmpty(t, s.GetMessage())
			require.NotZero(t, s.GetCode())
		}
	}
	require.Equal(t, http.StatusMethodNotAllowed, r.get("/v1/traces"))
	r.nothingTaken()
	require.Zero(t, r.held("assay.received"))
	for _, rejected := range r.read(5, "rejected") {
		require.NotContains(t, string(rejected.Value), "4111")
	}
}

func (r *rig) get(path string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, http.NoBody)
	require.NoError(r.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	require.NoError(r.t, resp.Body.Close())
	return resp.StatusCode
}

func TestNoExportIsSaidToBeTakenBeforeKafkaHasIt(t *testing.T) {
	r := start(t, otlpConfig())
	arrived, open := r.holdProduce()
	body := wire(t, export("assistant", span(1)))
	answers := make(chan answer, 1)
	go func() { answers <- r.export("/v1/traces", protobufType, body) }()
	require.Eventually(t, func() bool { return arrived() > 0 }, soon, time.Millisecond)
	require.Empty(t, answers)
	open()
	require.Equal(t, http.StatusOK, (<-answers).status)
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, soon, time.Millisecond)
}

// deaf makes Kafka refuse everything.
func (r *rig) deaf() {
	r.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			rt := kmsg.ProduceResponseTopic{Topic: topic.Topic, TopicID: topic.TopicID}
			for _, p := range topic.Partitions {
				rt.Partitions = append(rt.Partitions, kmsg.ProduceResponseTopicPartition{Partition: p.Partition, ErrorCode: kerr.NotEnoughReplicas.Code})
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

func TestASenderIsToldWhenToComeBack(t *testing.T) {
	cfg := otlpConfig()
	cfg.AckTimeout = time.Second
	r, conn := startGRPC(t, cfg, nil)
	r.deaf()
	a := r.export("/v1/traces", protobufType, wire(t, export("assistant", span(1))))
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "5", a.header.Get("Retry-After"))
	_, err := exportGRPC(t, conn, secret, export("assistant", span(1)))
	require.Equal(t, codes.Unavailable, status.Code(err), err)
	require.Equal(t, 5*time.Second, retryDelay(t, err))
}

func TestNoExportIsReadWithoutRoomForIt(t *testing.T) {
	cfg := otlpConfig()
	cfg.MaxEventBytes, cfg.MaxBatchBytes, cfg.MaxInFlightBytes = 16<<10, 16<<10, 64<<10
	r, conn := startGRPC(t, cfg, nil)
	_, open := r.holdProduce()
	const many = 9 // an export may hold an eighth
	answers, errs := make(chan int, many), make(chan error, many)
	large := wire(t, export("assistant", span(1, "gen_ai.prompt", strings.Repeat("x", 7<<10))))
	for range many {
		go func() {
			_, err := exportGRPC(t, conn, secret, export("assistant", span(1)))
			errs <- err
		}()
	}
	err := <-errs
	require.Equal(t, codes.ResourceExhausted, status.Code(err), err)
	require.Equal(t, 5*time.Second, retryDelay(t, err), "without it an exporter would give up")
	for range many {
		go func() { answers <- r.export("/v1/traces", protobufType, large).status }()
	}
	require.Equal(t, http.StatusTooManyRequests, <-answers)
	require.LessOrEqual(t, r.metric("assay_collector_inflight_bytes"), 64<<10)
	open()
	for range many - 1 {
		<-errs
		<-answers
	}
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, soon, time.Millisecond)
}

func startGRPC(t *testing.T, cfg collector.Config, creds credentials.TransportCredentials) (*rig, *grpc.ClientConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := startWith(t, cfg, func(d *collector.Deps) { d.GRPCListener = listener })
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(creds))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return r, conn
}

// exportGRPC gives the bytes of the answer.
func exportGRPC(t *testing.T, conn *grpc.ClientConn, key string, req proto.Message, opts ...grpc.CallOption) ([]byte, error) {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+key)
	var out emptypb.Empty
	err := conn.Invoke(ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", req, &out, opts...)
	return out.ProtoReflect().GetUnknown(), err
}

func retryDelay(t *testing.T, err error) time.Duration {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

func TestGRPC(t *testing.T) {
	cfg := otlpConfig()
	cfg.OTLP.MaxBytes = 64 << 10
	r, conn := startGRPC(t, cfg, nil)
	out, err := exportGRPC(t, conn, secret, export("assistant", span(1), span(2)), grpc.UseCompressor(gzipcodec.Name))
	require.NoError(t, err)
	require.Empty(t, out)
	r.read(2, "events.model-call")

	out, err = exportGRPC(t, conn, secret, export("assistant", span(3), &tracev1.Span{}))
	require.NoError(t, err)
	require.Contains(t, string(out), "1 of 2 spans are refused")

	_, err = exportGRPC(t, conn, "x", export("assistant", span(4)))
	require.Equal(t, codes.Unauthenticated, status.Code(err))
	_, err = exportGRPC(t, conn, secret, export("billing", span(4)))
	require.Equal(t, codes.PermissionDenied, status.Code(err))
	_, err = exportGRPC(t, conn, secret, export("assistant", span(4, "gen_ai.prompt", strings.Repeat("x", 65<<10))))
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.Zero(t, retryDelay(t, err), "it would be as large again")
	r.read(3, "events.model-call")
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, soon, time.Millisecond)
}

func TestGRPCHasTheCollectorsCertificate(t *testing.T) {
	cfg := otlpConfig()
	certFile, keyFile, pool := selfSigned(t)
	cfg.CertFile, cfg.KeyFile = certFile, keyFile
	r, conn := startGRPC(t, cfg, credentials.NewClientTLSFromCert(pool, ""))
	_, err := exportGRPC(t, conn, secret, export("assistant", span(1)))
	require.NoError(t, err)
	r.read(1, "events.model-call")
}

func TestContentIsKeptBesideItsDigestIfSomebodyWantsIt(t *testing.T) {
	cfg := otlpConfig()
	cfg.OTLP.KeepContent = true
	r := start(t, cfg)
	require.Equal(t, http.StatusOK, r.export("/v1/traces", protobufType, wire(t, export("assistant", span(1)))).status)
	require.Contains(t, string(r.read(1, "received")[0].Value), "4111")
	require.NotContains(t, string(r.read(1, "events.model-call")[0].Value), "4111")
}

// Exports go in; none of what people or models said comes out.
func TestNoContentOfExportersTravels(t *testing.T) {
	exports := otlptest.All(t, "../../../shared/fixtures")
	r := startWith(t, otlpConfig(), func(d *collector.Deps) {
		d.Now = func() time.Time { return time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) }
	})
	said := map[string]bool{}
	for _, export := range exports {
		path := "/v1/traces"
		if export.Logs {
			path = "/v1/logs"
		}
		for contentType, body := range map[string][]byte{jsonType: export.JSON, protobufType: export.Protobuf} {
			a := r.export(path, contentType, body)
			require.Equal(t, http.StatusOK, a.status, "%s: %s", export.Name, a.body)
			require.Contains(t, []string{"", "{}"}, a.body, export.Name)
		}
		var doc any
		require.NoError(t, json.Unmarshal(export.JSON, &doc))
		collect(doc, false, said)
	}
	require.Greater(t, len(said), 15)
	produced := r.read(2*len(exports), "received")
	produced = append(produced, r.read(2*len(exports), "events.model-call")...)
	require.Zero(t, r.held("assay.rejected"))
	for _, rec := range produced {
		for text := range said {
			require.NotContains(t, string(rec.Value), text)
			for _, h := range rec.Headers {
				require.NotContains(t, string(h.Value), text)
			}
		}
	}
}

// collect finds what was said: texts under content attributes and bodies, also
// inside of JSON in text. Single words are left out: many are names, too.
func collect(v any, content bool, said map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, content, said)
		}
	case map[string]any:
		key, _ := v["key"].(string)
		content = content || strings.HasSuffix(key, "messages") || strings.HasSuffix(key, "instructions") ||
			strings.HasPrefix(key, "traceloop.entity.") && key != "traceloop.entity.name" || key == "mcp.response.value"
		for name, e := range v {
			collect(e, content || name == "body", said)
		}
	case string:
		var inner any
		if json.Unmarshal([]byte(v), &inner) == nil && content {
			if _, ok := inner.(string); !ok {
				collect(inner, true, said)
			}
		}
		if content && len(v) > 8 && strings.ContainsFunc(v, unicode.IsSpace) {
			said[v] = true
		}
	}
}

// The command that the documentation shows is run as it stands.
func TestTheDocumentedExportWorks(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	page, err := os.ReadFile("../../docs/formats/otlp.md")
	require.NoError(t, err)
	commands := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, commands, 1)
	r := start(t, otlpConfig())
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(commands[0][1], "http://127.0.0.1:8081", r.url))
	cmd.Env = append(os.Environ(), "ASSAY_KEY="+secret)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.JSONEq(t, `{}`, string(out))
	require.Contains(t, string(r.read(1, "events.model-call")[0].Value), `"data_class":"internal"`)
}
