package lane

import (
	"container/list"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/message"
)

// memory knows of each episode the last revision, and while it is open at the
// target, what opened it. It is bounded: the episodes that were quiet longest are
// forgotten first, the open and the closed apart. It is its session's to lock.
type memory struct {
	limit        int
	known        map[string]*list.Element
	open, closed *list.List
	forgotten    int
}

// episode is one entry of memory.
type episode struct {
	key      string
	revision int
	route    string
	opened   *record.Violation
	// sent says that this session has something of it on its way, so that what
	// follows is sent as well, whatever was delivered before.
	sent bool
}

func newMemory(limit int) *memory {
	return &memory{limit: limit, known: map[string]*list.Element{}, open: list.New(), closed: list.New()}
}

func (m *memory) get(key string) episode {
	if e, ok := m.known[key]; ok {
		if found, ok := e.Value.(episode); ok {
			return found
		}
	}
	return episode{key: key}
}

// put takes v as the episode's state; told says whether the target hears of it.
func (m *memory) put(v *record.Violation, route string, told bool) {
	e := m.get(v.Episode)
	switch {
	case !told:
	case message.Open(v):
		since := v.Verdict.KnownAt
		if e.opened != nil {
			since = e.opened.Verdict.KnownAt
		}
		e.opened, e.route = essence(v, since), route
	default:
		e.opened, e.route = nil, ""
	}
	e.revision = v.Verdict.Number
	m.remove(v.Episode)
	home := m.closed
	if e.opened != nil {
		home = m.open
	}
	m.known[v.Episode] = home.PushBack(e)
	if home.Len() > m.limit {
		if oldest, ok := home.Front().Value.(episode); ok {
			m.remove(oldest.key)
		}
		if home == m.open {
			m.forgotten++
		}
	}
}

func (m *memory) sent(key string) {
	if e, ok := m.known[key]; ok {
		found := m.get(key)
		found.sent = true
		e.Value = found
	}
}

func (m *memory) remove(key string) {
	e, ok := m.known[key]
	if !ok {
		return
	}
	m.open.Remove(e)
	m.closed.Remove(e) // of the two, the one that it isn't in does nothing
	delete(m.known, key)
}

// essence is v without evidence, known since the episode began.
func essence(v *record.Violation, since compliance.Instant) *record.Violation {
	small := *v
	small.Verdict.Evidence, small.Verdict.KnownAt, small.Verdict.Previous = nil, since, nil
	return &small
}
