package login

import (
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle lets a number of attempts through for each key, and then one in a while.
// It holds a bounded number of keys; those unused for longest go first.
type throttle struct {
	burst int
	every time.Duration

	mu      sync.Mutex
	buckets map[string]*list.Element
	order   *list.List // of *bucket, the last used first
}

type bucket struct {
	key     string
	limiter *rate.Limiter
}

const mostBuckets = 20_000

func newThrottle(burst int, every time.Duration) *throttle {
	return &throttle{burst: burst, every: every, buckets: map[string]*list.Element{}, order: list.New()}
}

// take is one attempt. It says how long to wait if there were too many.
func (t *throttle) take(key string, now time.Time) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, found := t.buckets[key]
	if !found {
		if len(t.buckets) >= mostBuckets {
			if oldest, isBucket := t.order.Remove(t.order.Back()).(*bucket); isBucket {
				delete(t.buckets, oldest.key)
			}
		}
		e = t.order.PushFront(&bucket{key, rate.NewLimiter(rate.Every(t.every), t.burst)})
		t.buckets[key] = e
	}
	t.order.MoveToFront(e)
	b, isBucket := e.Value.(*bucket)
	if isBucket && b.limiter.AllowN(now, 1) {
		return 0, true
	}
	return t.every, false
}

// forgive forgets the attempts of a key.
func (t *throttle) forgive(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.buckets[key]; ok {
		t.order.Remove(e)
		delete(t.buckets, key)
	}
}

// client is the address that a request comes from: the nearest one that is no trusted
// proxy. Of IPv6 it is the network of 64 bits, which one client can have to itself.
func (g *Gate) client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	addr, err := netip.ParseAddr(host)
	for i := len(hops) - 1; err == nil && i >= 0 && g.trusts(addr); i-- {
		next, hopErr := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if hopErr != nil {
			break
		}
		addr = next
	}
	if err != nil {
		return host
	}
	if addr = addr.Unmap(); addr.Is6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return addr.String()
}

func (g *Gate) trusts(addr netip.Addr) bool {
	for _, p := range g.Proxies {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
