package otlp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"assay.example/assay/pkg/dictionary"
)

// Record is one span or log record.
type Record struct {
	// ID is the same whenever the record is exported: trace/span for spans, a hash
	// of the content too for log records.
	ID string
	// Service is the resource's service.name; empty if it has none.
	Service string
	// JSON is what mappings see of it, as docs/formats/otlp.md lists it: one object.
	JSON []byte
	// Err is the refusal of a record that the protocol forbids. Such a record has no
	// JSON.
	Err error
}

// maxName is of the names of spans and events. Type fields have the same limit.
const maxName = 256

// Spans lays out the spans of a request, in its order, one at a time. Each holds what
// its resource and scope say once more, so that a small request can be laid out
// large: after most bytes all others are refused.
func (r *Redactor) Spans(req *tracev1.TracesData, most int64) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		left := most
		for _, rs := range req.GetResourceSpans() {
			resource, service := r.resource(rs.GetResource())
			for _, ss := range rs.GetScopeSpans() {
				shared := r.shared("span", resource, ss.GetScope(), ss.GetSchemaUrl(), rs.GetSchemaUrl())
				for _, s := range ss.GetSpans() {
					if !yield(within(&left, service, func() Record { return r.span(shared, service, s) })) {
						return
					}
				}
			}
		}
	}
}

// Logs lays out the log records of a request, as Spans does.
func (r *Redactor) Logs(req *logsv1.LogsData, most int64) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		left := most
		for _, rl := range req.GetResourceLogs() {
			resource, service := r.resource(rl.GetResource())
			for _, sl := range rl.GetScopeLogs() {
				shared := r.shared("log", resource, sl.GetScope(), sl.GetSchemaUrl(), rl.GetSchemaUrl())
				for _, l := range sl.GetLogRecords() {
					if !yield(within(&left, service, func() Record { return r.log(shared, service, l) })) {
						return
					}
				}
			}
		}
	}
}

// within lays a record out if there is anything left.
func within(left *int64, service string, lay func() Record) Record {
	if *left <= 0 {
		return Record{Service: service, Err: dictionary.Refuse(dictionary.CodeTooLarge, dictionary.Fault{
			Reason: "the export is too large with what its resources and scopes say beside each record",
			Hint:   "send smaller batches, and fewer attributes of resources and scopes",
		})}
	}
	record := lay()
	*left -= int64(len(record.JSON))
	return record
}

func (r *Redactor) resource(res *resourcev1.Resource) (fields map[string]any, service string) {
	fields = r.fields(r.resources, res.GetAttributes())
	service, _ = fields["service.name"].(string)
	return fields, service
}

func (r *Redactor) fields(known names, list []*commonv1.KeyValue) map[string]any {
	out := make(map[string]any, len(list))
	for _, kv := range list {
		if v := r.attribute(known, kv.GetKey(), kv.GetValue()); v != nil {
			out[kv.GetKey()] = v
		}
	}
	return out
}

// shared is what the records of one scope have in common. A scope's schema stands
// before its resource's.
func (r *Redactor) shared(signal string, resource map[string]any, scope *commonv1.InstrumentationScope, schemas ...string) map[string]any {
	schema := schemas[0]
	if schema == "" {
		schema = schemas[1]
	}
	return map[string]any{
		"signal": signal, "resource": resource, "schema_url": schema,
		"scope": map[string]any{
			"name": scope.GetName(), "version": scope.GetVersion(), "attributes": r.fields(r.spans, scope.GetAttributes()),
		},
	}
}

func (r *Redactor) span(shared map[string]any, service string, s *tracev1.Span) Record {
	trace, span := hexID(s.GetTraceId(), 16), hexID(s.GetSpanId(), 8)
	if trace == "" || span == "" {
		return Record{Service: service, Err: invalid("/spans", "a span has no valid trace and span id")}
	}
	fields := map[string]any{
		"id": trace + "/" + span, "trace_id": trace, "span_id": span, "parent_span_id": hexID(s.GetParentSpanId(), 8),
		"name": clip(s.GetName()), "kind": enum(s.GetKind().String(), "SPAN_KIND_"),
		"start": timeText(s.GetStartTimeUnixNano()), "end": timeText(s.GetEndTimeUnixNano()),
		"status_code": enum(s.GetStatus().GetCode().String(), "STATUS_CODE_"),
		"attributes":  r.fields(r.spans, s.GetAttributes()),
		"events":      r.events(trace+"/"+span, s.GetEvents()),
		"links":       links(s.GetLinks()),
	}
	if m := s.GetStatus().GetMessage(); m != "" {
		fields["status_message"] = r.digest(m)
	}
	return finish(shared, fields, service)
}

