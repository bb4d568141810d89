package cloudevent

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"assay.example/assay/pkg/dictionary"
)

// Mode is one of the three ways to send events over HTTP.
type Mode string

// The modes.
const (
	ModeStructured Mode = "structured"
	ModeBinary     Mode = "binary"
	ModeBatch      Mode = "batch"
)

const prefix = "Ce-"

// ModeOf tells the mode from a request's headers; an error is a refusal.
func ModeOf(h http.Header) (Mode, error) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if h.Get("Content-Type") == "" {
		kind, err = "application/json", nil
	}
	switch {
	case err != nil || len(h.Values("Content-Type")) > 1:
		return "", mediaFault("the Content-Type can't be read")
	case !utf8Params(params):
		return "", mediaFault("the charset is not UTF-8")
	case kind == "application/cloudevents+json":
		return ModeStructured, nil
	case kind == "application/cloudevents-batch+json":
		return ModeBatch, nil
	case h.Get(prefix+"Specversion") == "":
		return "", mediaFault("the request is no CloudEvent: it has neither a CloudEvents Content-Type nor the header ce-specversion")
	case !jsonMedia(kind):
		return "", mediaFault("the data is not JSON")
	default:
		return ModeBinary, nil
	}
}

func mediaFault(reason string) error {
	return dictionary.Refuse(CodeMediaType, dictionary.Fault{
		Reason: reason,
		Hint: "send Content-Type application/cloudevents+json or application/cloudevents-batch+json, " +
			"or application/json with ce-* headers, in UTF-8",
	})
}

// jsonMedia says whether a media type is JSON in UTF-8; none counts as JSON.
func jsonMedia(s string) bool {
	if s == "" {
		return true
	}
	kind, params, err := mime.ParseMediaType(s)
	if err != nil || !utf8Params(params) {
		return false
	}
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

func utf8Params(params map[string]string) bool {
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}

// Binary reads an event whose attributes are ce-* headers and whose data is body.
func Binary(h http.Header, body []byte) Event {
	e := Event{Data: body, Raw: body, hasData: len(body) > 0}
	var faults []dictionary.Fault
	for key, values := range h {
		name, ok := strings.CutPrefix(key, prefix)
		if !ok || name == "Datacontenttype" {
			continue
		}
		if fault := e.setHeader(strings.ToLower(name), values); fault != nil {
			faults = append(faults, *fault)
		}
	}
	e.finish(faults)
	return e
}

// setHeader undoes the percent-encoding of the CloudEvents HTTP binding, 3.1.3.2.
func (e *Event) setHeader(name string, values []string) *dictionary.Fault {
	if len(values) != 1 {
		return &dictionary.Fault{Pointer: "/" + name, Reason: "the header ce-" + name + " stands more than once", Hint: "send it once"}
	}
	value, err := url.PathUnescape(values[0])
	if err != nil {
		return &dictionary.Fault{
			Pointer: "/" + name, Reason: "the header ce-" + name + " has a % that begins no percent-encoding",
			Hint: "write % as %25, as the CloudEvents HTTP binding asks",
		}
	}
	return e.set(name, value)
}
