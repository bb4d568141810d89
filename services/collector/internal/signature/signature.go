// Package signature tells whether a delivery comes from who it says, in the ways in
// which vendors sign. It is pure: headers, bytes, secrets and a time in, a verdict out.
//
// Every comparison takes the same time, whatever differs, and every secret is tried,
// so that one can be replaced while deliveries signed with the other still arrive.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/settings"
)

// Trust is what a source's operator has agreed with the vendor.
type Trust struct {
	// Secrets are those in use: one, or two while one replaces the other.
	Secrets []settings.Secret
	// Header carries the secret of the scheme Bearer; empty stands for
	// Authorization.
	Header string
}

// Sent is a delivery as it came.
type Sent struct {
	Header http.Header
	Body   []byte
	At     time.Time
}

// Scheme is one way to sign. It returns the bytes that the sender vouches for: the
// body, or what the vendor makes of it before it signs. An error is a Reason.
type Scheme func(Trust, Sent) ([]byte, error)

// Reason is why a delivery isn't believed. It is for metrics; its sender hears
// nothing of it.
type Reason string

// The reasons.
const (
	Missing   Reason = "missing"   // no signature, or no secret
	Malformed Reason = "malformed" // not a signature of this scheme, or of no JSON where it has to be
	Mismatch  Reason = "mismatch"  // of other bytes, or with another secret
	Stale     Reason = "stale"     // signed too long ago, or in the future
)

// Error is the reason in words.
func (r Reason) Error() string { return "the signature is not valid: " + string(r) }

// The schemes, by the names that sources use.
const (
	GitHub      = "github"
	PagerDuty   = "pagerduty"
	PromptLayer = "promptlayer"
	GitLab      = "gitlab"
	Standard    = "standard"
	Bearer      = "bearer"
	// None believes everybody. It is for demonstrations.
	None = "none"
)

func schemes() map[string]Scheme {
	return map[string]Scheme{
		GitHub: github, PagerDuty: pagerduty, PromptLayer: promptlayer, GitLab: gitlab,
		Standard: standard, Bearer: bearer, None: none,
	}
}

// Find gives the scheme of a name.
func Find(name string) (Scheme, bool) {
	s, ok := schemes()[name]
	return s, ok
}

// Names lists the schemes, sorted.
func Names() []string { return slices.Sorted(maps.Keys(schemes())) }

// Usable says whether a secret has the form that a scheme needs.
func Usable(scheme string, secret settings.Secret) bool {
	if scheme != Standard {
		return secret != ""
	}
	_, err := standardKey(secret)
	return err == nil
}

// github: X-Hub-Signature-256 is "sha256=" and the HMAC of the body in hex.
func github(t Trust, s Sent) ([]byte, error) {
	text, err := only(s.Header, "X-Hub-Signature-256")
	if err != nil {
		return nil, err
	}
	digits, ok := strings.CutPrefix(text, "sha256=")
	mac, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return nil, Malformed
	}
	return s.Body, t.match([][]byte{mac}, s.Body)
}

// maxSignatures is how many signatures a header may hold; vendors send two at most.
const maxSignatures = 16

// pagerduty: X-PagerDuty-Signature is a list of "v1=" and the HMAC of the body in
// hex, one for each secret in use there.
func pagerduty(t Trust, s Sent) ([]byte, error) {
	text, err := only(s.Header, "X-PagerDuty-Signature")
	if err != nil {
		return nil, err
	}
	macs := each(strings.Split(text, ","), "v1=", hex.DecodeString)
	if len(macs) == 0 {
		return nil, Malformed
	}
	return s.Body, t.match(macs, s.Body)
}

// each reads those of a list's signatures that begin with a version's prefix; other
// versions are for other readers.
func each(list []string, prefix string, read func(string) ([]byte, error)) [][]byte {
	var macs [][]byte
	for _, text := range list[:min(len(list), maxSignatures)] {
		digits, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
		if mac, err := read(digits); ok && err == nil {
			macs = append(macs, mac)
		}
	}
	return macs
}

