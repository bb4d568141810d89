package judge

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/consume"
)

// Metrics count what judges do. Verdicts are counted when they are committed.
type Metrics struct {
	Verdicts     *prometheus.CounterVec
	Quarantined  *prometheus.CounterVec
	Foreign      prometheus.Counter
	Restores     prometheus.Counter
	Aborts       prometheus.Counter
	Gaps         prometheus.Counter
	Watermark    *prometheus.GaugeVec
	Waiting      *prometheus.GaugeVec
	Transactions prometheus.Histogram
	Lag          *consume.LagGauge
}

// NewMetrics registers them; lag is the gauge that all parts share.
func NewMetrics(reg prometheus.Registerer, lag *consume.LagGauge) *Metrics {
	with := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return with.NewCounter(prometheus.CounterOpts{Name: "assay_evaluator_" + name, Help: help})
	}
	return &Metrics{
		Verdicts: with.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_evaluator_verdicts_total", Help: "Committed revisions, by control and outcome.",
		}, []string{"control", "outcome"}),
		Quarantined: with.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_evaluator_quarantined_total", Help: "Events that came later than their control corrects.",
		}, []string{"control"}),
		Foreign:  counter("foreign_entries_total", "Routed entries of rules that this instance doesn't have."),
		Restores: counter("restores_total", "Routed partitions restored from the changelog."),
		Aborts:   counter("aborted_transactions_total", "Transactions that ended without a confirmed commit."),
		Gaps:     counter("gaps_total", "Sources of which routed records were missing."),
		Watermark: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "assay_evaluator_watermark_seconds", Help: "Watermark of a routed partition, in seconds since 1970.",
		}, []string{"partition"}),
		Waiting: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "assay_evaluator_preloads_waiting", Help: "Changes of the rules whose controls wait in a routed partition until the past is read for them.",
		}, []string{"partition"}),
		Transactions: with.NewHistogram(prometheus.HistogramOpts{
			Name: "assay_evaluator_transaction_seconds", Help: "From the beginning of a transaction to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 13),
		}),
		Lag: lag,
	}
}

func (m *Metrics) lag(fetches kgo.Fetches) { m.Lag.Observe("judge", fetches) }

func (m *Metrics) forget(partition int32) {
	m.Watermark.DeleteLabelValues(strconv.Itoa(int(partition)))
	m.Waiting.DeleteLabelValues(strconv.Itoa(int(partition)))
}

func (m *Metrics) committed(out *output, took time.Duration) {
	m.Transactions.Observe(took.Seconds())
	for i := range out.revisions {
		m.Verdicts.WithLabelValues(out.revisions[i].Control, string(out.revisions[i].Outcome)).Inc()
	}
	for i := range out.quarantined {
		m.Quarantined.WithLabelValues(out.quarantined[i].Control).Inc()
	}
	m.Foreign.Add(float64(out.foreign))
	for id, p := range out.touched {
		if w := p.head.Watermark; w != compliance.Ever {
			m.Watermark.WithLabelValues(strconv.Itoa(int(id))).Set(float64(w) / 1e6)
		}
		m.Waiting.WithLabelValues(strconv.Itoa(int(id))).Set(float64(p.waiting()))
	}
}
