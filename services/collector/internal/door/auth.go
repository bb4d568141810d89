package door

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// Key lets a sender in. The key itself is known to its sender only.
type Key struct {
	// SHA256 is of the key.
	SHA256 compliance.Hash
	// Tenant owns everything that comes with the key.
	Tenant string
	// Sources are those that the key may speak for; a "*" at the end stands for
	// anything.
	Sources []string
}

// May says whether the key may speak for a source.
func (k *Key) May(source string) bool {
	for _, s := range k.Sources {
		if prefix, ok := strings.CutSuffix(s, "*"); ok && strings.HasPrefix(source, prefix) || s == source {
			return true
		}
	}
	return false
}

// authenticate finds the key of a request. It looks at every key, whichever
// matches, and compares digests in constant time: how long it takes says nothing.
func authenticate(keys []Key, h http.Header) (*Key, bool) {
	scheme, secret, ok := strings.Cut(h.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || len(h.Values("Authorization")) != 1 {
		return nil, false
	}
	digest := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	found := -1
	for i := range keys {
		match := subtle.ConstantTimeCompare(digest[:], keys[i].SHA256[:])
		found = subtle.ConstantTimeSelect(match, i, found)
	}
	if found < 0 {
		return nil, false
	}
	return &keys[found], true
}
