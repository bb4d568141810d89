package door

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count what passes the door.
type Metrics struct {
	events   *prometheus.CounterVec
	rejected *prometheus.CounterVec
	lost     prometheus.Counter
	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// Outcomes of events.
const (
	outcomeAccepted = "accepted"
	outcomeRefused  = "refused"
	outcomeUnsent   = "unacknowledged"
)

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_collector_events_total", Help: "Events received, by type and outcome.",
		}, []string{"type", "outcome"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_collector_rejected_total", Help: "Events and requests refused, by the problem's code.",
		}, []string{"code"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_collector_rejected_lost_total", Help: "Refused events that could not be kept in the topic of rejected ones.",
		}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_collector_request_duration_seconds", Help: "Time from a request's headers to its answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"mode", "status"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "assay_collector_inflight_bytes", Help: "Bytes held for events that Kafka has not acknowledged.",
		}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.events, m.rejected, m.lost, m.requests, m.inFlight} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// InFlight is a gauge for intake.NewBudget.
func (m *Metrics) InFlight(delta float64) { m.inFlight.Add(delta) }

// Observe notes a request that another door has answered.
func (m *Metrics) Observe(mode string, status int, took time.Duration) {
	m.requests.WithLabelValues(mode, strconv.Itoa(status)).Observe(took.Seconds())
}
