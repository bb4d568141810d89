package daemon

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// errStarting is what a component is before it has said anything.
var errStarting = errors.New("starting")

// health knows which components are ready. It is safe for concurrent use.
type health struct {
	desc *prometheus.Desc

	mu         sync.Mutex
	names      []string
	components map[string]*component
	stopping   bool
}

type component struct {
	parts map[string]error
	once  chan struct{} // closed when the component is ready for the first time
}

// newHealth knows no component yet.
func newHealth() *health {
	return &health{
		desc: prometheus.NewDesc("assay_daemon_component_ready",
			"1 if the component is ready, 0 if not.", []string{"component"}, nil),
		components: map[string]*component{},
	}
}

func (h *health) expect(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = append(h.names, name)
	h.components[name] = &component{parts: map[string]error{"": errStarting}, once: make(chan struct{})}
}

// set keeps what a part says. The first word of any part replaces "starting".
func (h *health) set(name, part string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.components[name]
	if part == name {
		part = ""
	}
	if c.parts[""] == errStarting { //nolint:errorlint // the very value, put there by expect
		delete(c.parts, "")
	}
	c.parts[part] = err
	if c.ready() && !c.started() {
		close(c.once)
	}
}

func (c *component) ready() bool {
	for _, err := range c.parts {
		if err != nil {
			return false
		}
	}
	return true
}

func (c *component) started() bool {
	select {
	case <-c.once:
		return true
	default:
		return false
	}
}

func (h *health) readyOnce(name string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.components[name].once
}

func (h *health) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// check is one line of an answer.
type check struct {
	name string
	err  error
}

var errStopping = errors.New("stopping")

// ready lists every part; the answer is yes if none has an error.
func (h *health) ready() ([]check, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []check
	if h.stopping {
		list = append(list, check{"process", errStopping})
	}
	for _, name := range h.names {
		c := h.components[name]
		for _, part := range slices.Sorted(maps.Keys(c.parts)) {
			label := name
			if part != "" {
				label += "/" + part
			}
			list = append(list, check{label, c.parts[part]})
		}
	}
	return list, !slices.ContainsFunc(list, func(c check) bool { return c.err != nil })
}

// started lists every component; the answer is yes once each has been ready.
func (h *health) started() ([]check, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []check
	for _, name := range h.names {
		var err error
		if !h.components[name].started() {
			err = errStarting
		}
		list = append(list, check{name, err})
	}
	return list, !slices.ContainsFunc(list, func(c check) bool { return c.err != nil })
}

// Describe is prometheus.Collector's.
func (h *health) Describe(ch chan<- *prometheus.Desc) { ch <- h.desc }

// Collect is prometheus.Collector's.
func (h *health) Collect(ch chan<- prometheus.Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range h.names {
		value := 0.0
		if !h.stopping && h.components[name].ready() {
			value = 1
		}
		ch <- prometheus.MustNewConstMetric(h.desc, prometheus.GaugeValue, value, name)
	}
}
