package page

import (
	"net/url"
	"strings"

	"assay.example/assay/pkg/ask"
)

// command is something to copy into a terminal.
type command struct{ What, Line string }

// common are the flags that name the tenant and the bundle.
func (v *visit) common() []string { return append([]string{"--tenant", v.Tenant}, v.Arguments...) }

// flagsOf name a period to a command.
func flagsOf(p ask.Period) []string {
	pairs := pairsOf(p)
	flags := make([]string, len(pairs))
	for i := range pairs {
		flags[i] = pairs[i]
		if i%2 == 0 {
			flags[i] = "--" + pairs[i]
		}
	}
	return flags
}

// curl asks the API for an address. The tenant is always named.
func (v *visit) curl(address string, pairs ...string) string {
	values := url.Values{"tenant": {v.Tenant}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	// The header stays as it is, so that a shell puts the token in.
	return `curl -H "Authorization: Bearer $ASSAY_TOKEN" ` + shellWord(v.base()+address+"?"+values.Encode())
}

// base is where the console is reached.
func (v *visit) base() string {
	if v.PublicURL != "" {
		return strings.TrimSuffix(v.PublicURL, "/")
	}
	if v.request.TLS != nil {
		return "https://" + v.request.Host
	}
	return "http://" + v.request.Host
}
