package notifier

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/message"
)

// named is what a target or route is called: it stands in the names of groups and
// in metrics.
var named = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func key(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

func (t Target) faults(at string, taken map[string]bool) error {
	var errs []error
	if !named.MatchString(t.Name) {
		errs = append(errs, fault("%s.name: %q is no name; use a-z, 0-9 and '-', at most 63", at, t.Name))
	} else if taken[t.Name] {
		errs = append(errs, fault("%s.name: %s is taken; give each target its own", at, t.Name))
	}
	for i, network := range t.AllowPrivate {
		if _, err := netip.ParsePrefix(network); err != nil {
			errs = append(errs, fault("%s: %q is no network; write it as 10.1.0.0/16", key(at+".allowPrivate", i), network))
		}
	}
	return errors.Join(append(errs, t.kindFault(at), t.urlFault(at))...)
}

func (t Target) kindFault(at string) error {
	switch t.Kind {
	case KindWebhook:
		return errors.Join(t.signingFault(at), t.strangerFault(at, t.RoutingKey != "" || t.RoutingKeyFile != "", "routingKey", KindPagerDuty), t.alertFault(at))
	case KindSlack:
		return errors.Join(t.secretFault(at), t.strangerFault(at, t.RoutingKey != "" || t.RoutingKeyFile != "", "routingKey", KindPagerDuty), t.alertFault(at))
	case KindPagerDuty:
		errs := []error{t.secretFault(at), t.alertFault(at)}
		if (t.RoutingKey == "") == (t.RoutingKeyFile == "") {
			errs = append(errs, fault("%s.routingKey: pagerduty needs either routingKey or routingKeyFile", at))
		}
		return errors.Join(errs...)
	case KindAlertmanager:
		errs := []error{t.secretFault(at), t.strangerFault(at, t.RoutingKey != "" || t.RoutingKeyFile != "", "routingKey", KindPagerDuty)}
		if t.Token != "" && t.TokenFile != "" {
			errs = append(errs, fault("%s.token: is set and tokenFile too; keep one", at))
		}
		return errors.Join(append(errs, t.labelFaults(at))...)
	}
	return fault("%s.kind: %q is unknown; choose %s, %s, %s or %s", at, t.Kind, KindWebhook, KindSlack, KindPagerDuty, KindAlertmanager)
}

func (t Target) strangerFault(at string, set bool, name, kind string) error {
	if set {
		return fault("%s.%s: belongs to %s, not to %s; remove it", at, name, kind, t.Kind)
	}
	return nil
}

func (t Target) secretFault(at string) error {
	return t.strangerFault(at, len(t.Secrets)+len(t.SecretFiles) > 0, "secrets", KindWebhook)
}

func (t Target) alertFault(at string) error {
	return t.strangerFault(at, t.Token != "" || t.TokenFile != "" || len(t.Labels) > 0, "token", KindAlertmanager)
}

// signingFault insists on a secret: a receiver can't tell an unsigned webhook from
// anybody's.
func (t Target) signingFault(at string) error {
	if len(t.Secrets)+len(t.SecretFiles) == 0 {
		return fault("%s.secrets: a webhook needs at least one; make one with: echo whsec_$(openssl rand -base64 32)", at)
	}
	for i, s := range t.Secrets {
		if _, err := message.DecodeKey(s); err != nil {
			return fault("%s: %w", key(at+".secrets", i), err)
		}
	}
	return nil
}

var label = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (t Target) labelFaults(at string) error {
	for name := range t.Labels {
		own := slices.Contains([]string{"alertname", "tenant", "control", "item", "severity", "test"}, name)
		if !label.MatchString(name) || own {
			return fault("%s.labels: %q can't be set; use a label's name that is not the notifier's own", at, name)
		}
	}
	return nil
}

func (t Target) urlFault(at string) error {
	switch {
	case t.URL != "" && t.URLFile != "":
		return fault("%s.url: is set and urlFile too; keep one", at)
	case t.URL == "" && t.URLFile == "" && t.Kind == KindPagerDuty:
		return nil
	case t.URL == "" && t.URLFile == "":
		return fault("%s.url: is empty; set url or urlFile", at)
	case t.URLFile != "":
		return nil // its scheme is checked at each attempt
	}
	return t.schemeFault(at, t.URL.Reveal())
}

func (t Target) schemeFault(at, text string) error {
	u, err := url.Parse(text) // its error shows the URL
	switch {
	case err != nil || u.Host == "":
		return fault("%s.url: is no URL; write it as https://host/path", at)
	case u.Scheme != "https" && (u.Scheme != "http" || !t.AllowHTTP):
		return fault("%s.url: is not https; anybody on the way could read it. Set allowHTTP to accept that for http", at)
	}
	return nil
}

func (c Config) routeFaults(i int) error {
	r, at := c.Routes[i], key("routes", i)
	var errs []error
	if !named.MatchString(r.Name) {
		errs = append(errs, fault("%s.name: %q is no name; use a-z, 0-9 and '-', at most 63", at, r.Name))
	}
	for j, glob := range r.Controls {
		if _, err := path.Match(glob, ""); err != nil {
			errs = append(errs, fault("%s: %q is no glob; use *, ? and [a-z]", key(at+".controls", j), glob))
		}
	}
	for j, kind := range r.Kinds {
		if !slices.Contains(message.Kinds(), kind) {
			errs = append(errs, fault("%s: %q is unknown; choose of %s", key(at+".kinds", j), kind, strings.Join(message.Kinds(), ", ")))
		}
	}
	if len(r.Targets) == 0 {
		errs = append(errs, fault("%s.targets: is empty; name a target", at))
	}
	for j, name := range r.Targets {
		if _, ok := c.target(name); !ok {
			errs = append(errs, fault("%s: there is no target %s", key(at+".targets", j), name))
		}
	}
	if r.GroupWait != nil && (*r.GroupWait < 0 || *r.GroupWait > time.Hour) {
		errs = append(errs, fault("%s.groupWait: is %s; choose 0s to 1h", at, *r.GroupWait))
	}
	return errors.Join(append(errs, c.unresolvableFault(r, at))...)
}

// unresolvableFault: nothing that a route opens should stay open for ever because
// its kinds leave out the end.
func (c Config) unresolvableFault(r Route, at string) error {
	if len(r.Kinds) == 0 || !slices.Contains(r.Kinds, string(record.Opened)) && !slices.Contains(r.Kinds, string(record.Updated)) {
		return nil
	}
	for _, name := range r.Targets {
		t, _ := c.target(name)
		if t.incidents() && !containsAll(r.Kinds, string(record.Remediated), string(record.Corrected), message.Waived) {
			return fault("%s.kinds: what is opened at %s must be resolved there; add remediated, corrected and waived, or leave kinds empty", at, name)
		}
	}
	return nil
}

func containsAll(list []string, words ...string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(list, w) })
}

// incidents says whether the target opens and resolves.
func (t Target) incidents() bool { return t.Kind == KindPagerDuty || t.Kind == KindAlertmanager }