// promptlayer: X-PromptLayer-Signature is the HMAC, in hex, of the payload as
// Python's json.dumps(payload, sort_keys=True) writes it. That text, and not the
// body, is what the sender vouches for: a body can be spelt in many ways.
func promptlayer(t Trust, s Sent) ([]byte, error) {
	text, err := only(s.Header, "X-Promptlayer-Signature")
	if err != nil {
		return nil, err
	}
	mac, err := hex.DecodeString(text)
	if err != nil {
		return nil, Malformed
	}
	signed, err := dumps(s.Body)
	if err != nil {
		return nil, Malformed
	}
	return signed, t.match([][]byte{mac}, signed)
}

// gitlab: X-Gitlab-Token is the secret itself; nothing vouches for the body but the
// connection that it came over.
func gitlab(t Trust, s Sent) ([]byte, error) {
	text, err := only(s.Header, "X-Gitlab-Token")
	if err != nil {
		return nil, err
	}
	return s.Body, t.same(text)
}

// bearer: a header that was agreed on holds the secret, after "Bearer " or as it is.
func bearer(t Trust, s Sent) ([]byte, error) {
	name := t.Header
	if name == "" {
		name = "Authorization"
	}
	text, err := only(s.Header, name)
	if err != nil {
		return nil, err
	}
	if scheme, rest, ok := strings.Cut(text, " "); ok && strings.EqualFold(scheme, "Bearer") && t.same(strings.TrimSpace(rest)) == nil {
		return s.Body, nil
	}
	return s.Body, t.same(text)
}

// tolerance is how far a signed time may be from ours.
const tolerance = 5 * time.Minute

// standard is Standard Webhooks: webhook-signature is a list of "v1," and the HMAC,
// in base64, of "<webhook-id>.<webhook-timestamp>.<body>".
func standard(t Trust, s Sent) ([]byte, error) {
	var texts [3]string
	for i, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		var err error
		if texts[i], err = only(s.Header, name); err != nil {
			return nil, err
		}
	}
	id, when := texts[0], texts[1]
	seconds, err := strconv.ParseInt(when, 10, 64)
	macs := each(strings.Fields(texts[2]), "v1,", base64.StdEncoding.DecodeString)
	if err != nil || len(macs) == 0 {
		return nil, Malformed
	}
	keyed := Trust{}
	for _, secret := range t.Secrets {
		if key, err := standardKey(secret); err == nil {
			keyed.Secrets = append(keyed.Secrets, settings.Secret(key))
		}
	}
	if err := keyed.match(macs, []byte(id+"."+when+"."), s.Body); err != nil {
		return nil, err
	}
	if age := s.At.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return nil, Stale
	}
	return s.Body, nil
}

// standardKey is what a secret of Standard Webhooks, "whsec_" and base64, encodes.
func standardKey(secret settings.Secret) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil || len(key) == 0 {
		return nil, Malformed // the decoder's error would show a part of it
	}
	return key, nil
}

func none(_ Trust, s Sent) ([]byte, error) { return s.Body, nil }

// only is the value of a header that stands once.
func only(h http.Header, name string) (string, error) {
	values := h.Values(name)
	switch {
	case len(values) == 0 || values[0] == "":
		return "", Missing
	case len(values) > 1:
		return "", Malformed
	}
	return values[0], nil
}

// chosen are the secrets that somebody chose: with an empty one anybody can sign.
func (t Trust) chosen() []settings.Secret {
	return slices.DeleteFunc(slices.Clone(t.Secrets), func(s settings.Secret) bool { return s == "" })
}

// match says whether one of the codes is that of the parts under one of the secrets.
// It computes and compares all of them, whichever matches.
func (t Trust) match(codes [][]byte, parts ...[]byte) error {
	secrets := t.chosen()
	if len(secrets) == 0 {
		return Missing
	}
	found := 0
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		for _, part := range parts {
			mac.Write(part)
		}
		sum := mac.Sum(nil)
		for _, code := range codes {
			found |= subtle.ConstantTimeCompare(sum, code)
		}
	}
	if found == 0 {
		return Mismatch
	}
	return nil
}

// same says whether text is one of the secrets. It compares digests, which have one
// length, so that how long it takes says nothing about a secret's.
func (t Trust) same(text string) error {
	secrets := t.chosen()
	if len(secrets) == 0 {
		return Missing
	}
	found, sum := 0, sha256.Sum256([]byte(text))
	for _, secret := range secrets {
		want := sha256.Sum256([]byte(secret.Reveal()))
		found |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	if found == 0 {
		return Mismatch
	}
	return nil
}
