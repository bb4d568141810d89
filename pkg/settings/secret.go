package settings

import (
	"fmt"
	"io"
	"os"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// Redacted stands wherever a secret would be shown.
const Redacted = "[redacted]"

// maxSecretFile bounds what ReadSecret takes from a file: a key or a token,
// never a mistaken path to something large.
const maxSecretFile = 64 << 10

// Secret is a string that no format verb, log, error or encoder prints. Only
// Reveal gives it away, so that a search for Reveal finds every use.
type Secret string

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret; an empty one stays empty, to tell that it isn't set.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// Format hides the secret from every verb, also from wrong ones; %p, which vet
// refuses, asks nobody.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the secret from JSON, zerolog and others.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML hides the secret from YAML.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// ReadSecret gives the secret that is set in place or, if a file is named, what
// the file holds without its last newline. The file is read anew at each call,
// so a rotated secret needs no restart.
func ReadSecret(inPlace Secret, file string) (Secret, error) {
	if file == "" {
		return inPlace, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return "", compliance.Errorf(compliance.Invalid, "reading a secret: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", compliance.Errorf(compliance.Invalid, "reading a secret: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxSecretFile:
		return "", compliance.Errorf(compliance.Invalid, "reading a secret: %s has more than %d bytes", file, maxSecretFile)
	case text == "":
		return "", compliance.Errorf(compliance.Invalid, "reading a secret: %s is empty", file)
	}
	return Secret(text), nil
}
