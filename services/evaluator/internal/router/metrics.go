package router

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/evaluator/internal/consume"
)

// Metrics count what the router does.
type Metrics struct {
	Routed   prometheus.Counter
	Rejected *prometheus.CounterVec
	Lag      *consume.LagGauge
}

// NewMetrics registers them; lag is the gauge that all parts share.
func NewMetrics(reg prometheus.Registerer, lag *consume.LagGauge) *Metrics {
	with := promauto.With(reg)
	return &Metrics{
		Routed: with.NewCounter(prometheus.CounterOpts{
			Name: "assay_evaluator_routed_total", Help: "Facts written to routed partitions.",
		}),
		Rejected: with.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_evaluator_rejected_total", Help: "Source records that are no event, by code.",
		}, []string{"code"}),
		Lag: lag,
	}
}

func (m *Metrics) lag(fetches kgo.Fetches) { m.Lag.Observe("router", fetches) }
