package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"assay.example/assay/pkg/compliance"
)

// ProblemType begins the type of every problem; a code follows.
const ProblemType = "https://assay.example/problems/"

// codes are the problems by status.
func codes() map[int]string {
	return map[int]string{
		http.StatusBadRequest:            "invalid",
		http.StatusUnprocessableEntity:   "invalid_parameters",
		http.StatusUnauthorized:          "unauthorized",
		http.StatusForbidden:             "forbidden",
		http.StatusNotFound:              "not_found",
		http.StatusMethodNotAllowed:      "method_not_allowed",
		http.StatusNotAcceptable:         "not_acceptable",
		http.StatusConflict:              "conflict",
		http.StatusRequestEntityTooLarge: "too_large",
		http.StatusTooManyRequests:       "too_many_requests",
		http.StatusInternalServerError:   "internal",
		http.StatusServiceUnavailable:    "unavailable",
		http.StatusGatewayTimeout:        "timeout",
	}
}

func typeOf(status int) string {
	if code, ok := codes()[status]; ok {
		return ProblemType + code
	}
	return "about:blank"
}

func newProblem(status int, detail string) *huma.ErrorModel {
	return &huma.ErrorModel{Type: typeOf(status), Title: http.StatusText(status), Status: status, Detail: detail}
}

// typed gives the problems that the library makes their type.
func typed(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok && p.Type == "" {
		p.Type = typeOf(p.Status)
	}
	return v, nil
}

// Refuse answers with a problem.
func Refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="assay"`)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(newProblem(status, detail)) // the reader has gone
}

// problem is what a reader is told of an error. What nobody foresaw is logged, and its
// text not shown.
func (a *API) problem(ctx context.Context, operation string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return newProblem(http.StatusGatewayTimeout, "the answer was not there within "+answerWithin.String()+"; ask for less")
	}
	switch compliance.CodeOf(err) {
	case compliance.Invalid:
		return newProblem(http.StatusBadRequest, err.Error())
	case compliance.NotFound:
		return newProblem(http.StatusNotFound, err.Error())
	case compliance.Forbidden:
		return newProblem(http.StatusForbidden, err.Error())
	case compliance.TooLarge:
		return newProblem(http.StatusRequestEntityTooLarge, err.Error())
	case compliance.Conflict:
		return newProblem(http.StatusConflict, err.Error())
	case compliance.Unavailable:
		a.Log.Warn().Err(err).Str("operation", operation).Msg("a question was not answered")
		return newProblem(http.StatusServiceUnavailable, "ClickHouse, which holds what is on record, did not answer; try again")
	case compliance.Internal:
	}
	a.Log.Error().Err(err).Str("operation", operation).Msg("answering")
	return newProblem(http.StatusInternalServerError, "something went wrong; it is in the log of the console")
}
