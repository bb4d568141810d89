package publisher

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"assay.example/assay/services/evaluator/internal/consume"
)

// Metrics count what publishers do.
type Metrics struct {
	Violations *prometheus.CounterVec
	Lag        *consume.LagGauge
}

// NewMetrics registers them; lag is the gauge that all parts share.
func NewMetrics(reg prometheus.Registerer, lag *consume.LagGauge) *Metrics {
	return &Metrics{
		Violations: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "assay_evaluator_violations_total", Help: "Violation records written, by control and change.",
		}, []string{"control", "change"}),
		Lag: lag,
	}
}
