package notifier

import (
	"errors"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
)

// Config says what goes where. Without targets the notifier idles.
type Config struct {
	Kafka stream.Config `yaml:"kafka"`
	// Group and the target's name, with a dot between, are the consumer group of
	// each target. A group that is new begins with what comes from then on.
	Group   string   `yaml:"group"`
	Targets []Target `yaml:"targets"`
	Routes  []Route  `yaml:"routes"`
	// Link leads from a message to an item; {tenant}, {control} and {item} are
	// filled in. Empty for none.
	Link string `yaml:"link"`

	// GroupWait is how long a violation waits for others of its route and control,
	// at webhooks and Slack, where a route doesn't say.
	GroupWait time.Duration `yaml:"groupWait"`
	// Queue bounds what each target holds in memory; the rest waits in Kafka.
	Queue int `yaml:"queue"`
	// Concurrency bounds the requests under way at each target.
	Concurrency int `yaml:"concurrency"`
	// Timeout ends an attempt.
	Timeout time.Duration `yaml:"timeout"`
	// FirstWait grows to LastWait between attempts; a target's Retry-After counts
	// up to MaxRetryAfter.
	FirstWait     time.Duration `yaml:"firstWait"`
	LastWait      time.Duration `yaml:"lastWait"`
	MaxRetryAfter time.Duration `yaml:"maxRetryAfter"`
	// MaxAge, from when Kafka took a violation, ends its attempts.
	MaxAge time.Duration `yaml:"maxAge"`
	// Resend is how often Alertmanagers are told again of what is open, which times
	// out there after four times as long.
	Resend time.Duration `yaml:"resend"`
	// Remember bounds the episodes that are known at each target.
	Remember       int           `yaml:"remember"`
	SessionTimeout time.Duration `yaml:"sessionTimeout"`
}

// Route is one rule of who hears of what. Routes are tried from the top until one
// fits that doesn't continue; an empty list fits everything.
type Route struct {
	Name string `yaml:"name"`
	// Controls are globs, such as AC-*.
	Controls   []string `yaml:"controls"`
	Severities []string `yaml:"severities"`
	// Kinds are opened, updated, remediated, corrected and waived.
	Kinds   []string `yaml:"kinds"`
	Tenants []string `yaml:"tenants"`
	Targets []string `yaml:"targets"`
	// Continue has the routes below tried as well.
	Continue bool `yaml:"continue"`
	// GroupWait is that of the notifier if it isn't set; 0s sends at once.
	GroupWait *time.Duration `yaml:"groupWait"`
}

// The kinds of targets.
const (
	KindWebhook      = "webhook"
	KindSlack        = "slack"
	KindPagerDuty    = "pagerduty"
	KindAlertmanager = "alertmanager"
)

// Target is one receiver. Whatever may be secret can come from a file, which is read
// at each attempt.
type Target struct {
	Name string `yaml:"name"`
	Kind string `yaml:"kind"`
	// URL is a webhook's or Slack's own, which is a secret with Slack; with
	// PagerDuty and Alertmanager that of the server, without the path of its API.
	URL     settings.Secret `yaml:"url"`
	URLFile string          `yaml:"urlFile"`
	// Secrets and SecretFiles sign webhooks, the newest first (Standard Webhooks,
	// whsec_…). Each signs, so that one can be replaced without a gap.
	Secrets     []settings.Secret `yaml:"secrets"`
	SecretFiles []string          `yaml:"secretFiles"`
	// RoutingKey is PagerDuty's integration key.
	RoutingKey     settings.Secret `yaml:"routingKey"`
	RoutingKeyFile string          `yaml:"routingKeyFile"`
	// Token is sent to an Alertmanager as a bearer, if there is one.
	Token     settings.Secret `yaml:"token"`
	TokenFile string          `yaml:"tokenFile"`
	// Labels are added to an Alertmanager's alerts.
	Labels map[string]string `yaml:"labels"`
	// CAFile holds the authorities of a server that the system's don't know.
	CAFile string `yaml:"caFile"`
	// AllowPrivate lists networks (10.1.0.0/16) that this target may be in;
	// otherwise only public addresses are dialled.
	AllowPrivate []string `yaml:"allowPrivate"`
	// AllowHTTP lets the URL be http, so that anybody on the way can read it.
	AllowHTTP bool `yaml:"allowHTTP"`
}

