package story

import (
	"time"

	"assay.example/assay/pkg/compliance"
)

// runSources lets each source say that it lives, from its first day, before the
// period, until it retires at the end of the story.
func (w *world) runSources() {
	for i, src := range w.plan.sources {
		s := w.scene("source" + src.name)
		for at := w.firstBeat(i); at <= w.plan.end; at = at.Add(src.heartbeat) {
			if !w.silent(src.name, at) {
				s.heartbeat(src, at)
			}
		}
		if src.name == scorer {
			s.heartbeat(src, w.outage.to) // it says so when it is up again
		}
		if src.name == w.quiet.source {
			s.heartbeat(src, w.quiet.to)
		}
		s.send(letter{care: prompt, event: compliance.Event{
			Source: src.name, Type: "source.retired", Time: w.plan.end.Add(30 * time.Minute),
			Data: fields{"reason": "the story ends"},
		}})
	}
}

// firstBeat is when the source at a place of the plan begins. Minutes past the hour
// differ, as they do in life.
func (w *world) firstBeat(place int) compliance.Instant {
	return w.plan.sourcesStart.Add(time.Duration(place+1) * 61 * time.Second)
}

func (s *scene) heartbeat(src source, at compliance.Instant) {
	s.send(letter{care: prompt, event: compliance.Event{
		Source: src.name, Type: "source.heartbeat", Time: at,
		Data: fields{"interval_seconds": int64(src.heartbeat.Seconds())},
	}})
}

// silent tells whether a source says nothing at a time.
func (w *world) silent(source string, at compliance.Instant) bool {
	return source == scorer && w.outage.from <= at && at < w.outage.to
}
