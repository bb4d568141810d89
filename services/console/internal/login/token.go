package login

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// tokenPrefix lets scanners of repositories find a token that leaked.
const tokenPrefix = "assay_"

// NewToken makes a token, and the SHA-256 that a configuration holds.
func NewToken() (token string, digest compliance.Hash) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	return token, sha256.Sum256([]byte(token))
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
