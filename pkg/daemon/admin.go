package daemon

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"assay.example/assay/pkg/compliance"
)

// Admin is the port for probes and metrics. It has no authentication: whoever
// reaches it sees component names, their faults and metrics, never events.
type Admin struct {
	// Listen is host:port; empty for none.
	Listen string `yaml:"listen"`
	// Pprof adds /debug/pprof/, which can slow the process down.
	Pprof bool `yaml:"pprof"`
}

// Validate says what is wrong with the address.
func (a Admin) Validate() error {
	if a.Listen == "" {
		return nil
	}
	if _, port, err := net.SplitHostPort(a.Listen); err != nil || port == "" {
		return compliance.Errorf(compliance.Invalid, "listen: %q is not host:port, such as 127.0.0.1:9090", a.Listen)
	}
	return nil
}

func (a Admin) component(h *health, metrics *prometheus.Registry) Component {
	return Component{Name: "admin", Run: func(ctx context.Context, ready Ready) error {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.Listen)
		if err != nil {
			return compliance.Errorf(compliance.Unavailable, "listening for probes and metrics: %w; set admin.listen to a free port", err)
		}
		ready("", nil)
		return serve(ctx, listener, handler(h, metrics, a.Pprof))
	}}
}

// lastAnswers bounds the wait for probes that are being answered at the end.
const lastAnswers = time.Second

func serve(ctx context.Context, listener net.Listener, answers http.Handler) error {
	server := &http.Server{
		Handler:           answers,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	if _, err := Serve(ctx, server, listener, "", "", lastAnswers); err != nil {
		return fmt.Errorf("serving probes and metrics: %w", err)
	}
	return nil
}

// handler answers /livez, /startupz, /readyz and /metrics.
func handler(h *health, metrics *prometheus.Registry, withPprof bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) { answer(w, r, nil, true) })
	mux.HandleFunc("GET /startupz", func(w http.ResponseWriter, r *http.Request) {
		list, ok := h.started()
		answer(w, r, list, ok)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		list, ok := h.ready()
		answer(w, r, list, ok)
	})
	if metrics != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{Registry: metrics}))
	}
	if withPprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// answer is one word, and the list where it is asked for or tells the trouble.
func answer(w http.ResponseWriter, r *http.Request, list []check, ok bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	var body strings.Builder
	if r.URL.Query().Has("verbose") || !ok {
		for _, c := range list {
			if c.err == nil {
				fmt.Fprintf(&body, "[+] %s: ok\n", c.name)
			} else {
				fmt.Fprintf(&body, "[-] %s: %v\n", c.name, c.err)
			}
		}
	}
	if ok {
		body.WriteString("ok\n")
	} else {
		w.WriteHeader(http.StatusServiceUnavailable)
		body.WriteString("not ready\n")
	}
	_, _ = w.Write([]byte(body.String()))
}
