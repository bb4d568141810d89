package lane

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics count what all lanes do.
type Metrics struct {
	Attempts  *prometheus.CounterVec
	Duration  *prometheus.HistogramVec
	Queued    *prometheus.GaugeVec
	Repeats   *prometheus.CounterVec
	Forgotten *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	auto := promauto.With(reg)
	return &Metrics{
		Attempts: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_notifier_attempts_total", Help: "Attempts to deliver, by target and outcome.",
		}, []string{"target", "outcome"}),
		Duration: auto.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_notifier_attempt_duration_seconds", Help: "How long targets take to answer.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 11),
		}, []string{"target"}),
		Queued: auto.NewGaugeVec(prometheus.GaugeOpts{
			Name: "assay_notifier_queued_violations", Help: "Violations taken from the log and not finished.",
		}, []string{"target"}),
		Repeats: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_notifier_repeats_total", Help: "Records of revisions that had been seen.",
		}, []string{"target"}),
		Forgotten: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_notifier_forgotten_episodes_total", Help: "Open episodes that memory had no room for.",
		}, []string{"target"}),
	}
}
