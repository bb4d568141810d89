package router

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// Metrics count what the router does.
type Metrics struct {
	Routed   prometheus.Counter
	Rejected *prometheus.CounterVec
	// Preloaded counts the facts of sources that are read once more, Behind how much of
	// each is left.
	Preloaded prometheus.Counter
	Behind    *prometheus.GaugeVec
	Lag       *consume.LagGauge
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
		Preloaded: with.NewCounter(prometheus.CounterOpts{
			Name: "assay_evaluator_preloaded_total", Help: "Facts of the past, written for changed rules.",
		}),
		Behind: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "assay_evaluator_preload_records_left", Help: "Records of a source that are still to be read once more for changed rules.",
		}, []string{"topic", "partition"}),
		Lag: lag,
	}
}

func (m *Metrics) behind(from routed.Source, left int64) {
	m.Behind.WithLabelValues(from.Topic, strconv.Itoa(int(from.Partition))).Set(float64(left))
}

func (m *Metrics) forget(from routed.Source) {
	m.Behind.DeleteLabelValues(from.Topic, strconv.Itoa(int(from.Partition)))
}

func (m *Metrics) lag(fetches kgo.Fetches) { m.Lag.Observe("router", fetches) }
