package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/api"
	"assay.example/assay/services/console/internal/basis"
	"assay.example/assay/services/console/internal/login"
	"assay.example/assay/services/console/internal/reads"
)

// lateHandler answers with 503 until there is somebody to ask.
type lateHandler struct{ handler atomic.Pointer[http.Handler] }

func (l *lateHandler) set(h http.Handler) { l.handler.Store(&h) }

// ServeHTTP passes requests on, once there is somebody.
func (l *lateHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := l.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "1")
	api.Refuse(w, http.StatusServiceUnavailable, "ClickHouse, which holds what is on record, does not answer yet; try again")
}

// newHandler puts everything together: who asks, what is recorded of it, and then the
// API or a page.
func newHandler(cfg Config, deps Deps, conn conns, client *kgo.Client, gate *login.Gate, metrics *metrics) (http.Handler, error) {
	from := basis.Basis{
		Conn: conn.reads, Writer: conn.writes, Bundle: deps.Bundle, Files: deps.Files, Types: deps.Types, Log: deps.Log, Now: deps.Now,
		Program: deps.Program, Arguments: deps.Arguments, PublicURL: cfg.PublicURL,
	}
	answers, err := api.New(from, login.CookieName(gate.Secure))
	if err != nil {
		return nil, err
	}
	pages, err := newPages(from)
	if err != nil {
		return nil, err
	}
	recorder, err := reads.New(client, deps.Kafka.Topic("events.access"), deps.Types, cfg.RecordTimeout, deps.Now)
	if err != nil {
		return nil, err
	}
	forms, err := login.NewPages(gate, pages.stylesheet)
	if err != nil {
		return nil, err
	}
	foreign, err := refuseForeign(cfg)
	if err != nil {
		return nil, err
	}
	d := &desk{gate: gate, recorder: recorder, metrics: metrics}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", forms.Ask)
	mux.HandleFunc("POST /login", forms.Enter)
	mux.HandleFunc("/login", refuseMethod("GET, HEAD, POST"))
	mux.HandleFunc("POST /logout", forms.Leave)
	mux.HandleFunc("/logout", refuseMethod("POST"))
	mux.Handle("GET /assets/", pages.mux)
	mux.HandleFunc("/assets/", refuseMethod("GET, HEAD"))
	mux.Handle("/openapi.json", answers.Mux())
	mux.Handle("/openapi.yaml", answers.Mux())
	mux.Handle("/api/", d.known(answers.Mux(), refuseProgram))
	mux.Handle("/", d.known(pages.mux, askToSignIn))
	return metrics.observed(mux, sheltered(deps.Log, foreign.Handler(mux))), nil
}

// refuseForeign refuses what another site makes a browser do: requests that may change
// something, and come from elsewhere than the console's own pages.
func refuseForeign(cfg Config) (*http.CrossOriginProtection, error) {
	c := http.NewCrossOriginProtection()
	if cfg.PublicURL != "" { // a proxy in front may give the console another host's name
		if err := c.AddTrustedOrigin(strings.TrimSuffix(cfg.PublicURL, "/")); err != nil {
			return nil, fault("publicURL: %w", err)
		}
	}
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.Refuse(w, http.StatusForbidden, "this comes from another site's page; open the console itself")
	}))
	return c, nil
}

func refuseMethod(allowed string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allowed)
		api.Refuse(w, http.StatusMethodNotAllowed, "use one of: "+allowed)
	}
}

// policy lets a page load the console's own style and pictures and post its forms, and
// nothing else: no script, no frame, no other site.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured says to browsers what they may do with any answer; secure says that they come
// over TLS.
func secured(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store") // assets say otherwise
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// desk finds out who asks, and records what auditors are answered.
type desk struct {
	gate     *login.Gate
	recorder *reads.Recorder
	metrics  *metrics
}

// known lets viewers through; turnAway answers all others.
func (d *desk) known(next *http.ServeMux, turnAway func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer, err := d.gate.Viewer(r)
		if err != nil {
			turnAway(w, r, err)
			return
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil || len(query["tenant"]) > 1 {
			// Two readers of the address could understand it differently, and what is
			// recorded of a read must be what was read.
			api.Refuse(w, http.StatusBadRequest, "the address's query can't be read: a value isn't escaped, or tenant is there twice")
			return
		}
		// What is sent is answered with no more than that it was kept, under which version.
		if reads := r.Method == http.MethodGet || r.Method == http.MethodHead; reads && viewer.Role == access.Auditor {
			_, pattern := next.Handler(r)
			w = &recordedWriter{ResponseWriter: w, record: func() error { return d.record(r, viewer, query.Get("tenant"), pattern) }}
		}
		next.ServeHTTP(w, r.WithContext(access.With(r.Context(), viewer)))
	})
}

// record returns nil once Kafka has the read of an auditor.
func (d *desk) record(r *http.Request, viewer access.Viewer, tenant, pattern string) error {
	if in, err := viewer.In(tenant); err == nil {
		viewer = in
	}
	if err := d.recorder.Record(r.Context(), viewer, reads.Of(viewer, pattern, r)); err != nil {
		d.gate.Log.Warn().Err(err).Msg("an auditor was not answered, since what is read could not be recorded")
		return err
	}
	d.metrics.reads.Inc()
	return nil
}

func refuseProgram(w http.ResponseWriter, _ *http.Request, err error) {
	if often, ok := errors.AsType[*login.TooOften](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(often.Wait.Seconds())))
		api.Refuse(w, http.StatusTooManyRequests, often.Error())
		return
	}
	api.Refuse(w, http.StatusUnauthorized, err.Error())
}

// askToSignIn leads a browser to the form, and from there back to where it was.
func askToSignIn(w http.ResponseWriter, r *http.Request, err error) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if _, ok := errors.AsType[*login.TooOften](err); ok || r.Header.Get("Authorization") != "" || !reads {
		refuseProgram(w, r, err)
		return
	}
	address := "/login"
	if r.URL.Path != "/" || r.URL.RawQuery != "" {
		address += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}
