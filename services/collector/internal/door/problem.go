package door

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/collector/internal/cloudevent"
	"assay.example/assay/services/collector/internal/intake"
)

// Problem is an answer that says no (RFC 9457).
type Problem struct {
	// Type is ProblemType and one of Codes.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Errors has each fault, at most maxErrors; Omitted counts the rest.
	Errors  []Error `json:"errors,omitempty"`
	Omitted int     `json:"omitted,omitempty"`

	code       string
	retryAfter time.Duration
}

// Error is one fault of one event.
type Error struct {
	// Index is the event's place in the batch, from 0.
	Index int    `json:"index"`
	Code  string `json:"code"`
	dictionary.Fault
}

// ProblemType begins the type of every problem; a code follows.
const ProblemType = "https://assay.example/problems/"

const maxErrors = 100

// Codes of problems that have nothing to do with one event.
const (
	codeUnauthorized = "unauthorized"
	codeNotFound     = "not_found"
	codeMethod       = "method_not_allowed"
	codeBusy         = "too_many_bytes"
	codeUnavailable  = "kafka_unavailable"
	codeInternal     = "internal"
)

type kind struct {
	status int
	title  string
}

// kinds are all problems; docs/formats/events.md lists them.
func kinds() map[string]kind {
	return map[string]kind{
		dictionary.CodeMalformed:    {http.StatusBadRequest, "The request can't be read"},
		cloudevent.CodeTimeRequired: {http.StatusBadRequest, "The event says no time"},
		dictionary.CodeUnknownType:  {http.StatusUnprocessableEntity, "The type of the event is unknown"},
		dictionary.CodeInvalidData:  {http.StatusUnprocessableEntity, "The data does not fit the type"},
		codeTime:                    {http.StatusUnprocessableEntity, "The time of the event is implausible"},
		codeUnauthorized:            {http.StatusUnauthorized, "The request has no valid key"},
		codeForbiddenSource:         {http.StatusForbidden, "The key may not speak for the source"},
		codeForbiddenTenant:         {http.StatusForbidden, "The key belongs to another tenant"},
		codeNotFound:                {http.StatusNotFound, "There is nothing here"},
		codeMethod:                  {http.StatusMethodNotAllowed, "The method is not allowed here"},
		codeTimeout:                 {http.StatusRequestTimeout, "The body came too slowly"},
		dictionary.CodeTooLarge:     {http.StatusRequestEntityTooLarge, "The event is too large"},
		cloudevent.CodeTooMany:      {http.StatusRequestEntityTooLarge, "The batch has too many events"},
		cloudevent.CodeMediaType:    {http.StatusUnsupportedMediaType, "The media type is not supported"},
		codeBusy:                    {http.StatusTooManyRequests, "Too many bytes are in flight"},
		codeUnavailable:             {http.StatusServiceUnavailable, "Kafka has not taken the events"},
		codeInternal:                {http.StatusInternalServerError, "The collector failed"},
	}
}

func problem(code, detail string) *Problem {
	k := kinds()[code]
	return &Problem{Type: ProblemType + code, Title: k.title, Status: k.status, Detail: detail, code: code}
}

// refusalOf finds the refusal in err; an error without one is ours.
func refusalOf(err error) *dictionary.Refusal {
	if refusal, ok := errors.AsType[*dictionary.Refusal](err); ok {
		return refusal
	}
	return &dictionary.Refusal{Code: codeInternal, Faults: []dictionary.Fault{{Reason: "the collector could not check the event"}}}
}

// add lists the faults of the event at index.
func (p *Problem) add(index int, err error) {
	refusal := refusalOf(err)
	for _, f := range refusal.Faults {
		if len(p.Errors) == maxErrors {
			p.Omitted++
			continue
		}
		p.Errors = append(p.Errors, Error{Index: index, Code: refusal.Code, Fault: f})
	}
}

// refused is the problem of the event at index, or of a request as a whole.
func refused(index int, err error) *Problem {
	p := problem(refusalOf(err).Code, refusalOf(err).Error())
	p.add(index, err)
	return p
}

// unsent is the problem of records that Kafka doesn't have.
func unsent(err error, retryAfter time.Duration) *Problem {
	code := codeUnavailable
	switch {
	case intake.IsFull(err):
		code = codeBusy
	case compliance.CodeOf(err) == compliance.TooLarge:
		return problem(dictionary.CodeTooLarge, err.Error())
	}
	p := problem(code, err.Error())
	p.retryAfter = retryAfter
	return p
}

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="assay"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(max(1, p.retryAfter.Seconds()))))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the sender has hung up
}
