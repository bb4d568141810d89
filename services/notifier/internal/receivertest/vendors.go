package receivertest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func strict(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// Webhook verifies Standard Webhooks as the specification says, and answers 401 to
// what doesn't verify. Secrets are those that the receiver knows.
type Webhook struct {
	Receiver

	Secrets []string
}

// NewWebhook makes a receiver that knows the secrets.
func NewWebhook(secrets ...string) *Webhook {
	w := &Webhook{Secrets: secrets}
	w.judge = func(r *http.Request, body []byte) (int, string) {
		if err := w.verify(r.Header, body); err != nil {
			return http.StatusUnauthorized, err.Error()
		}
		return http.StatusNoContent, ""
	}
	return w
}

func (w *Webhook) verify(h http.Header, body []byte) error {
	seconds, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return fmt.Errorf("timestamp %q", h.Get("webhook-timestamp"))
	}
	for _, secret := range w.Secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "."))
		mac.Write(body)
		for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
			if hmac.Equal([]byte(signature), []byte("v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))) {
				return nil
			}
		}
	}
	return fmt.Errorf("no signature of webhook %s matches", h.Get("webhook-id"))
}

// SlackPath is the only path that Slack knows.
const SlackPath = "/services/T00000000/B00000000/sEcReTsEcReTsEcReTsEcReT"

// NewSlack makes an incoming webhook.
func NewSlack() *Receiver {
	return &Receiver{judge: func(r *http.Request, body []byte) (int, string) {
		if r.URL.Path != SlackPath {
			return http.StatusNotFound, "no_service"
		}
		return slack(body)
	}}
}

type slackText struct{ Type, Text string }

type slackBlock struct {
	Type     string
	Text     *slackText
	Elements []slackText
}

func slack(body []byte) (int, string) {
	var m struct {
		Text   string
		Blocks []slackBlock
	}
	if err := strict(body, &m); err != nil {
		return http.StatusBadRequest, "invalid_payload"
	}
	if m.Text == "" && len(m.Blocks) == 0 {
		return http.StatusBadRequest, "no_text"
	}
	if len(m.Blocks) > 50 {
		return http.StatusBadRequest, "invalid_blocks"
	}
	for _, b := range m.Blocks {
		if !slackBlockFits(b) {
			return http.StatusBadRequest, "invalid_blocks"
		}
	}
	return http.StatusOK, "ok"
}

func slackBlockFits(b slackBlock) bool {
	fits := func(t *slackText, kind string, most int) bool {
		return t != nil && t.Type == kind && t.Text != "" && utf8.RuneCountInString(t.Text) <= most && (kind == "plain_text" || mrkdwn(t.Text))
	}
	switch b.Type {
	case "header":
		return fits(b.Text, "plain_text", 150)
	case "section":
		return fits(b.Text, "mrkdwn", 3000)
	case "context":
		for i := range b.Elements {
			if !fits(&b.Elements[i], "mrkdwn", 3000) {
				return false
			}
		}
		return len(b.Elements) > 0 && len(b.Elements) <= 10
	}
	return false
}

var slackLink = regexp.MustCompile(`<https?://[^<>|]+(\|[^<>|]*)?>`)

// mrkdwn allows < and > around links only, so that a mention that came from an
// item's name would show.
func mrkdwn(text string) bool {
	return !strings.ContainsAny(slackLink.ReplaceAllString(text, ""), "<>")
}

// PagerDuty is one integration of the Events API v2.
type PagerDuty struct {
	Receiver

	key string
	// events are the actions of each dedup_key, in the order they came.
	events map[string][]string
}

// NewPagerDuty makes an integration with a key.
func NewPagerDuty(routingKey string) *PagerDuty {
	p := &PagerDuty{key: routingKey, events: map[string][]string{}}
	p.judge = func(r *http.Request, body []byte) (int, string) {
		if r.URL.Path != "/v2/enqueue" {
			return http.StatusNotFound, ""
		}
		return p.take(body)
	}
	return p
}

type pagerEvent struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	DedupKey   string `json:"dedup_key"`
	Client     string `json:"client"`
	ClientURL  string `json:"client_url"`
	Payload    *struct {
		Summary   string         `json:"summary"`
		Source    string         `json:"source"`
		Severity  string         `json:"severity"`
		Timestamp time.Time      `json:"timestamp"`
		Component string         `json:"component"`
		Group     string         `json:"group"`
		Class     string         `json:"class"`
		Details   map[string]any `json:"custom_details"`
	} `json:"payload"`
	Links []struct{ Href, Text string } `json:"links"`
}

