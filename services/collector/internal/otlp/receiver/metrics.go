package receiver

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what exports hold.
type Metrics struct{ records *prometheus.CounterVec }

// Outcomes of spans and log records.
const (
	outcomeMapped  = "mapped"
	outcomeLeftOut = "left_out"
	outcomeRefused = "refused"
	outcomeUnsent  = "unacknowledged"
)

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "assay_collector_otlp_records_total", Help: "Spans and log records received, by signal and outcome; left_out ones have nothing to do with a model.",
	}, []string{"signal", "outcome"})}
	return m, r.Register(m.records)
}

// count notes an export; mapped is the outcome of those records that became events.
func (m *Metrics) count(of signal, b *batch, mapped string) {
	for outcome, n := range map[string]int{mapped: b.mapped, outcomeLeftOut: b.leftOut} {
		m.records.WithLabelValues(of.name, outcome).Add(float64(n))
	}
	m.records.WithLabelValues(of.name, outcomeRefused).Add(float64(b.refused))
}
