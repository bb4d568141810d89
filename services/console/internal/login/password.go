package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"assay.example/assay/pkg/compliance"
)

// Hash is a password's argon2id hash with its parameters and its salt.
type Hash struct {
	memory, passes uint32 // memory in KiB
	lanes          uint8
	salt, key      []byte
}

// The parameters of new hashes (RFC 9106 and OWASP call them enough), and the limits
// of those that are accepted: below they protect too little, above they stop the
// console.
const (
	memory, passes, lanes = 19 << 10, 2, 1
	saltBytes, keyBytes   = 16, 32

	leastMemory, mostMemory = 8 << 10, 256 << 10
	mostPasses, mostLanes   = 16, 8
	leastSalt, mostBytes    = 8, 64
)

// The lengths of a password, in bytes.
const (
	MinPassword = 10
	MaxPassword = 256
)

// NewHash hashes a password under a salt of its own.
func NewHash(password string) (Hash, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return Hash{}, compliance.Errorf(compliance.Invalid, "the password has %d bytes; choose %d to %d", len(password), MinPassword, MaxPassword)
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	h := Hash{memory: memory, passes: passes, lanes: lanes, salt: salt, key: make([]byte, keyBytes)}
	h.key = h.of(password)
	return h, nil
}

// decoy has the cost of like and no password.
func decoy(like Hash) Hash {
	like.salt, like.key = make([]byte, len(like.salt)), make([]byte, len(like.key))
	_, _ = rand.Read(like.salt) // never fails
	_, _ = rand.Read(like.key)  // never fails
	return like
}

func (h Hash) of(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.key)))
}

// Matches does the same work whatever the password is.
func (h Hash) Matches(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.key) == 1
}

// String is the hash in PHC form: $argon2id$v=19$m=19456,t=2,p=1$salt$key.
func (h Hash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, b64(h.salt), b64(h.key))
}

// ParseHash reads String's form. The error doesn't repeat the text: it may be a
// password.
func ParseHash(text string) (Hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return Hash{}, compliance.Errorf(compliance.Invalid, "is no argon2id hash in PHC form; make one with assay hash-password")
	}
	var h Hash
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil || parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", h.memory, h.passes, h.lanes) {
		return Hash{}, compliance.Errorf(compliance.Invalid, "has no parameters m, t and p; make one with assay hash-password")
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil {
		return Hash{}, compliance.Errorf(compliance.Invalid, "has a salt or a key that is no base64; make one with assay hash-password")
	}
	return h, h.check()
}

func (h Hash) check() error {
	switch {
	case h.memory < leastMemory || h.memory > mostMemory:
		return compliance.Errorf(compliance.Invalid, "takes %d KiB of memory; %d to %d are allowed", h.memory, leastMemory, mostMemory)
	case h.passes < 1 || h.passes > mostPasses || h.lanes < 1 || h.lanes > mostLanes:
		return compliance.Errorf(compliance.Invalid, "takes t=%d and p=%d; t of 1 to %d and p of 1 to %d are allowed", h.passes, h.lanes, mostPasses, mostLanes)
	case len(h.salt) < leastSalt || len(h.salt) > mostBytes || len(h.key) < 16 || len(h.key) > mostBytes:
		return compliance.Errorf(compliance.Invalid, "has a salt or a key of a wrong length; make one with assay hash-password")
	}
	return nil
}

// bench is where passwords are checked: a few at once, since each takes memory.
type bench chan struct{}

const benchSize = 2

func (b bench) matches(ctx context.Context, h Hash, password string) (bool, error) {
	select {
	case b <- struct{}{}:
		defer func() { <-b }()
		return h.Matches(password), nil
	case <-ctx.Done():
		return false, compliance.Errorf(compliance.Unavailable, "too many sign in at once; try again in a moment")
	}
}
