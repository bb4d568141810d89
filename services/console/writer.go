package console

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/rs/zerolog"

	"assay.example/assay/services/console/internal/api"
)

// recordedWriter holds an answer back until it is on record that it was given. What is
// refused passes at once: nothing is read with it.
type recordedWriter struct {
	http.ResponseWriter

	record func() error

	began, refused bool
}

// WriteHeader records an answer that holds something, and refuses it if that fails.
func (w *recordedWriter) WriteHeader(status int) {
	switch {
	case w.began || w.refused:
		return
	case status < http.StatusOK: // says nothing yet
	case status < http.StatusMultipleChoices || status == http.StatusNotModified:
		if w.record() != nil {
			w.refuse()
			return
		}
		w.began = true
	default:
		w.began = true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write drops what may not be read.
func (w *recordedWriter) Write(content []byte) (int, error) {
	if !w.began && !w.refused {
		w.WriteHeader(http.StatusOK)
	}
	if w.refused {
		return len(content), nil
	}
	return w.ResponseWriter.Write(content)
}

func (w *recordedWriter) refuse() {
	w.refused = true
	h := w.Header()
	for _, of := range []string{"Content-Disposition", "Content-Encoding", "Content-Length", "ETag", "Last-Modified", "Link"} {
		h.Del(of) // they spoke of the answer
	}
	h.Set("Retry-After", "5")
	api.Refuse(w.ResponseWriter, http.StatusServiceUnavailable, "what auditors read is recorded, and Kafka, which keeps the record, did not take it; try again")
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
	began  bool
}

// WriteHeader remembers the status and passes it on.
func (w *statusWriter) WriteHeader(status int) {
	if !w.began {
		w.status, w.began = status, status >= http.StatusOK
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write begins an answer, if nothing has.
func (w *statusWriter) Write(content []byte) (int, error) {
	w.began = true
	return w.ResponseWriter.Write(content)
}

// Unwrap gives http.ResponseController what is inside.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// sheltered answers with 500 where a handler panics, and logs it.
func sheltered(log zerolog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				log.Error().Str("panic", fmt.Sprint(p)).Str("path", r.URL.Path).Bytes("stack", debug.Stack()).Msg("answering")
				if !seen.began {
					api.Refuse(w, http.StatusInternalServerError, "something went wrong; it is in the log of the console")
				}
			}
		}()
		next.ServeHTTP(seen, r)
	})
}
