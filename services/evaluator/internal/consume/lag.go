package consume

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// LagGauge shows how many records each part has still to read.
type LagGauge struct{ gauge *prometheus.GaugeVec }

// NewLagGauge registers it.
func NewLagGauge(reg prometheus.Registerer) *LagGauge {
	return &LagGauge{promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
		Name: "assay_evaluator_lag_records", Help: "Records between what a part has read and the end of the partition.",
	}, []string{"part", "topic", "partition"})}
}

// Observe takes the lag from a poll: how far the last record of each partition
// stands before the partition's end.
func (l *LagGauge) Observe(part string, fetches kgo.Fetches) {
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		n := len(p.Records)
		if n == 0 {
			return
		}
		lag := max(0, p.HighWatermark-p.Records[n-1].Offset-1)
		l.gauge.WithLabelValues(part, p.Topic, strconv.Itoa(int(p.Partition))).Set(float64(lag))
	})
}
