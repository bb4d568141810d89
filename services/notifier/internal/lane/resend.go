package lane

import (
	"context"
	"time"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/message"
)

// resendAtOnce bounds the alerts of one request.
const resendAtOnce = 200

// resend tells the target again what is open, before it would time out there. A
// repetition says nothing new: it is counted and not written down, and one that
// fails is made good by the next.
func (s *Session) resend(ctx context.Context) {
	ticker := time.NewTicker(s.cfg.Resend)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.resendAll(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// resendAll leaves out what has a job: a repetition would only wait behind it, and
// then another one. It is a job itself, so that a resolve that comes meanwhile waits
// for it, and a late repetition can't open again what was resolved.
func (s *Session) resendAll(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []message.Entry
	for e := s.memory.open.Front(); e != nil; e = e.Next() {
		open, ok := e.Value.(episode)
		if ok && s.last[open.key] == nil {
			entries = append(entries, message.Entry{Violation: open.opened, Opened: open.opened})
		}
	}
	for len(entries) > 0 {
		n := min(len(entries), resendAtOnce)
		j := &job{message: &message.Message{Entries: entries[:n:n]}, done: make(chan struct{})}
		entries = entries[n:]
		s.start(j, func() { s.repeat(ctx, j) })
	}
}

func (s *Session) repeat(ctx context.Context, j *job) {
	if !j.await(ctx) || s.turn(ctx) != nil {
		return
	}
	defer func() { <-s.turns }()
	a := s.Send(context.WithoutCancel(ctx), j.message)
	s.deps.Metrics.Attempts.WithLabelValues(s.cfg.Target, "repeat_"+string(a.Outcome)).Inc()
	s.tell(a.Outcome != record.Delivered, a.Outcome, a.Error)
}
