package story

import (
	"time"

	"assay.example/assay/pkg/compliance"
)

// runReviews has administrators' access reviewed each month for each system.
// One review is forgotten; the review of its ordinary users is not enough.
func (w *world) runReviews() {
	s := w.scene("reviews")
	skipped := w.plan.systems[s.rng.IntN(2)].id
	for _, month := range w.plan.months() {
		for _, m := range w.plan.systems {
			if month < m.from {
				continue
			}
			id := m.id + "@" + month.Time().Format("2006-01")
			s.review(m.id, month, "users")
			if m.id == skipped && month == date(time.August, 1) {
				s.plant(Planted{
					Name: "skipped-review", Control: AC04, Outcome: compliance.Deviation, Reason: "no_review",
					Why: "The administrators of " + m.id + " were not reviewed in August.",
				}, id, month, false)
				continue
			}
			s.review(m.id, month, "admin")
			s.pass(AC04, id, month)
		}
	}
}

// review reviews in the month or in the four days after it.
func (s *scene) review(system string, month compliance.Instant, scope string) {
	accounts := int64(s.upTo(span{4, 30}))
	next := compliance.InstantOf(month.Time().AddDate(0, 1, 0))
	s.emitPatient(idp, "access.reviewed", month.Add(s.between(6*day, next.Sub(month)+4*day)), fields{
		"system": system, "month": month.Time().Format("2006-01"), "scope": scope, "reviewer": pick(s, leads()),
		"accounts_total": accounts, "accounts_reviewed": accounts,
	})
}
