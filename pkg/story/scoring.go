package story

import (
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// runScorer scores samples of each day's answers. Most days of a busy service
// are good, two are not; thin services have too few samples; and on one day the
// scorer falls silent for 20 hours.
func (w *world) runScorer() {
	s := w.scene("scorer")
	for _, answers := range w.answers {
		slices.SortFunc(answers, func(a, b answer) int { return cmp.Compare(a.at, b.at) })
	}
	for _, m := range w.plan.services {
		days := w.plan.slots(m)
		low := s.spread(len(days), "low")
		if i := slices.IndexFunc(days, w.outOn); i >= 0 && low[i] != "" {
			low = map[int]string{i + 1: "low"} // the outage's day is not for this
		}
		for i, d := range days {
			s.scoreDay(m, d, low[i] != "")
		}
	}
}

// outOn tells whether the outage is on day d.
func (w *world) outOn(d compliance.Instant) bool {
	return d <= w.outage.from && w.outage.from < d.Add(day)
}

func (s *scene) scoreDay(m member, d compliance.Instant, low bool) {
	id := m.id + "@" + d.Time().Format(time.DateOnly)
	samples, scores := s.plan.samples, span{880, 990}
	switch {
	case m.thin:
		samples = s.plan.thinSamples
	case low:
		scores = span{690, 830}
	}
	for range s.upTo(samples) {
		s.score(m.id, d, int64(s.upTo(scores)))
	}
	switch {
	case s.outOn(d):
		s.plant(Planted{
			Name: "silent-scorer", Control: MC11, Outcome: compliance.Inconclusive, Reason: compliance.ReasonSourceSilent,
			Why: "The scorer sent neither scores nor heartbeats for 20 hours: what it would have said is unknown.",
		}, id, d, false)
	case m.thin:
		s.plant(Planted{
			Name: "too-few-samples", Control: MC11, Outcome: compliance.NotApplicable, Reason: compliance.ReasonDoesNotApply,
			Why: "The service had fewer than 20 scored answers on the day, too few to judge.",
		}, id, d, false)
	case low:
		s.plant(Planted{
			Name: "low-groundedness", Control: MC11, Outcome: compliance.Deviation, Reason: "below_threshold",
			Why: "The day's answers were grounded worse, on average, than the promised 850 permille.",
		}, id, d, false)
	default:
		s.pass(MC11, id, d)
	}
}

// score writes one score, unless the scorer is out. None comes in the last ten
// minutes of an hour, so none reaches the log after its day.
func (s *scene) score(service string, d compliance.Instant, score int64) {
	at := d.Add(time.Duration(s.rng.IntN(24))*time.Hour + s.between(0, 50*time.Minute))
	data := fields{"service": service, "metric": "groundedness", "score_permille": score}
	if traceID := s.answerBefore(service, at); traceID != "" {
		data["trace_id"] = traceID
	}
	if !s.silent(scorer, at) {
		s.emit(scorer, "eval.online.scored", at, data)
	}
}

// answerBefore draws one of the last answers that the service gave before at.
func (s *scene) answerBefore(service string, at compliance.Instant) string {
	answers := s.answers[service]
	n, _ := slices.BinarySearchFunc(answers, at, func(a answer, at compliance.Instant) int { return cmp.Compare(a.at, at) })
	if n == 0 {
		return ""
	}
	return answers[max(0, n-1-s.rng.IntN(20))].traceID
}
