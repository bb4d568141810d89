package story

import (
	"time"

	"assay.example/assay/pkg/compliance"
)

const day = 24 * time.Hour

// plan holds every number that depends on the size, and the calendar.
type plan struct {
	// sourcesStart is before the longest look-back of any item, so that the
	// first items of the period have a proven past.
	sourcesStart compliance.Instant
	// lifeStart is when changes, releases and incidents begin; ticketsStart is
	// the same for tickets. Both are before from: those are no items yet.
	lifeStart, ticketsStart compliance.Instant
	from, to                compliance.Instant
	// end is after the last deadline of the period: September's reviews.
	end compliance.Instant

	sources           []source
	systems, services []member

	staff, joiners, leavers, requests int
	tickets, changes, releases        rhythm
	incidents, privileged, logins     rhythm
	routes                            int
	// samples is how many answers the scorer scores a day in a busy service,
	// thinSamples in a thin one.
	samples, thinSamples span
}

// member is an entry of a boundary's list.
type member struct {
	id          string
	from, until compliance.Instant
	// thin services have too few samples a day to be judged.
	thin bool
}

// source is who sends some types of events.
type source struct {
	name  string
	types []string
	// heartbeat is how often it says that it lives, maxGap how long it may not.
	heartbeat, maxGap time.Duration
}

// span is a range of whole numbers, both ends included.
type span struct{ least, most int }

// Sources by name.
const (
	idp       = "/idp"
	vcs       = "/vcs"
	cd        = "/cd"
	prompts   = "/prompts"
	evals     = "/evals"
	pager     = "/pager"
	assistant = "/assistant"
	scorer    = "/scorer"
)

func planFor(size Size) plan {
	p := plan{
		sourcesStart: date(time.May, 25), lifeStart: date(time.June, 24), ticketsStart: date(time.June, 30),
		from: date(time.July, 1), to: date(time.October, 1), end: date(time.October, 6).Add(6 * time.Hour),
	}
	switch size {
	case Default:
		p.full()
	case Small:
		p.small()
	case Middle:
		p.middle()
	}
	return p
}

func (p *plan) full() {
	p.sources = sources(time.Hour, 3*time.Hour, time.Hour, 3*time.Hour)
	p.systems = []member{
		{id: "console", until: p.to},
		{id: "warehouse", until: p.to},
		{id: "vcs", until: p.to},
		{id: "cloud", until: p.to},
		{id: "helpdesk", from: date(time.August, 1), until: p.to},
	}
	p.services = []member{
		{id: "assist-eu", until: p.to},
		{id: "assist-us", until: p.to},
		{id: "assist-beta", from: date(time.August, 1), until: p.to, thin: true},
	}
	p.staff, p.joiners, p.leavers, p.requests, p.routes = 70, 30, 18, 120, 12
	p.tickets = rhythm{weekday: 215, weekend: 95, hours: aroundTheClock()}
	p.changes = rhythm{weekday: 24, weekend: 1, hours: officeHours()}
	p.releases = rhythm{weekday: 3.4, hours: officeHours()}
	p.incidents = rhythm{weekday: 1.6, weekend: 0.9, hours: aroundTheClock()}
	p.privileged = rhythm{weekday: 18, weekend: 3, hours: officeHours()}
	p.logins = rhythm{weekday: 40, weekend: 8, hours: officeHours()}
	p.samples, p.thinSamples = span{24, 40}, span{3, 14}
}

// small has sources that speak rarely: with hourly heartbeats they would say
// little else.
func (p *plan) small() {
	p.sources = sources(day, 36*time.Hour, 12*time.Hour, 15*time.Hour)
	p.systems = []member{
		{id: "console", until: p.to},
		{id: "warehouse", until: p.to},
		{id: "helpdesk", from: date(time.August, 1), until: p.to},
	}
	p.services = []member{
		{id: "assist-eu", from: date(time.August, 3), until: date(time.August, 13)},
		{id: "assist-beta", from: date(time.August, 5), until: date(time.August, 11), thin: true},
	}
	p.staff, p.joiners, p.leavers, p.requests, p.routes = 16, 6, 5, 10, 3
	p.tickets = rhythm{weekday: 1.3, weekend: 0.6, hours: aroundTheClock()}
	p.changes = rhythm{weekday: 0.7, hours: officeHours()}
	p.releases = rhythm{weekday: 0.3, hours: officeHours()}
	p.incidents = rhythm{weekday: 0.3, weekend: 0.1, hours: aroundTheClock()}
	p.privileged = rhythm{weekday: 0.8, hours: officeHours()}
	p.logins = rhythm{weekday: 0.7, hours: officeHours()}
	p.samples, p.thinSamples = span{22, 26}, span{2, 6}
}

// middle is small, with more of what has to be counted.
func (p *plan) middle() {
	p.small()
	p.tickets = rhythm{weekday: 14, weekend: 6, hours: aroundTheClock()}
	p.changes = rhythm{weekday: 4, hours: officeHours()}
	p.releases = rhythm{weekday: 1.5, hours: officeHours()}
	p.incidents = rhythm{weekday: 1, weekend: 0.5, hours: aroundTheClock()}
}

func sources(heartbeat, maxGap, scorerHeartbeat, scorerMaxGap time.Duration) []source {
	return []source{
		{idp, []string{"access.*", "person.*"}, heartbeat, maxGap},
		{vcs, []string{"change.*"}, heartbeat, maxGap},
		{cd, []string{"deploy.*"}, heartbeat, maxGap},
		{prompts, []string{"prompt.*", "model.route.*"}, heartbeat, maxGap},
		{evals, []string{"eval.run.*"}, heartbeat, maxGap},
		{pager, []string{"incident.*"}, heartbeat, maxGap},
		{assistant, []string{
			"ticket.*", "retrieval.*", "model.call.*", "tool.*", "guardrail.*", "human_review.*", "output.*",
		}, heartbeat, maxGap},
		{scorer, []string{"eval.online.*"}, scorerHeartbeat, scorerMaxGap},
	}
}

// slots are the starts of the days on which m is in scope.
func (p *plan) slots(m member) []compliance.Instant {
	var days []compliance.Instant
	for d := p.from; d < p.to; d = d.Add(day) {
		if m.from <= d && d < m.until {
			days = append(days, d)
		}
	}
	return days
}

// months are the starts of the period's months.
func (p *plan) months() []compliance.Instant {
	return []compliance.Instant{p.from, date(time.August, 1), date(time.September, 1)}
}

func date(month time.Month, dayOfMonth int) compliance.Instant {
	return compliance.InstantOf(time.Date(2026, month, dayOfMonth, 0, 0, 0, 0, time.UTC))
}
