package report

import "assay.example/assay/pkg/compliance"

// span is from a first to a last time, zero without any.
type span struct{ first, last compliance.Instant }

// with is s widened by another span.
func (s span) with(first, last compliance.Instant) span {
	switch {
	case first == 0:
		return s
	case s.first == 0:
		return span{first, last}
	}
	return span{min(s.first, first), max(s.last, last)}
}
