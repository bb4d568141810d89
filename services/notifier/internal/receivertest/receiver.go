// Package receivertest holds receivers for tests that speak the documented contract
// of each vendor: they refuse what the vendor refuses, in the vendor's words, and
// keep what the vendor would keep, so that a test can ask what people would see.
package receivertest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Received is one request and what was answered.
type Received struct {
	Header http.Header
	Path   string
	Body   []byte
	At     time.Time
	Status int
}

// Receiver is what all have: they remember, and can be told to fail.
type Receiver struct {
	mu    sync.Mutex
	got   []Received
	fails []failure
	// hold, if not nil, keeps requests waiting until it is closed.
	hold <-chan struct{}
	// judge answers a good request; the lock is held.
	judge func(*http.Request, []byte) (int, string)
}

type failure struct {
	status int
	header http.Header
	match  []byte
	left   int
}

// Fail has the next n requests whose body contains match answered by status.
func (r *Receiver) Fail(n, status int, match string, header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = append(r.fails, failure{status, header, []byte(match), n})
}

// Hold keeps all requests waiting until the channel is closed.
func (r *Receiver) Hold(until <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = until
}

// Got is every request so far.
func (r *Receiver) Got() []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// Taken is every request that was answered with success.
func (r *Receiver) Taken() []Received {
	return slices.DeleteFunc(r.Got(), func(g Received) bool { return g.Status/100 != 2 })
}

// ServeHTTP answers as the vendor does.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	r.mu.Lock()
	hold := r.hold
	r.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-req.Context().Done():
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	status, answer := r.answer(w, req, body)
	r.got = append(r.got, Received{req.Header.Clone(), req.URL.Path, body, time.Now(), status})
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (r *Receiver) answer(w http.ResponseWriter, req *http.Request, body []byte) (int, string) {
	for i := range r.fails {
		f := &r.fails[i]
		if f.left == 0 || !bytes.Contains(body, f.match) {
			continue
		}
		f.left--
		maps.Copy(w.Header(), f.header)
		return f.status, http.StatusText(f.status)
	}
	if req.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, "method_not_allowed"
	}
	return r.judge(req, body)
}

// Client hands requests to a receiver without a network, so that a test can run in
// a bubble of testing/synctest.
type Client struct{ http.Handler }

// Do is that of http.Client.
func (c Client) Do(req *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, req)
		done <- w.Result()
	}()
	select {
	case resp := <-done:
		return resp, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}
