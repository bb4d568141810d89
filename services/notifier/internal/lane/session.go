package lane

import (
	"context"
	"sync"
	"time"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/message"
)

// Match says whether a violation is for the target, by which route, and how long
// it may wait for others.
type Match func(*record.Violation) (route string, groupWait time.Duration, ok bool)

// Session is a lane's work on the partitions of one generation of its group. It
// learns each partition from the beginning of the log, so it knows what was open
// and what was said before.
type Session struct {
	*Lane

	match  Match
	mu     sync.Mutex
	memory *memory
	// batches wait for more; waiting tells in which one an episode is.
	batches map[batchKey]*batch
	waiting map[string]*batch
	// last is the latest job of each episode that has one.
	last   map[string]*job
	jobs   sync.WaitGroup
	closed bool
}

type batchKey struct{ tenant, route, control string }

type batch struct {
	key   batchKey
	items []entry
	timer *time.Timer
}

// entry is an item with what was open before it.
type entry struct {
	Item

	opened *record.Violation
}

// job is one message on its way.
type job struct {
	message *message.Message
	items   []entry
	after   []*job
	done    chan struct{}
}

// Session begins work; it ends with ctx, and then Close must be called.
func (l *Lane) Session(ctx context.Context, match Match) *Session {
	s := &Session{
		Lane: l, match: match, memory: newMemory(l.cfg.Remember),
		batches: map[batchKey]*batch{}, waiting: map[string]*batch{}, last: map[string]*job{},
	}
	if l.cfg.Resend > 0 {
		s.jobs.Go(func() { s.resend(ctx) })
	}
	return s
}

// Restore learns a violation that was finished before this session.
func (s *Session) Restore(v *record.Violation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.memory.get(v.Episode)
	if v.Verdict.Number <= e.revision {
		return
	}
	route, _, told := s.route(v, e)
	s.memory.put(v, route, told)
}

// route follows the routes. What was opened at an incident target is also changed
// and resolved there, whatever the routes say of the later revision.
func (s *Session) route(v *record.Violation, e episode) (string, time.Duration, bool) {
	route, wait, ok := s.match(v)
	if !ok && s.cfg.Incidents && e.opened != nil {
		return e.route, 0, true
	}
	return route, wait, ok
}

// Take delivers the next violation of the log, sooner or later. It blocks while the
// queue is full. Done is called at once for what is a repeat or not for the target.
func (s *Session) Take(ctx context.Context, v *record.Violation, at time.Time, done func()) error {
	s.mu.Lock()
	e := s.memory.get(v.Episode)
	if v.Verdict.Number <= e.revision {
		s.mu.Unlock()
		s.repeated(done)
		return nil
	}
	route, wait, told := s.route(v, e)
	known := told && !e.sent && s.deps.Delivered != nil && s.deps.Delivered(v, s.action(v))
	lost := s.memory.forgotten
	s.memory.put(v, route, told)
	if told && !known {
		s.memory.sent(v.Episode)
	}
	s.deps.Metrics.Forgotten.WithLabelValues(s.cfg.Target).Add(float64(s.memory.forgotten - lost))
	s.mu.Unlock()
	switch {
	case !told:
		done()
		return nil
	case known:
		s.repeated(done)
		return nil
	}
	select {
	case s.queue <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.deps.Metrics.Queued.WithLabelValues(s.cfg.Target).Inc()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.place(ctx, entry{Item{Violation: v, At: at, Route: route, GroupWait: wait, Done: done}, e.opened})
	return nil
}

func (s *Session) repeated(done func()) {
	s.deps.Metrics.Repeats.WithLabelValues(s.cfg.Target).Inc()
	done()
}

// place is called with the lock held. An episode that waits in another batch, or is
// to be sent at once, first sends that batch on its way.
func (s *Session) place(ctx context.Context, it entry) {
	v := it.Violation
	key := batchKey{v.Verdict.Tenant, it.Route, v.Verdict.Control}
	alone := s.cfg.Incidents || it.GroupWait <= 0
	if other := s.waiting[v.Episode]; other != nil && (alone || other.key != key) {
		s.flush(ctx, other)
	}
	if alone {
		s.launch(ctx, []entry{it})
		return
	}
	b := s.batches[key]
	if b == nil {
		b = &batch{key: key}
		s.batches[key] = b
		b.timer = time.AfterFunc(it.GroupWait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.flush(ctx, b)
		})
	}
	b.items = append(b.items, it)
	s.waiting[v.Episode] = b
	if len(b.items) >= message.MaxListed {
		s.flush(ctx, b)
	}
}

// flush is called with the lock held; a batch that is gone already stays so.
func (s *Session) flush(ctx context.Context, b *batch) {
	if s.batches[b.key] != b {
		return
	}
	b.timer.Stop()
	delete(s.batches, b.key)
	for _, it := range b.items {
		delete(s.waiting, it.Violation.Episode)
	}
	s.launch(ctx, b.items)
}

// launch is called with the lock held. A job begins when the earlier ones of its
// episodes have ended.
func (s *Session) launch(ctx context.Context, items []entry) {
	first := items[0].Violation.Verdict
	j := &job{
		items: items, done: make(chan struct{}),
		message: &message.Message{Tenant: first.Tenant, Control: first.Control, Route: items[0].Route},
	}
	for _, it := range items {
		j.message.Entries = append(j.message.Entries, message.Entry{Violation: it.Violation, Opened: it.opened})
	}
	s.start(j, func() { s.run(ctx, j) })
}

// start is called with the lock held.
func (s *Session) start(j *job, work func()) {
	if s.closed {
		return
	}
	for _, e := range j.message.Entries {
		if before := s.last[e.Violation.Episode]; before != nil && before != j {
			j.after = append(j.after, before)
		}
		s.last[e.Violation.Episode] = j
	}
	s.jobs.Go(func() {
		defer s.end(j)
		work()
	})
}

func (s *Session) end(j *job) {
	s.mu.Lock()
	for _, e := range j.message.Entries {
		if s.last[e.Violation.Episode] == j {
			delete(s.last, e.Violation.Episode)
		}
	}
	s.mu.Unlock()
	j.after = nil
	close(j.done)
}

// await waits for the jobs before j; false when ctx ends first.
func (j *job) await(ctx context.Context) bool {
	for _, before := range j.after {
		select {
		case <-before.done:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

func (s *Session) run(ctx context.Context, j *job) {
	if !j.await(ctx) || !s.deliver(ctx, j) {
		return
	}
	for _, it := range j.items {
		it.Done()
	}
	s.release(len(j.items))
}

func (s *Session) release(n int) {
	for range n {
		<-s.queue
	}
	s.deps.Metrics.Queued.WithLabelValues(s.cfg.Target).Sub(float64(n))
}

// Close waits for the attempts under way, at most for their timeout. What was not
// finished is the next session's. Nothing is taken any more.
func (s *Session) Close() {
	s.mu.Lock()
	s.closed = true
	for _, b := range s.batches {
		b.timer.Stop()
	}
	s.mu.Unlock()
	s.jobs.Wait()
	s.release(len(s.queue)) // the queue is this session's alone
}
