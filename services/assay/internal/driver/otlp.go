package driver

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// What an OpenTelemetry exporter sends: https://opentelemetry.io/docs/specs/otlp/ in
// JSON, with the attributes of the semantic conventions for generative AI. What these
// have no word for stands in attributes of assay. (docs/formats/otlp.md).
//
// The story knows when a step ended and not when it began, so a span's times are one.

// spans tells of the steps of a ticket: each is a span of its trace.
func spans(_ *known, ev compliance.Event) (told, bool) {
	say, ok := spanOf(ev)
	if !ok {
		return told{}, false
	}
	at := nanoseconds(ev.Time)
	span := fields{
		"traceId": text(ev, "trace_id"), "spanId": text(ev, "span_id"), "name": say.name, "kind": say.kind,
		"startTimeUnixNano": at, "endTimeUnixNano": at, "status": fields{},
		"attributes": append(say.attributes, attribute("assay.name", text(ev, "name"))),
	}
	if parent := text(ev, "parent_id"); parent != "" {
		span["parentSpanId"] = parent
	}
	return told{payload: fields{"resourceSpans": []any{fields{
		"resource":   resource(ev),
		"scopeSpans": []any{fields{"scope": scope(), "spans": []any{span}}},
	}}}}, true
}

// scores tells of evaluations of answers, which are log records.
func scores(_ *known, ev compliance.Event) (told, bool) {
	permille, ok := ev.Data["score_permille"].(int64)
	if ev.Type != "eval.online.scored" || !ok {
		return told{}, false
	}
	at := nanoseconds(ev.Time)
	log := fields{
		"timeUnixNano": at, "observedTimeUnixNano": at, "severityNumber": 9, "eventName": "gen_ai.evaluation.result",
		"attributes": []fields{
			attribute("gen_ai.evaluation.name", text(ev, "metric")),
			attribute("gen_ai.evaluation.score.value", float64(permille)/1000),
			attribute("assay.service", text(ev, "service")),
		},
	}
	if trace := text(ev, "trace_id"); trace != "" {
		log["traceId"] = trace
	}
	return told{payload: fields{"resourceLogs": []any{fields{
		"resource":  resource(ev),
		"scopeLogs": []any{fields{"scope": scope(), "logRecords": []any{log}}},
	}}}}, true
}

// maxExport is how many spans or log records an SDK exports at once.
const maxExport = 512

// join makes one export of several to the same door: what they list is listed after
// each other.
func join(exports []Delivery) Delivery {
	one := exports[0]
	if len(exports) == 1 {
		return one
	}
	var body bytes.Buffer
	one.Events = 0
	for i, d := range exports {
		begin, end := bytes.IndexByte(d.Body, '['), bytes.LastIndexByte(d.Body, ']')
		if i == 0 {
			body.Write(d.Body[:begin+1])
		} else {
			body.WriteByte(',')
		}
		body.Write(d.Body[begin+1 : end])
		one.Events += d.Events
	}
	body.WriteString("]}")
	one.Body = body.Bytes()
	return one
}

// resource names the service, which the collector makes the source of.
func resource(ev compliance.Event) fields {
	return fields{"attributes": []fields{
		attribute("service.name", strings.TrimPrefix(ev.Source, "/")), attribute("telemetry.sdk.language", "python"),
	}}
}

func scope() fields { return fields{"name": "northwind.assistant", "version": "3.2.0"} }

// spanText is the part of a span that depends on what it is.
type spanText struct {
	name string
	// kind is internal (1) or client (3).
	kind       int
	attributes []fields
}

func spanOf(ev compliance.Event) (spanText, bool) {
	switch ev.Type {
	case "model.call.completed":
		return spanText{"chat " + text(ev, "model"), 3, attributes(ev, "gen_ai.operation.name", "chat",
			"gen_ai.provider.name", "=provider", "gen_ai.request.model", "=requested_model", "gen_ai.response.model", "=model",
			"gen_ai.usage.input_tokens", "=input_tokens", "gen_ai.usage.output_tokens", "=output_tokens",
			"assay.call_id", "=call_id", "assay.region", "=region", "assay.data_class", "=data_class", "assay.third_party", "=third_party",
			"gen_ai.agent.name", "=actor")}, true
	case "tool.call.completed":
		return spanText{"execute_tool " + text(ev, "tool"), 1, attributes(ev, "gen_ai.operation.name", "execute_tool",
			"gen_ai.tool.name", "=tool", "gen_ai.tool.call.id", "=tool_call_id", "gen_ai.agent.name", "=agent", "assay.scope", "=scope",
			"assay.data_class", "=data_class")}, true
	case "retrieval.completed":
		return spanText{"retrieval " + text(ev, "store"), 3, append(attributes(ev, "gen_ai.operation.name", "retrieval",
			"gen_ai.data_source.id", "=store", "gen_ai.agent.name", "=actor", "assay.data_class", "=data_class"), retrieved(ev))}, true
	case "guardrail.decision":
		return spanText{"apply_guardrail " + text(ev, "policy"), 1, attributes(ev, "gen_ai.operation.name", "apply_guardrail",
			"gen_ai.guardrail.name", "=policy", "gen_ai.guardrail.decision", "=decision", "assay.level", "=level")}, true
	}
	return assaySpan(ev)
}

// assaySpan is of what no convention knows.
func assaySpan(ev compliance.Event) (spanText, bool) {
	names := map[string][]string{
		"ticket.received":      {"ticket_id", "customer", "channel"},
		"human_review.decided": {"reviewer", "decision", "ticket_id"},
		"output.delivered":     {"ticket_id", "use_case", "app", "plan"},
	}[ev.Type]
	if names == nil {
		return spanText{}, false
	}
	pairs := []string{"assay.type", ev.Type}
	for _, name := range names {
		pairs = append(pairs, "assay."+name, "="+name)
	}
	return spanText{text(ev, "name"), 1, attributes(ev, pairs...)}, true
}

// retrieved lists the documents, of which the collector keeps the number alone.
func retrieved(ev compliance.Event) fields {
	n, _ := ev.Data["documents"].(int64)
	documents := []any{}
	for i := range n {
		documents = append(documents, text(ev, "store")+"/"+strconv.FormatInt(i, 10))
	}
	return attribute("gen_ai.retrieval.documents", documents)
}

// attributes makes them of pairs of a name and a text, or of a field's name after "=".
func attributes(ev compliance.Event, pairs ...string) []fields {
	var list []fields
	for pair := range slices.Chunk(pairs, 2) {
		name, fromField := strings.CutPrefix(pair[1], "=")
		switch value, there := ev.Data[name]; {
		case !fromField:
			list = append(list, attribute(pair[0], name))
		case there:
			list = append(list, attribute(pair[0], value))
		}
	}
	return list
}

func attribute(name string, value any) fields { return fields{"key": name, "value": anyValue(value)} }

// anyValue is a value as OTLP's JSON writes it, where numbers of 64 bits are text.
func anyValue(value any) fields {
	switch v := value.(type) {
	case int64:
		return fields{"intValue": strconv.FormatInt(v, 10)}
	case bool:
		return fields{"boolValue": v}
	case float64:
		return fields{"doubleValue": v}
	case []any:
		values := make([]fields, len(v))
		for i, e := range v {
			values[i] = anyValue(e)
		}
		return fields{"arrayValue": fields{"values": values}}
	default:
		s, _ := v.(string)
		return fields{"stringValue": s}
	}
}

func nanoseconds(at compliance.Instant) string { return strconv.FormatInt(at.Time().UnixNano(), 10) }
