package login

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// tokenPrefix lets scanners of repositories find a token that leaked. 256 random bits
// follow, in base64.
const (
	tokenPrefix = "assay_"
	tokenBytes  = 32
)

// NewToken makes a token, and the SHA-256 that a configuration holds.
func NewToken() (token string, digest compliance.Hash) {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	return token, sha256.Sum256([]byte(token))
}

// wellFormed says whether NewToken could have made a token. A digest can be of anything,
// so without this a configuration might let a word in that can be guessed.
func wellFormed(token string) bool {
	text, ok := strings.CutPrefix(token, tokenPrefix)
	random, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return ok && err == nil && len(random) == tokenBytes
}

// bearer is the token of a request; none says that the request has no authorization
// at all.
func bearer(h http.Header) (token string, none bool) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", true
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) != 1 || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), false
}
