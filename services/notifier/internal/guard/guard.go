// Package guard keeps the notifier's requests out of the networks that it stands
// in. A target's name is what an operator, or somebody who may edit a target,
// wrote; which address it leads to is decided by DNS at the moment of dialling. So
// the address is checked there, after resolution and right before the connection,
// where nothing can change it any more. Redirects are answers, not orders, and
// proxies of the environment are ignored.
package guard

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrForbidden is in the chain of a request's error when its address is not allowed.
var ErrForbidden = errors.New("the address is not allowed")

// reserved are the networks that are nobody's public server. What they are is
// said to the operator.
func reserved() map[string]string {
	return map[string]string{
		"0.0.0.0/8":          "unspecified",
		"10.0.0.0/8":         "private",
		"100.64.0.0/10":      "shared by carriers (CGNAT)",
		"127.0.0.0/8":        "loopback",
		"169.254.0.0/16":     "link-local, where cloud metadata is",
		"172.16.0.0/12":      "private",
		"192.0.0.0/24":       "reserved for protocols",
		"192.0.2.0/24":       "for documentation",
		"192.88.99.0/24":     "a relay",
		"192.168.0.0/16":     "private",
		"198.18.0.0/15":      "for benchmarks",
		"198.51.100.0/24":    "for documentation",
		"203.0.113.0/24":     "for documentation",
		"224.0.0.0/4":        "multicast",
		"240.0.0.0/4":        "reserved",
		"2001::/23":          "reserved for protocols",
		"2001:db8::/32":      "for documentation",
		"2002::/16":          "6to4, which hides an IPv4 address",
		"3fff::/20":          "for documentation",
		"64:ff9b::/96":       "NAT64, which hides an IPv4 address",
		"64:ff9b:1::/48":     "NAT64, which hides an IPv4 address",
		"fc00::/7":           "private (ULA)",
		"fe80::/10":          "link-local",
		"fec0::/10":          "site-local",
		"ff00::/8":           "multicast",
		"::1/128":            "loopback",
		"::/128":             "unspecified",
		"fd00:ec2::254/128":  "cloud metadata",
		"100::/64":           "discarded",
		"::ffff:0:0:0/96":    "a translated IPv4 address",
		"168.63.129.16/32":   "a cloud's own (Azure)",
		"192.175.48.0/24":    "reserved",
		"2620:4f:8000::/48":  "reserved",
		"255.255.255.255/32": "broadcast",
	}
}

// global is where public IPv6 servers are; all else is not allowed.
var global = netip.MustParsePrefix("2000::/3")

// Policy says which addresses may be dialled: the public ones, and what is allowed.
type Policy struct {
	allowed  []netip.Prefix
	reserved map[netip.Prefix]string
}

// NewPolicy allows public addresses and those of the networks given.
func NewPolicy(allowed ...netip.Prefix) *Policy {
	p := &Policy{reserved: map[netip.Prefix]string{}}
	for _, a := range allowed {
		p.allowed = append(p.allowed, a.Masked())
	}
	for text, what := range reserved() {
		p.reserved[netip.MustParsePrefix(text)] = what
	}
	return p
}

// Check says whether addr may be dialled. An IPv4 address in IPv6 clothes is
// judged as the IPv4 address that it is.
func (p *Policy) Check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	for _, a := range p.allowed {
		if a.Contains(addr) {
			return nil
		}
	}
	for network, what := range p.reserved {
		if network.Contains(addr) {
			return fmt.Errorf("%w: %s is %s; if it is meant, list its network in allowPrivate", ErrForbidden, addr, what)
		}
	}
	if addr.Is6() && !global.Contains(addr) {
		return fmt.Errorf("%w: %s is no public address; if it is meant, list its network in allowPrivate", ErrForbidden, addr)
	}
	return nil
}

// control is asked by the dialer with each address it is about to connect to.
func (p *Policy) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s is no TCP", ErrForbidden, network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrForbidden, address)
	}
	return p.Check(at.Addr())
}

// Options are what a client is made with.
type Options struct {
	Policy *Policy
	// Timeout ends a request, from dialling to the last byte read.
	Timeout time.Duration
	// TLS is nil for the system's roots.
	TLS *tls.Config
	// Resolver is nil for the system's.
	Resolver *net.Resolver
}

// The limits of one connection.
const (
	idleConns   = 4
	idleTimeout = 90 * time.Second
	headerBytes = 16 << 10
)

// NewClient makes a client that dials what the policy allows, follows no redirect
// and knows no proxy.
func NewClient(o Options) *http.Client {
	dialer := &net.Dialer{Timeout: o.Timeout, Control: o.Policy.control, Resolver: o.Resolver}
	return &http.Client{
		Timeout:       o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        withMinimum(o.TLS),
			TLSHandshakeTimeout:    o.Timeout,
			ResponseHeaderTimeout:  o.Timeout,
			MaxResponseHeaderBytes: headerBytes,
			MaxIdleConnsPerHost:    idleConns,
			IdleConnTimeout:        idleTimeout,
			ForceAttemptHTTP2:      true,
		},
	}
}

func withMinimum(c *tls.Config) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}
