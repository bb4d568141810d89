package receiver

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/collector/internal/cloudevent"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/otlp"
)

// encodingOf tells how a request is written, and with that its answer.
func encodingOf(h http.Header) (otlp.Encoding, error) {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err == nil && kind == string(otlp.JSON):
		return otlp.JSON, nil
	case err == nil && kind == string(otlp.Protobuf):
		return otlp.Protobuf, nil
	}
	return otlp.JSON, dictionary.Refuse(cloudevent.CodeMediaType, dictionary.Fault{
		Reason: "the Content-Type is no encoding of OTLP", Hint: "send " + string(otlp.Protobuf) + " or " + string(otlp.JSON),
	})
}

func (r *Receiver) post(of signal) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		began := time.Now()
		as, err := encodingOf(req.Header)
		answer, p := r.receive(w, req, of, as, err)
		code := http.StatusOK
		w.Header().Set("Content-Type", string(as))
		if p != nil {
			code = p.Status
			no(w, p, as)
		} else {
			_, _ = w.Write(answer.encode(as)) //nolint:gosec // G705: JSON or protobuf, and said so
		}
		r.Door.Metrics.Observe("otlp_http", code, time.Since(began))
	}
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request, of signal, as otlp.Encoding, media error) (taken, *door.Problem) {
	key, ok := r.Door.Authenticate(req.Header)
	if !ok {
		return taken{}, door.Unauthorized()
	}
	if media != nil {
		return taken{}, r.Door.ProblemOf(media)
	}
	lease := r.Door.Budget.Lease()
	defer lease.Release()
	raw, err := door.ReadBody(w, req, r.Bytes, lease)
	if err != nil {
		return taken{}, r.Door.ProblemOf(err)
	}
	return r.take(req.Context(), key, lease, of, raw, as)
}

// no answers as OTLP/HTTP asks: with a google.rpc.Status in the request's encoding.
func no(w http.ResponseWriter, p *door.Problem, as otlp.Encoding) {
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="assay"`)
	}
	if wait := p.RetryAfter(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(max(1, wait.Seconds()))))
	}
	w.WriteHeader(p.Status)
	body := &status.Status{Code: int32(codeOf(p)), Message: p.Detail}
	marshal := proto.Marshal
	if as == otlp.JSON {
		marshal = protojson.Marshal
	}
	if raw, err := marshal(body); err == nil {
		_, _ = w.Write(raw)
	}
}

// codeOf is the gRPC code of a problem. OTLP tells from it whether to try again.
func codeOf(p *door.Problem) codes.Code {
	switch p.Status {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusRequestTimeout:
		return codes.DeadlineExceeded
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	case http.StatusInternalServerError:
		return codes.Internal
	default:
		return codes.InvalidArgument
	}
}

// encode writes an ExportTraceServiceResponse or ExportLogsServiceResponse. In
// protobuf they differ in names only.
func (t taken) encode(as otlp.Encoding) []byte {
	if as == otlp.JSON {
		return t.json()
	}
	if t.refused == 0 {
		return nil
	}
	partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(t.refused))
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), t.message)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
}

func (t taken) json() []byte {
	out := map[string]any{}
	if t.refused > 0 {
		// A number of 64 bits is text in the JSON of protobuf.
		out["partialSuccess"] = map[string]string{t.field: strconv.FormatInt(t.refused, 10), "errorMessage": t.message}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return []byte("{}") // text in maps can be written
	}
	return raw
}
