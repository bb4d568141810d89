package story

import (
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
)

const passMark = 800 // permille, of each suite

// app is an assistant with its prompts and the suites that guard them.
type app struct {
	name    string
	suites  []string
	prompts []string
}

func apps() []app {
	return []app{
		{"support-assistant", []string{"safety", "quality"}, []string{"answer", "clarify", "summarise", "escalate"}},
		{"triage-assistant", []string{"safety"}, []string{"classify", "route"}},
	}
}

// prompted is a version of a prompt on its way to production.
type prompted struct {
	app                        app
	change, hash, name, author string
}

// runReleases has prompts evaluated, approved and released, and routes of
// models changed.
func (w *world) runReleases() {
	s := w.scene("releases")
	times := s.occurrences(w.plan.lifeStart, w.plan.to, w.plan.releases)
	plants := s.spread(len(times), "no-evaluation", "evaluation-too-late", "evaluation-failed")
	for i, at := range times {
		a := apps()[0]
		if plants[i] == "" && s.chance(30) {
			a = apps()[1]
		}
		r := &prompted{
			app: a, change: fmt.Sprintf("prm-%d", 700+i), hash: fmt.Sprintf("%016x", s.rng.Uint64()),
			name: a.name + "/" + pick(s, a.prompts), author: pick(s, engineers()),
		}
		s.prepare(r, at, plants[i])
	}
	s.changeRoutes()
}

// prepare evaluates, approves and releases r, or leaves out what plant says.
func (s *scene) prepare(r *prompted, at compliance.Instant, plant string) {
	evaluated := at
	switch plant {
	case "":
		evaluated = s.evaluateAll(r, at)
	case "evaluation-failed":
		s.evaluate(r, "safety", at, s.goodScore())
		evaluated = at.Add(9 * time.Minute)
		s.evaluate(r, "quality", evaluated, int64(s.upTo(span{610, passMark - 25})))
	}
	approved := evaluated.Add(s.between(15*time.Minute, 20*time.Hour))
	s.emit(vcs, "change.approved", approved, fields{
		"change_id": r.change, "version_hash": r.hash, "approver": pickOther(s, leads(), r.author),
	})
	released := approved.Add(s.between(20*time.Minute, 40*time.Hour))
	if released >= s.plan.to {
		return
	}
	s.releasePrompt(r, approved.Add(s.between(7*time.Minute, 19*time.Minute)), "staging")
	id := s.releasePrompt(r, released, "production")
	s.pass(CH05b, id, released)
	s.noteEvaluation(r, id, released, plant)
}

func (s *scene) noteEvaluation(r *prompted, id string, at compliance.Instant, plant string) {
	missing := Planted{
		Name: "missing-evaluation", Control: CH05a, Outcome: compliance.Deviation, Reason: "no_evaluation",
		Why: "The prompt went to production before any of its suites had run.",
	}
	if s.unheard(at) {
		s.plant(Planted{
			Name: "unheard-evaluations", Control: CH05a, Outcome: compliance.Inconclusive, Reason: compliance.ReasonSourceSilent,
			Why: "The tool that runs evaluations was silent for days, so nobody knows what it said.",
		}, id, at, false)
		return
	}
	switch plant {
	case "no-evaluation":
		s.plant(missing, id, at, false)
	case "evaluation-too-late":
		s.evaluateAll(r, at.Add(s.between(20*time.Minute, time.Hour)))
		s.plant(missing, id, at, false)
	case "evaluation-failed":
		s.plant(Planted{
			Name: "failed-evaluation", Control: CH05a, Outcome: compliance.Deviation, Reason: "evaluation_failed",
			Why: "The prompt went to production though its quality suite had scored below the pass mark.",
		}, id, at, false)
	default:
		s.pass(CH05a, id, at)
	}
}

// evaluateAll runs each suite until it passes and returns when the last did.
func (s *scene) evaluateAll(r *prompted, at compliance.Instant) compliance.Instant {
	for _, suite := range r.app.suites {
		if s.chance(12) { // a first run that fails, for which a second makes up
			at = at.Add(s.between(4*time.Minute, 20*time.Minute))
			s.evaluate(r, suite, at, int64(s.upTo(span{600, passMark - 1})))
		}
		at = at.Add(s.between(4*time.Minute, 20*time.Minute))
		s.evaluate(r, suite, at, s.goodScore())
	}
	return at
}

func (s *scene) goodScore() int64 { return int64(s.upTo(span{passMark, 985})) }

func (s *scene) evaluate(r *prompted, suite string, at compliance.Instant, score int64) {
	s.emit(evals, "eval.run.completed", at, fields{
		"run_id": fmt.Sprintf("run-%012x", s.rng.Uint64()>>16), "version_hash": r.hash, "suite": suite,
		"score_permille": score, "cases": int64(s.upTo(span{120, 400})),
	})
}

func (s *scene) releasePrompt(r *prompted, at compliance.Instant, environment string) string {
	id := fmt.Sprintf("rel-%s-%s", r.change, environment[:4])
	s.emit(prompts, "prompt.released", at, fields{
		"release_id": id, "version_hash": r.hash, "prompt": r.name, "app": r.app.name,
		"change_id": r.change, "author": r.author, "environment": environment,
	})
	return id
}

// changeRoutes changes which models are used; the last changes bring in the
// provider that was approved in the period.
func (s *scene) changeRoutes() {
	step := s.plan.to.Sub(s.plan.from) / time.Duration(s.plan.routes)
	for i := range s.plan.routes {
		at := s.officeTime(s.plan.from.Add(time.Duration(i) * step))
		p := pick(s, providersAt(at))
		id, author := fmt.Sprintf("rte-%d", 80+i), pick(s, engineers())
		s.emit(vcs, "change.approved", at.Add(-s.between(time.Hour, 5*time.Hour)), fields{
			"change_id": id, "approver": pickOther(s, leads(), author),
		})
		s.emit(prompts, "model.route.changed", at, fields{
			"route_id": id, "app": pick(s, apps()).name, "provider": p.id, "model": p.model,
			"change_id": id, "author": author, "environment": "production",
		})
	}
}
