package otlp

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
)

// Limits of a value that is kept as it is.
const (
	keptBytes    = 1 << 10
	keptElements = 256
)

// Redactor decides what is kept of attributes and bodies. It is safe for concurrent
// use.
type Redactor struct {
	spans, resources names
	key              []byte
	content          bool
}

// NewRedactor makes one. With a key, digests are HMAC-SHA-256, so that nobody
// without it can try what a short text was; without one they are SHA-256. keep names
// further attributes whose values are kept. With content, what is replaced is kept
// beside its digest.
func NewRedactor(key []byte, keep []string, content bool) *Redactor {
	return &Redactor{newNames(attributes, keep), newNames(resources, keep), key, content}
}

// attribute is what is kept of a value under a name.
func (r *Redactor) attribute(known names, name string, v *commonv1.AnyValue) any {
	value := plain(v)
	switch {
	case value == nil, isDigest(value):
		return value
	case known.has(name) && small(value):
		return value
	case scalar(value) && !known.has(name) && !content.MatchString(name):
		return value
	default:
		return r.digest(value)
	}
}

// scalar says whether a value can't hold text.
func scalar(v any) bool {
	switch v.(type) {
	case bool, int64, float64:
		return true
	default:
		return false
	}
}

// small says whether a value is a scalar, a short text or a short list of those.
func small(v any) bool {
	switch v := v.(type) {
	case string:
		return len(v) <= keptBytes
	case []any:
		size := 0
		for _, e := range v {
			s, text := e.(string)
			if size += len(s); !text && !scalar(e) {
				return false
			}
		}
		return len(v) <= keptElements && size <= keptBytes
	default:
		return scalar(v)
	}
}

// digest is {digest, bytes}, with the number of items if the value is a list, also
// one that is written as text.
func (r *Redactor) digest(v any) map[string]any {
	text, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			raw = nil // plain makes nothing that JSON can't hold
		}
		text = string(raw)
	}
	sum := r.hash()
	_, _ = io.WriteString(sum, text) // hashes don't fail
	out := map[string]any{"digest": hex.EncodeToString(sum.Sum(nil)), "bytes": int64(len(text))}
	if n, ok := items(v); ok {
		out["items"] = n
	}
	if r.content {
		out["content"] = v
	}
	return out
}

func (r *Redactor) hash() hash.Hash {
	if len(r.key) > 0 {
		return hmac.New(sha256.New, r.key)
	}
	return sha256.New()
}

// isDigest says whether a value was replaced before, by us or on the way to us.
func isDigest(v any) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	digest, ok := m["digest"].(string)
	if raw, err := hex.DecodeString(digest); !ok || err != nil || len(raw) != sha256.Size {
		return false
	}
	if _, ok := m["bytes"].(int64); !ok {
		return false
	}
	n, counted := m["items"]
	if _, ok := n.(int64); counted && !ok {
		return false
	}
	return len(m) == 2 || counted && len(m) == 3
}

func items(v any) (int64, bool) {
	switch v := v.(type) {
	case []any:
		return int64(len(v)), true
	case string:
		return elements(v)
	default:
		return 0, false
	}
}

// elements counts those of a JSON list.
func elements(text string) (n int64, ok bool) {
	if len(text) == 0 || text[0] != '[' {
		return 0, false
	}
	in := jsontext.NewDecoder(bytes.NewBufferString(text))
	if _, err := in.ReadToken(); err != nil {
		return 0, false
	}
	for in.PeekKind() != ']' {
		if in.SkipValue() != nil {
			return 0, false
		}
		n++
	}
	_, err := in.ReadToken()
	_, after := in.ReadToken()
	return n, err == nil && errors.Is(after, io.EOF)
}

// plain is a value as JSON can hold it: bytes in base64, numbers that are none as text.
func plain(v *commonv1.AnyValue) any {
	switch x := v.GetValue().(type) {
	case *commonv1.AnyValue_StringValue:
		return x.StringValue
	case *commonv1.AnyValue_BoolValue:
		return x.BoolValue
	case *commonv1.AnyValue_IntValue:
		return x.IntValue
	case *commonv1.AnyValue_DoubleValue:
		return number(x.DoubleValue)
	case *commonv1.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(x.BytesValue)
	case *commonv1.AnyValue_ArrayValue:
		list := make([]any, 0, len(x.ArrayValue.GetValues()))
		for _, e := range x.ArrayValue.GetValues() {
			list = append(list, plain(e))
		}
		return list
	case *commonv1.AnyValue_KvlistValue:
		fields := make(map[string]any, len(x.KvlistValue.GetValues()))
		for _, kv := range x.KvlistValue.GetValues() {
			fields[kv.GetKey()] = plain(kv.GetValue())
		}
		return fields
	default:
		return nil
	}
}

func number(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	default:
		return f
	}
}
