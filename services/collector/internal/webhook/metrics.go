package webhook

import (
	"errors"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"assay.example/assay/services/collector/internal/signature"
)

// Metrics count deliveries.
type Metrics struct {
	deliveries *prometheus.CounterVec
	refused    *prometheus.CounterVec
	unproven   prometheus.Gauge

	mu    sync.Mutex
	kinds map[string]map[string]bool // by vendor
}

// Outcomes of deliveries that are believed.
const (
	outcomeMapped    = "mapped"         // all of it became events, or is of no interest
	outcomeUnmapped  = "unmapped"       // some of it has no mapping
	outcomeFaulty    = "faulty"         // a mapping failed
	outcomeMalformed = "malformed"      // no JSON
	outcomeUnsent    = "unacknowledged" // Kafka has it not
	outcomeBusy      = "busy"           // no room for it
)

// reasonUnread is that of a body that wasn't read to its end, so that nobody knows
// who sent it; others are of package signature.
const reasonUnread = "unread"

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_collector_deliveries_total", Help: "Deliveries of vendors that were believed, by vendor, kind and outcome.",
		}, []string{"vendor", "kind", "outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_collector_deliveries_refused_total", Help: "Deliveries that were not believed, by source and reason; - is every source that doesn't exist.",
		}, []string{"source", "reason"}),
		unproven: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "assay_collector_unproven_bytes", Help: "Bytes held for deliveries whose signature is not checked yet.",
		}),
		kinds: map[string]map[string]bool{},
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.deliveries, m.refused, m.unproven} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// Unproven is a gauge for intake.NewBudget.
func (m *Metrics) Unproven(delta float64) { m.unproven.Add(delta) }

func (m *Metrics) refuse(name string, err error) {
	reason, ok := errors.AsType[signature.Reason](err)
	if !ok {
		reason = signature.Mismatch // of a source that doesn't exist, or that doesn't answer GET
	}
	m.refused.WithLabelValues(name, string(reason)).Inc()
}

func (m *Metrics) unread(name string) { m.refused.WithLabelValues(name, reasonUnread).Inc() }

func (m *Metrics) busy(a *account) {
	m.deliveries.WithLabelValues(a.Vendor.Name, unknown, outcomeBusy).Inc()
}

func (m *Metrics) count(d *delivery, outcome string) {
	m.deliveries.WithLabelValues(d.Vendor.Name, m.family(d), outcome).Inc()
}

func outcomeOf(d *delivery, faults []error) string {
	switch {
	case len(faults) > 0:
		return outcomeFaulty
	case len(d.mapped.Unmapped) > 0:
		return outcomeUnmapped
	}
	return outcomeMapped
}

// The labels of kinds that have none of their own.
const (
	kindOther   = "other"
	kindSeveral = "several"
	// maxFamilies bounds the labels of a vendor: a mapping for "x*" names any kind.
	maxFamilies = 64
)

// family is the first part of the delivery's kind, if its vendor's mappings name it.
func (m *Metrics) family(d *delivery) string {
	found := ""
	for _, kind := range d.mapped.Kinds {
		family := kindOther
		if d.Vendor.Names(kind) {
			family, _, _ = strings.Cut(kind, ".")
		}
		if found != "" && found != family {
			return kindSeveral
		}
		found = family
	}
	if found == "" {
		return unknown
	}
	return m.bounded(d.Vendor.Name, found)
}

func (m *Metrics) bounded(vendor, family string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kinds[vendor] == nil {
		m.kinds[vendor] = map[string]bool{}
	}
	known := m.kinds[vendor]
	if !known[family] && len(known) >= maxFamilies {
		return kindOther
	}
	known[family] = true
	return clip(family, maxKind)
}