func (r *Redactor) events(span string, list []*tracev1.Span_Event) []any {
	out := make([]any, 0, len(list))
	for i, e := range list {
		out = append(out, map[string]any{
			"id": fmt.Sprintf("%s/%d", span, i), "name": clip(e.GetName()), "time": timeText(e.GetTimeUnixNano()),
			"attributes": r.fields(r.spans, e.GetAttributes()),
		})
	}
	return out
}

func links(list []*tracev1.Span_Link) []any {
	out := make([]any, 0, len(list))
	for _, l := range list {
		out = append(out, map[string]any{"trace_id": hexID(l.GetTraceId(), 16), "span_id": hexID(l.GetSpanId(), 8)})
	}
	return out
}

func (r *Redactor) log(shared map[string]any, service string, l *logsv1.LogRecord) Record {
	trace, span := hexID(l.GetTraceId(), 16), hexID(l.GetSpanId(), 8)
	id := fingerprint(l)
	if trace != "" {
		id = trace + "/" + span + "/" + id
	}
	at := l.GetTimeUnixNano()
	if at == 0 {
		at = l.GetObservedTimeUnixNano()
	}
	fields := map[string]any{
		"id": id, "trace_id": trace, "span_id": span,
		"time": timeText(at), "severity": severity(l), "event_name": clip(eventName(l)),
		"attributes": r.fields(r.spans, l.GetAttributes()),
	}
	if body := plain(l.GetBody()); isDigest(body) {
		fields["body"] = body
	} else if body != nil {
		fields["body"] = r.digest(body)
	}
	return finish(shared, fields, service)
}

// eventName is a field since OTLP 1.5, and was an attribute before.
func eventName(l *logsv1.LogRecord) string {
	if l.GetEventName() != "" {
		return l.GetEventName()
	}
	for _, kv := range l.GetAttributes() {
		if kv.GetKey() == "event.name" {
			return kv.GetValue().GetStringValue()
		}
	}
	return ""
}

// fingerprint tells log records of one span apart; a repeated export has the same.
func fingerprint(l *logsv1.LogRecord) string {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(l)
	if err != nil {
		raw = nil // it was unmarshalled before
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

func finish(shared, fields map[string]any, service string) Record {
	id, _ := fields["id"].(string)
	maps.Copy(fields, shared)
	raw, err := json.Marshal(fields, json.Deterministic(true))
	if err != nil {
		return Record{ID: id, Service: service, Err: invalid("", "a record holds text that is not UTF-8")}
	}
	return Record{ID: id, Service: service, JSON: raw}
}

func invalid(pointer, reason string) error {
	return dictionary.Refuse(dictionary.CodeInvalidData, dictionary.Fault{Pointer: pointer, Reason: reason, Hint: "see the OTLP specification"})
}

// hexID is an id in hex; empty if it has another length or is all zeros, which says
// that there is none.
func hexID(id []byte, size int) string {
	if len(id) != size || strings.Trim(string(id), "\x00") == "" {
		return ""
	}
	return hex.EncodeToString(id)
}

// timeText is RFC 3339, empty for 0, which says that the time is unknown.
func timeText(nanos uint64) string {
	const last = 253_402_300_799_999_999_999 / 1000 // the year 9999 in microseconds
	if nanos == 0 || nanos/1000 > last {
		return ""
	}
	return time.UnixMicro(int64(nanos / 1000)).UTC().Format(time.RFC3339Nano)
}

func enum(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }

func severity(l *logsv1.LogRecord) string {
	if l.GetSeverityNumber() == 0 {
		return ""
	}
	return enum(l.GetSeverityNumber().String(), "SEVERITY_NUMBER_")
}

func clip(s string) string {
	if len(s) <= maxName {
		return s
	}
	return strings.ToValidUTF8(s[:maxName], "")
}
