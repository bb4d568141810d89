// Package message writes what each kind of target understands: a signed webhook, a
// Slack message, a PagerDuty event, Alertmanager alerts. It is pure apart from
// reading secrets, which it does anew for each attempt, so that a rotated one
// needs no restart.
package message

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
)

// Entry is one violation of a message.
type Entry struct {
	Violation *record.Violation
	// Opened is what opened the episode at this target, nil if nothing did or
	// nobody remembers.
	Opened *record.Violation
}

// Message is what one target is told at once: violations of one tenant and control,
// in the order of the log.
type Message struct {
	Tenant  string
	Control string
	Route   string
	Entries []Entry
	// Test marks a message that no violation stands behind.
	Test bool
}

// Open says whether v leaves its episode open: the item deviates and has not been
// remedied.
func Open(v *record.Violation) bool {
	return v.Verdict.Outcome == compliance.Deviation && v.Verdict.RemediatedAt == 0
}

// Kind is what a violation tells people: its change, or "waived" for a correction
// by a waiver.
func Kind(v *record.Violation) string {
	if v.Change == record.Corrected && v.Verdict.Outcome == compliance.Waived {
		return Waived
	}
	return string(v.Change)
}

// Waived is the kind of a violation that a waiver has ended.
const Waived = "waived"

// Kinds lists all kinds.
func Kinds() []string {
	return []string{string(record.Opened), string(record.Updated), string(record.Remediated), string(record.Corrected), Waived}
}

// maxID is what PagerDuty takes as a key, and more than others need.
const maxID = 255

// ID names the message: the same for each attempt, and after a restart if it is
// made of the same violations. For a single violation it is the violation's id,
// where that fits an HTTP header.
func (m *Message) ID() string {
	if len(m.Entries) == 1 {
		return token(m.Entries[0].Violation.ID)
	}
	hash := sha256.New()
	for _, e := range m.Entries {
		fmt.Fprintf(hash, "%d:%s", len(e.Violation.ID), e.Violation.ID)
	}
	return "group-" + hex.EncodeToString(hash.Sum(nil))
}

// token is text if it can stand in a header and is short enough, else its hash.
func token(text string) string {
	safe := func(r rune) bool { return r > ' ' && r < 0x7f }
	if len(text) <= maxID && strings.IndexFunc(text, func(r rune) bool { return !safe(r) }) < 0 {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + hex.EncodeToString(sum[:])
}

// Key is what incidents are opened and resolved under: the episode.
func Key(v *record.Violation) string { return token(v.Episode) }

// Request is what is sent: always a POST of JSON.
type Request struct {
	URL    string
	Header http.Header
	Body   []byte
	// Secrets are what must not be seen in anything said of this request.
	Secrets []string
}

// Format writes messages for one target. Its errors hold no secret.
type Format interface {
	Request(m *Message, now time.Time) (*Request, error)
}

// Address is a target's URL, which may be a secret itself.
type Address struct {
	URL  settings.Secret
	File string
}

// read gives the URL with path added.
func (a Address) read(path string) (string, []string, error) {
	text, err := settings.ReadSecret(a.URL, a.File)
	if err != nil {
		return "", nil, err
	}
	full := strings.TrimRight(text.Reveal(), "/")
	if path == "" {
		full = text.Reveal()
	}
	secrets, err := secretsOf(full)
	if err != nil {
		return "", nil, err
	}
	return full + path, secrets, nil
}

// leastSecret is how many characters a part of a path has at least to be a secret of
// its own; shorter ones are words, such as hooks.
const leastSecret = 8

// secretsOf are the parts of a URL that nobody should see: user, password, query,
// and a path, which is Slack's secret, each as a whole and in its parts, for a target
// may show either. The error of url.Parse would show them.
func secretsOf(text string) ([]string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, compliance.Errorf(compliance.Invalid, "the target's url is no URL; write it as https://host/path")
	}
	secrets := []string{text}
	if len(u.Path) > 1 {
		secrets = append(secrets, u.Path, u.EscapedPath())
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= leastSecret {
			secrets = append(secrets, part, url.PathEscape(part))
		}
	}
	if u.RawQuery != "" {
		secrets = append(secrets, u.RawQuery)
	}
	for _, values := range u.Query() {
		for _, value := range values {
			secrets = append(secrets, value, url.QueryEscape(value))
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		secrets = append(secrets, u.User.String(), password, basic)
	}
	return secrets, nil
}

// Link makes a violation's link out of a template with {tenant}, {control} and
// {item}; empty without a template.
func Link(template string, v *record.Violation) string {
	return strings.NewReplacer(
		"{tenant}", url.PathEscape(v.Verdict.Tenant), "{control}", url.PathEscape(v.Verdict.Control), "{item}", url.PathEscape(v.Verdict.Item.ID),
	).Replace(template)
}

// cut shortens text to at most n runes.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// told is what an episode's state is, in a word that people use.
func told(v *record.Violation) string {
	switch Kind(v) {
	case string(record.Opened):
		return "Violation"
	case string(record.Updated):
		return "Violation updated"
	case string(record.Remediated):
		return "Remedied late"
	case Waived:
		return "Waived"
	}
	return "Corrected"
}

// summary is one line about one violation.
func summary(v *record.Violation) string {
	line := fmt.Sprintf("%s: %s %s, item %s", told(v), v.Verdict.Control, v.Title, v.Verdict.Item.ID)
	if v.Verdict.Reason != "" && Open(v) {
		line += " (" + v.Verdict.Reason + ")"
	}
	return line
}

func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "User-Agent": {"assay-notifier/1"}}
}