func (p *PagerDuty) take(body []byte) (int, string) {
	var e pagerEvent
	if err := strict(body, &e); err != nil {
		return invalidEvent(err.Error())
	}
	if errs := e.faults(p.key); len(errs) > 0 {
		return invalidEvent(errs...)
	}
	p.events[e.DedupKey] = append(p.events[e.DedupKey], e.Action)
	answer, _ := json.Marshal(map[string]string{"status": "success", "message": "Event processed", "dedup_key": e.DedupKey})
	return http.StatusAccepted, string(answer)
}

func invalidEvent(errs ...string) (int, string) {
	answer, _ := json.Marshal(map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": errs})
	return http.StatusBadRequest, string(answer)
}

func (e *pagerEvent) faults(key string) []string {
	var errs []string
	check := func(ok bool, text string) {
		if !ok {
			errs = append(errs, text)
		}
	}
	check(len(e.RoutingKey) == 32, "Length of 'routing_key' is incorrect (should be 32 characters)")
	check(len(e.RoutingKey) != 32 || e.RoutingKey == key, "'routing_key' is unknown: "+e.RoutingKey)
	check(len(e.DedupKey) > 0 && len(e.DedupKey) <= 255, "Length of 'dedup_key' is incorrect")
	switch e.Action {
	case "resolve", "acknowledge":
	case "trigger":
		if e.Payload == nil {
			return append(errs, "'payload' is missing or blank")
		}
		check(e.Payload.Summary != "" && utf8.RuneCountInString(e.Payload.Summary) <= 1024, "'payload.summary' is missing or too long")
		check(e.Payload.Source != "", "'payload.source' is missing or blank")
		check(strings.Contains(" critical error warning info ", " "+e.Payload.Severity+" "), "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	default:
		check(false, "'event_action' is invalid")
	}
	for _, l := range e.Links {
		u, err := url.Parse(l.Href)
		check(err == nil && u.Host != "", "'links.href' is invalid")
	}
	return errs
}

// Events are the actions taken under a key, in order.
func (p *PagerDuty) Events(key string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.events[key]...)
}

// Open counts the keys whose last action is a trigger.
func (p *PagerDuty) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, actions := range p.events {
		if actions[len(actions)-1] == "trigger" {
			n++
		}
	}
	return n
}

// Alertmanager takes alerts, and lets them time out.
type Alertmanager struct {
	Receiver

	alerts map[string]amAlert
}

type amAlert struct {
	Labels       map[string]string
	Annotations  map[string]string
	StartsAt     time.Time
	EndsAt       time.Time
	GeneratorURL string
}

// NewAlertmanager makes one.
func NewAlertmanager() *Alertmanager {
	a := &Alertmanager{alerts: map[string]amAlert{}}
	a.judge = func(r *http.Request, body []byte) (int, string) {
		if r.URL.Path != "/api/v2/alerts" {
			return http.StatusNotFound, ""
		}
		return a.take(body)
	}
	return a
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (a *Alertmanager) take(body []byte) (int, string) {
	var alerts []amAlert
	if err := strict(body, &alerts); err != nil {
		return http.StatusBadRequest, strconv.Quote("parsing alerts body: " + err.Error())
	}
	for _, one := range alerts {
		if len(one.Labels) == 0 {
			return http.StatusBadRequest, `"at least one label pair required"`
		}
		for name := range one.Labels {
			if !labelName.MatchString(name) {
				return http.StatusBadRequest, strconv.Quote("invalid label name " + name)
			}
		}
		if one.EndsAt.Before(one.StartsAt) {
			return http.StatusBadRequest, `"start time must be before end time"`
		}
	}
	for _, one := range alerts {
		identity, _ := json.Marshal(one.Labels)
		a.alerts[string(identity)] = one
	}
	return http.StatusOK, ""
}

// Firing lists the items whose alerts have not ended, with the severity.
func (a *Alertmanager) Firing() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	items := map[string]string{}
	for _, one := range a.alerts {
		if one.EndsAt.After(time.Now()) {
			items[one.Labels["item"]] = one.Labels["severity"]
		}
	}
	return items
}

// Known counts all alerts that ever came.
func (a *Alertmanager) Known() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.alerts)
}
