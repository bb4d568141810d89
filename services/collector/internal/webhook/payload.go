package webhook

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"assay.example/assay/pkg/dictionary"
)

// The most of what a vendor says that is kept beside the delivery, in bytes.
const (
	maxHeader = 1 << 10
	maxID     = 256
	maxKind   = 128
	maxKinds  = 20
	maxNote   = 2 << 10
	maxReason = 512
)

// isPacked says whether a body is a file that was packed before it was sent, such as
// a log of CloudTrail. Its bytes say so, not a header.
func isPacked(body []byte) bool { return bytes.HasPrefix(body, []byte{0x1f, 0x8b, 8}) }

// form gives the payload of GitHub's other content type, one field of a form. The
// bytes say that it is one, not a header: headers aren't signed, and a form could be
// read out of a text inside of JSON.
func form(body []byte) (payload []byte, is bool, err error) {
	field, is := bytes.CutPrefix(body, []byte("payload="))
	if !is {
		return nil, false, nil
	}
	if bytes.ContainsRune(field, '&') {
		return nil, true, noForm("the form has more than the field payload")
	}
	text, err := url.QueryUnescape(string(field))
	if err != nil {
		return nil, true, noForm("the field payload of the form can't be read")
	}
	return []byte(text), true, nil
}

func noForm(reason string) error {
	return dictionary.Refuse(dictionary.CodeMalformed, dictionary.Fault{Reason: reason, Hint: "choose application/json at the vendor"})
}

// isJSON says whether a payload that we refused to decode is JSON for others. Ours
// refuses names that stand twice, halves of surrogate pairs, and what is too large.
func isJSON(raw []byte, refusal error) bool {
	if r, ok := errors.AsType[*dictionary.Refusal](refusal); ok && r.Code != dictionary.CodeMalformed {
		return true // it stopped at a limit
	}
	return utf8.Valid(raw) && jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// visible are the headers that mappings may read: the vendor's own, and none that
// proves who sent it.
func visible(names []string, secret string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !strings.HasPrefix(name, "x-") || strings.EqualFold(name, secret) ||
			strings.Contains(name, "signature") || strings.Contains(name, "token") || strings.Contains(name, "api-key")
	})
}

// seen are the values of those headers; one that stands twice says nothing.
func (d *delivery) seen() map[string]string {
	seen := map[string]string{}
	for _, name := range d.headers {
		values := d.header.Values(http.CanonicalHeaderKey(name))
		if len(values) == 1 && len(values[0]) <= maxHeader && utf8.ValidString(values[0]) {
			seen[name] = values[0]
		}
	}
	return seen
}

// printable says whether a text may be an id.
func printable(s string) bool {
	return s != "" && len(s) <= maxID && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// clip makes a vendor's text fit to be kept: short, and of printable characters.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) <= most {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}

// kind is what the delivery says of itself, after the vendor's name.
func (d *delivery) kind() string {
	return d.Vendor.Name + "." + cmp.Or(clip(strings.Join(d.mapped.Kinds, ","), maxKind), unknown)
}

// unknown is the kind of what can't be read, or doesn't say.
const unknown = "unknown"

func (d *delivery) unmapped() []string {
	kinds := make([]string, 0, len(d.mapped.Unmapped))
	for _, k := range d.mapped.Unmapped[:min(len(d.mapped.Unmapped), maxKinds)] {
		kinds = append(kinds, cmp.Or(clip(k, maxKind), unknown))
	}
	return kinds
}

// note says why something in the delivery became no event; empty if all did.
func (d *delivery) note(faults []error) string {
	var notes []string
	switch kind := d.header.Get("X-Amz-Sns-Message-Type"); kind {
	case "SubscriptionConfirmation", "UnsubscribeConfirmation":
		notes = append(notes, "SNS asks to confirm: its URL was not followed; a person who expects it opens it")
	}
	if kinds := d.unmapped(); len(kinds) > 0 {
		notes = append(notes, "no mapping takes "+strings.Join(kinds, ", "))
	}
	for _, f := range faults[:min(len(faults), maxFaults)] {
		notes = append(notes, f.Error())
	}
	if more := len(faults) - maxFaults; more > 0 {
		notes = append(notes, fmt.Sprintf("%d more faults", more))
	}
	return clip(strings.Join(notes, "; "), maxNote)
}

// place is that of a mapping and of a record of the delivery, from 0; -1 is none.
func place(mapping string, at int) string {
	if at < 0 {
		return mapping
	}
	return fmt.Sprintf("%s, record %d", mapping, at)
}
