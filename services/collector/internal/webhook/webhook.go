// Package webhook is the collector's door for what vendors send themselves:
// POST /v1/sources/{name}. A delivery that its signature proves is mapped to events
// (pkg/source), and kept byte for byte beside them, also if nothing in it becomes
// an event: a vendor doesn't send again what somebody could not read that day.
//
// How a body is read is decided by its bytes, which are signed, and never by headers,
// which mostly are not. Nothing that a delivery holds is ever fetched or followed.
package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/intake"
	"assay.example/assay/services/collector/internal/signature"
)

// Source is one vendor's account that may send.
type Source struct {
	// Name is the last part of the URL.
	Name   string
	Vendor *source.Vendor
	// Tenant and Source are those of the events.
	Tenant, Source string
	Trust          signature.Trust
	// Bytes limits a delivery, unpacked.
	Bytes int64
}

// Options are what Hooks need; all are required.
type Options struct {
	Sources []Source
	// Door checks and sends.
	Door *door.Door
	// Bytes limits a delivery to nobody, and is the most that one record of the topic
	// received holds: larger deliveries are kept in parts.
	Bytes int64
	// Unproven bounds the bytes of deliveries whose signature isn't checked yet: it
	// is apart from the door's budget, so that strangers can't close the door.
	Unproven *intake.Budget
	Metrics  *Metrics
}

// Hooks answer the requests of vendors. They are safe for concurrent use.
type Hooks struct {
	Options
	sources map[string]*account
	// nobody is asked in place of a source that doesn't exist: as much work, and the
	// same answer.
	nobody *account
	// strangers bounds what is sent to nobody, so that it takes no room from deliveries
	// to sources that exist.
	strangers *intake.Budget
	// work bounds how many payloads are taken apart at once: that costs many times
	// their size, and more at once than there are processors gains nothing.
	work *semaphore.Weighted
	// large has payloads that no record could hold wait for each other, so that one of
	// them at a time is in memory as more than its bytes.
	large *semaphore.Weighted
	mux   *http.ServeMux
}

// turn waits for a processor, and for other large payloads if this is one. What it
// returns ends the turn.
func (h *Hooks) turn(ctx context.Context, payload []byte) (end func(), err error) {
	waits := []*semaphore.Weighted{h.work}
	if int64(len(payload)) > h.Bytes {
		waits = []*semaphore.Weighted{h.large, h.work} // in this order: who waits holds no processor
	}
	held := 0
	end = func() {
		for _, w := range waits[:held] {
			w.Release(1)
		}
	}
	for _, w := range waits {
		if err := w.Acquire(ctx, 1); err != nil {
			end()
			return nil, fmt.Errorf("waiting for a processor: %w", err)
		}
		held++
	}
	return end, nil
}

// account is a source with what is found out about it once.
type account struct {
	Source
	check   signature.Scheme
	headers []string
	key     *door.Key
}

// New makes Hooks. The vendors' signature schemes must exist.
func New(o Options) *Hooks {
	h := &Hooks{
		Options: o, sources: make(map[string]*account, len(o.Sources)), mux: http.NewServeMux(),
		work: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))), large: semaphore.NewWeighted(1),
	}
	for _, s := range o.Sources {
		check, _ := signature.Find(s.Vendor.Signature)
		h.sources[s.Name] = &account{
			Source: s, check: check, headers: visible(s.Vendor.Headers, s.Trust.Header),
			key: &door.Key{Tenant: s.Tenant, Sources: []string{s.Source}},
		}
	}
	check, _ := signature.Find(signature.GitHub)
	h.nobody = &account{check: check, Source: Source{
		Name: nobodysName, Bytes: o.Bytes, Trust: signature.Trust{Secrets: []settings.Secret{settings.Secret(rand.Text())}},
	}}
	h.strangers = intake.NewBudget(2*o.Bytes, o.Metrics.Unproven)
	h.mux.HandleFunc("POST /v1/sources/{name}", h.post)
	h.mux.HandleFunc("GET /v1/sources/{name}", h.get)
	h.mux.HandleFunc("/v1/sources/{name}", door.Only(http.MethodPost))
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		door.NotFound("POST /v1/sources/{name} takes what vendors send").Write(w)
	})
	return h
}

// nobodysName can't be configured: names begin with a letter or digit.
const nobodysName = "-"

// ServeHTTP answers one request.
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Hooks) find(r *http.Request) *account {
	if a, ok := h.sources[r.PathValue("name")]; ok {
		return a
	}
	return h.nobody
}

// accepted is the answer that says yes: Kafka has the delivery and its events.
type accepted struct {
	Accepted int `json:"accepted"`
	// Unmapped are the vendor's words for what no mapping takes.
	Unmapped []string `json:"unmapped"`
	// Faults counts what a mapping should have taken and could not.
	Faults int `json:"faults"`
}

func (h *Hooks) post(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	done, p := h.receive(w, r)
	status := http.StatusAccepted
	if p != nil {
		status = p.Status
		p.Write(w)
	} else {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(done) // the sender has hung up, and may send again
	}
	h.Door.Metrics.Observe("webhook", status, time.Since(began))
}

// get answers Okta, which asks once whether this URL wants its events; it sends the
// header that was agreed on and wants its own words back.
func (h *Hooks) get(w http.ResponseWriter, r *http.Request) {
	a := h.find(r)
	_, err := a.check(a.Trust, signature.Sent{Header: r.Header, At: h.Door.Now()})
	if err != nil || a.Vendor == nil || a.Vendor.Signature != signature.Bearer {
		h.unproven(a, err).Write(w)
		return
	}
	challenge := r.Header.Values("X-Okta-Verification-Challenge")
	if len(challenge) != 1 || len(challenge[0]) > maxHeader {
		door.Only(http.MethodPost)(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"verification": challenge[0]}) // the sender has hung up
}

// unproven says no. Its words are the same whatever was wrong.
func (h *Hooks) unproven(a *account, err error) *door.Problem {
	h.Metrics.refuse(a.Name, err)
	return door.Unproven()
}
