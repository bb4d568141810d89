package recorder

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rows    *prometheus.CounterVec
	skipped *prometheus.CounterVec
	inserts *prometheus.HistogramVec
	retries *prometheus.CounterVec
	repeats prometheus.Counter
	lag     *prometheus.GaugeVec

	repairs   prometheus.Counter
	recounted prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_recorder_rows_total", Help: "Rows whose insert ClickHouse acknowledged, repeats included.",
		}, []string{"table"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_recorder_skipped_records_total", Help: "Records that could not be decoded and left no row.",
		}, []string{"topic"}),
		inserts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_recorder_insert_seconds", Help: "Duration of inserts, failed ones included.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 14),
		}, []string{"table"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_recorder_retries_total", Help: "Attempts that failed and are made again.",
		}, []string{"operation"}),
		repeats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_recorder_repeated_ranges_total", Help: "Ranges that a recorder before may have inserted, inserted again under the same tokens.",
		}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "assay_recorder_lag_records", Help: "Offsets between what is recorded and the end of the partition; a transaction's marker counts as one.",
		}, []string{"topic", "partition"}),
		repairs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_recorder_count_repairs_total", Help: "Counts that the nightly recount found wrong and put right; more than none is a fault to look into.",
		}),
		recounted: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "assay_recorder_recounted_timestamp_seconds", Help: "When all counts were last recounted, as Unix time; 0 if not since the start.",
		}),
	}
	for _, c := range []prometheus.Collector{m.rows, m.skipped, m.inserts, m.retries, m.repeats, m.lag, m.repairs, m.recounted} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) lagOf(p tp) prometheus.Gauge {
	return m.lag.WithLabelValues(p.topic, strconv.Itoa(int(p.partition)))
}

func (m *metrics) forget(p tp) {
	m.lag.DeleteLabelValues(p.topic, strconv.Itoa(int(p.partition)))
}
