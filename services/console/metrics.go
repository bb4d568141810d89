package console

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	logins   *prometheus.CounterVec
	requests *prometheus.HistogramVec
	reads    prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_console_logins_total", Help: "Attempts to be let in with a password, and with a wrong token, by outcome.",
		}, []string{"outcome"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_console_request_seconds", Help: "Duration of requests by route and status.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 14),
		}, []string{"route", "status"}),
		reads: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_console_auditor_reads_total", Help: "Reads of auditors that Kafka has.",
		}),
	}
	for _, c := range []prometheus.Collector{m.logins, m.requests, m.reads} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// observed measures requests by their route, of which there are few.
func (m *metrics) observed(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, seen := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		m.requests.WithLabelValues(routeOf(mux, r), strconv.Itoa(seen.status)).Observe(time.Since(began).Seconds())
	})
}

func routeOf(mux *http.ServeMux, r *http.Request) string {
	if _, pattern := mux.Handler(r); pattern != "" {
		return pattern
	}
	return "none"
}