// pagerDutyURL is where PagerDuty takes events; its European service has another.
const pagerDutyURL settings.Secret = "https://events.pagerduty.com"

// Default is a notifier without targets.
func Default() Config {
	return Config{
		Kafka:         stream.Default(),
		Group:         "notifier",
		GroupWait:     10 * time.Second,
		Queue:         1000,
		Concurrency:   4,
		Timeout:       10 * time.Second,
		FirstWait:     time.Second,
		LastWait:      5 * time.Minute,
		MaxRetryAfter: 10 * time.Minute,
		MaxAge:        24 * time.Hour,
		Resend:        time.Minute,
		Remember:      100_000,

		SessionTimeout: 20 * time.Second,
	}
}

// maxTimeout leaves an attempt time to end within a rebalance and a stop.
const maxTimeout = 20 * time.Second

// Validate reports every fault, each as "key: what, and what to do". No fault shows
// a secret.
func (c Config) Validate() error {
	errs := []error{c.Kafka.Validate(), c.limitFaults()}
	names := map[string]bool{}
	for i, t := range c.Targets {
		errs = append(errs, t.faults(key("targets", i), names))
		names[t.Name] = true
	}
	for i := range c.Routes {
		errs = append(errs, c.routeFaults(i))
	}
	for i, t := range c.Targets {
		if !c.routed(t.Name) {
			errs = append(errs, fault("%s: no route names %s, so it would never hear anything; name it in a route's targets or remove it", key("targets", i), t.Name))
		}
	}
	return errors.Join(errs...)
}

func (c Config) limitFaults() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fault(format, args...))
		}
	}
	check(c.Group != "", "group: is empty; name the consumer groups, such as notifier")
	check(c.GroupWait >= 0 && c.GroupWait <= time.Hour, "groupWait: is %s; choose 0s to 1h", c.GroupWait)
	check(c.Queue > 0, "queue: is %d; set at least 1", c.Queue)
	check(c.Concurrency > 0, "concurrency: is %d; set at least 1", c.Concurrency)
	check(c.Timeout > 0 && c.Timeout <= maxTimeout, "timeout: is %s; choose up to %s", c.Timeout, maxTimeout)
	check(c.FirstWait > 0 && c.FirstWait <= c.LastWait, "firstWait, lastWait: are %s and %s; set the first above 0 and the second no lower", c.FirstWait, c.LastWait)
	check(c.MaxRetryAfter >= 0, "maxRetryAfter: is %s; set 0s or more", c.MaxRetryAfter)
	check(c.MaxAge >= 0, "maxAge: is %s; set 0s for one attempt, or more", c.MaxAge)
	check(c.Resend > 0, "resend: is %s; set more than 0s", c.Resend)
	check(c.Remember > 0, "remember: is %d; set at least 1", c.Remember)
	check(c.SessionTimeout >= 6*time.Second && c.SessionTimeout <= 5*time.Minute, "sessionTimeout: is %s; choose 6s to 5m, which brokers allow", c.SessionTimeout)
	return errors.Join(errs...)
}

func (c Config) routed(target string) bool {
	for _, r := range c.Routes {
		if slices.Contains(r.Targets, target) {
			return true
		}
	}
	return false
}

func (c Config) target(name string) (Target, bool) {
	for _, t := range c.Targets {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}

func fault(format string, args ...any) error {
	return compliance.Errorf(compliance.Invalid, format, args...)
}
