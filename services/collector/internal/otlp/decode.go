package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"assay.example/assay/pkg/dictionary"
)

// Encoding is how a request is written.
type Encoding string

// The encodings, by their media types.
const (
	Protobuf Encoding = "application/x-protobuf"
	JSON     Encoding = "application/json"
)

// maxDepth bounds messages inside of each other. Values inside of values are bodies
// of logs, mostly; each level of theirs takes three.
const maxDepth = 200

// Traces reads an ExportTraceServiceRequest, which is written as TracesData is, with
// fewer dependencies. An error is a refusal, and shows nothing of the content.
func Traces(raw []byte, as Encoding) (*tracev1.TracesData, error) {
	req := &tracev1.TracesData{}
	return req, decode(raw, as, "ExportTraceServiceRequest", req)
}

// Logs reads an ExportLogsServiceRequest, as Traces does.
func Logs(raw []byte, as Encoding) (*logsv1.LogsData, error) {
	req := &logsv1.LogsData{}
	return req, decode(raw, as, "ExportLogsServiceRequest", req)
}

func decode(raw []byte, as Encoding, name string, to proto.Message) error {
	if as == Protobuf {
		left := maxMessages
		if !few(raw, to.ProtoReflect().Descriptor(), maxDepth, &left) {
			return tooMany()
		}
		opts := proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}
		if opts.Unmarshal(raw, to) != nil {
			return malformed(fmt.Sprintf("the body is no %s in protobuf", name))
		}
		return nil
	}
	converted, err := base64IDs(raw)
	if errors.Is(err, errMany) {
		return tooMany()
	}
	if err != nil {
		return malformed(fmt.Sprintf("the body is no %s in JSON: %v", name, err))
	}
	opts := protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}
	if opts.Unmarshal(converted, to) != nil {
		return malformed("the body is JSON, but no " + name)
	}
	return nil
}

// maxMessages bounds the messages of a request: one of two bytes takes some hundred in
// memory. The attributes of a span are some fifty.
const maxMessages = 400_000

func tooMany() error {
	return dictionary.Refuse(dictionary.CodeTooLarge, dictionary.Fault{
		Reason: fmt.Sprintf("the request has more than %d records and attributes", maxMessages), Hint: "send smaller batches",
	})
}

// few says whether a request has no more messages inside of each other than are left.
// What is no protobuf, or too deep, is for the decoder to refuse.
func few(raw []byte, d protoreflect.MessageDescriptor, depth int, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	for depth > 0 && len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return true
		}
		value := raw[n:]
		if n = protowire.ConsumeFieldValue(number, kind, value); n < 0 {
			return true
		}
		raw = value[n:]
		field := d.Fields().ByNumber(number)
		if kind != protowire.BytesType || field == nil || field.Message() == nil {
			continue
		}
		if inner, n := protowire.ConsumeBytes(value); n >= 0 && !few(inner, field.Message(), depth-1, left) {
			return false
		}
	}
	return true
}

func malformed(reason string) error {
	return dictionary.Refuse(dictionary.CodeMalformed, dictionary.Fault{
		Reason: reason, Hint: "send OTLP 1.x, as Content-Type " + string(Protobuf) + " or " + string(JSON),
	})
}

// Errors of JSON show no content: they end in answers, and in logs of senders.
var (
	errSyntax = errors.New("its syntax is wrong")
	errID     = errors.New("a trace or span id is not in hex")
	errMany   = errors.New("it has too many objects")
)

// base64IDs rewrites what OTLP/JSON does otherwise than the JSON of protobuf: ids are
// in hex. Nothing else in OTLP has members of these names.
func base64IDs(raw []byte) ([]byte, error) {
	in := jsontext.NewDecoder(bytes.NewReader(raw))
	var out bytes.Buffer
	out.Grow(len(raw))
	enc := jsontext.NewEncoder(&out)
	left := maxMessages
	for id := false; ; {
		tok, err := in.ReadToken()
		if errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		}
		if err != nil || in.StackDepth() > maxDepth {
			return nil, errSyntax
		}
		if tok.Kind() == '{' {
			if left--; left < 0 {
				return nil, errMany
			}
		}
		if id && tok.Kind() == '"' {
			bytes, err := hex.DecodeString(tok.String())
			if err != nil {
				return nil, errID
			}
			tok = jsontext.String(base64.StdEncoding.EncodeToString(bytes))
		}
		parent, n := in.StackIndex(in.StackDepth())
		id = parent == '{' && n%2 == 1 && isID(tok)
		if enc.WriteToken(tok) != nil {
			return nil, errSyntax
		}
	}
}

func isID(tok jsontext.Token) bool {
	if tok.Kind() != '"' {
		return false
	}
	switch tok.String() {
	case "traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id":
		return true
	default:
		return false
	}
}
