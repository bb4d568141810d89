package driver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// The ways in which vendors prove that a delivery is theirs, after each vendor's own
// documentation. The collector checks them with code of its own.

func mac(secret string, text []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// signGitHub: "Validating webhook deliveries", X-Hub-Signature-256.
func signGitHub(secret string, h http.Header, body []byte) {
	h.Set("X-Hub-Signature-256", "sha256="+mac(secret, body))
}
