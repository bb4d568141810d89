package driver

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
)

// The ways in which vendors prove that a delivery is theirs, after each vendor's own
// documentation. The collector checks them with code of its own.

func mac(secret string, text []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// signGitHub: "Validating webhook deliveries".
func signGitHub(secret string, h http.Header, body []byte) {
	h.Set("X-Hub-Signature-256", "sha256="+mac(secret, body))
}

// signPagerDuty: "Verifying Signatures"; the list has a signature for each secret.
func signPagerDuty(secret string, h http.Header, body []byte) {
	h.Set("X-PagerDuty-Signature", "v1="+mac("the secret before it", body)+",v1="+mac(secret, body))
}

// signPromptLayer: "Verifying Signatures"; what is signed is the payload as Python's
// json.dumps(payload, sort_keys=True) writes it, not the body.
func signPromptLayer(secret string, h http.Header, body []byte) {
	var payload any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&payload); err != nil {
		return // without a signature it is refused
	}
	var text strings.Builder
	writePython(&text, payload)
	h.Set("X-PromptLayer-Signature", mac(secret, []byte(text.String())))
}

// signBearer: an event hook of Okta has the secret in a header, and an exporter its
// key. Nothing vouches for the body but the connection.
func signBearer(secret string, h http.Header, _ []byte) { h.Set("Authorization", "Bearer "+secret) }

// writePython writes what json.dumps with sort_keys=True does. The story's payloads
// hold whole numbers only.
func writePython(w *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		w.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			separate(w, i)
			writePythonText(w, key)
			w.WriteString(": ")
			writePython(w, v[key])
		}
		w.WriteByte('}')
	case []any:
		w.WriteByte('[')
		for i, e := range v {
			separate(w, i)
			writePython(w, e)
		}
		w.WriteByte(']')
	case string:
		writePythonText(w, v)
	case nil:
		w.WriteString("null")
	default: // json.Number and bool say themselves
		fmt.Fprint(w, v)
	}
}

func separate(w *strings.Builder, i int) {
	if i > 0 {
		w.WriteString(", ")
	}
}

// writePythonText escapes all but printable ASCII, in units of UTF-16.
func writePythonText(w *strings.Builder, s string) {
	w.WriteByte('"')
	for _, unit := range utf16.Encode([]rune(s)) {
		switch {
		case unit == '"' || unit == '\\':
			w.WriteByte('\\')
			w.WriteByte(byte(unit))
		case unit >= ' ' && unit <= '~':
			w.WriteByte(byte(unit))
		case strings.ContainsRune("\b\f\n\r\t", rune(unit)):
			w.WriteString(map[uint16]string{'\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}[unit])
		default:
			fmt.Fprintf(w, `\u%04x`, unit)
		}
	}
	w.WriteByte('"')
}
