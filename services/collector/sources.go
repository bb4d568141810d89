package collector

import (
	"cmp"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/document"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/signature"
	"assay.example/assay/services/collector/internal/webhook"
)

// Source is a vendor's account whose webhooks POST /v1/sources/{name} takes.
type Source struct {
	// Name is the last part of the URL: lower-case letters, digits and dashes.
	Name string `yaml:"name"`
	// Vendor is one of schemas/sources, which says how deliveries are signed.
	Vendor string `yaml:"vendor"`
	// Tenant owns the events; empty stands for the default one.
	Tenant string `yaml:"tenant"`
	// Source is the CloudEvents source of the events, such as /github/acme.
	Source string `yaml:"source"`
	// Secrets, the files SecretFiles and the variables SecretEnv hold what was agreed
	// with the vendor. Several are for replacing one: all of them count. They are
	// read once, at the start.
	Secrets     []settings.Secret `yaml:"secrets"`
	SecretFiles []string          `yaml:"secretFiles"`
	SecretEnv   []string          `yaml:"secretEnv"`
	// MaxBytes limits a delivery, unpacked; 0 stands for what the vendor sends at most.
	// It is never less than MaxEventBytes of the collector, nor more than 3/8 of its
	// MaxInFlightBytes.
	MaxBytes int64 `yaml:"maxBytes"`
	// Header carries the secret of a vendor that signs nothing; empty stands for
	// Authorization.
	Header string `yaml:"header"`
}

// DemoSourceSecret signs deliveries of the demonstration; it is no secret.
const DemoSourceSecret = "assay-demo-source-secret" //nolint:gosec // everybody knows it

// minSecret is the least length of a secret, in bytes.
const minSecret = 16

var (
	sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
)

// sourceFaults are those that the configuration alone shows; sources finds the rest.
func (c Config) sourceFaults() []error {
	var faults []error
	names, secrets := map[string]bool{}, map[settings.Secret]int{}
	for i, s := range c.Sources {
		if !sourceName.MatchString(s.Name) || names[s.Name] {
			faults = append(faults, fault("sources[%d].name: %q is taken, or not of lower-case letters, digits and dashes", i, s.Name))
		}
		names[s.Name] = true
		faults = append(faults, s.faults(i)...)
		for _, secret := range s.Secrets {
			faults = append(faults, c.secretFaults(i, secret, secrets)...)
		}
	}
	return faults
}

func (s Source) faults(i int) []error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fault(format, append([]any{i}, args...)...))
		}
	}
	check(s.Vendor != "", "sources[%d].vendor: is empty; it is one of schemas/sources, such as github")
	check(!strings.ContainsAny(s.Tenant, "/# \t\n"), "sources[%d].tenant: %q holds '/', '#' or space; the usual one is %q", s.Tenant, record.DefaultTenant)
	check(s.MaxBytes >= 0 && s.MaxBytes <= 64<<20, "sources[%d].maxBytes: is %d; choose up to %d, or 0 for what the vendor sends", s.MaxBytes, 64<<20)
	check(s.Source != "" && len(s.Source) <= 256 && utf8.ValidString(s.Source) && !strings.ContainsFunc(s.Source, unicode.IsControl) && !strings.Contains(s.Source, "*"),
		"sources[%d].source: %q is empty, too long, or holds '*' or a control character; choose one such as /github/acme", s.Source)
	check(s.Header == "" || headerName.MatchString(s.Header), "sources[%d].header: it is no name of a header, such as X-Api-Key")
	check(!slices.Contains(s.SecretFiles, ""), "sources[%d].secretFiles: one is empty; name a file")
	for _, name := range s.SecretEnv {
		check(name != "" && !strings.HasPrefix(name, "ASSAY_"), "sources[%d].secretEnv: one is empty or begins with ASSAY_, as settings do; choose another, such as GITHUB_WEBHOOK_SECRET")
	}
	return faults
}

// secretFaults doesn't repeat the secret. seen maps those of other sources.
func (c Config) secretFaults(i int, secret settings.Secret, seen map[settings.Secret]int) []error {
	var faults []error
	if len(secret.Reveal()) < minSecret {
		faults = append(faults, fault("sources[%d].secrets: one has less than %d bytes; make one with: openssl rand -hex 32", i, minSecret))
	}
	if secret == DemoSourceSecret && !c.Demo {
		faults = append(faults, fault("sources[%d].secrets: one is the demonstration's, which everybody knows; make one of your own", i))
	}
	if other, ok := seen[secret]; ok && other != i && !c.Demo {
		faults = append(faults, fault("sources[%d].secrets: sources[%d] has the same, so what is sent to one could be sent to the other; make one for each", i, other))
	}
	seen[secret] = i
	return faults
}

// sources reads the secrets and finds the vendors, and reports every fault.
func (c Config) sources(vendors *source.Library, env func(string) string) ([]webhook.Source, error) {
	var faults []error
	seen := map[settings.Secret]int{}
	list := make([]webhook.Source, 0, len(c.Sources))
	for i, s := range c.Sources {
		vendor, ok := vendors.Vendor(s.Vendor)
		if !ok {
			faults = append(faults, fault("sources[%d].vendor: there is no vendor %q%s", i, s.Vendor, document.DidYouMean(s.Vendor, vendors.Names())))
			continue
		}
		secrets, errs := s.secrets(i, env)
		faults = append(append(faults, errs...), c.agreed(i, vendor, secrets)...)
		for _, secret := range secrets {
			faults = append(faults, c.secretFaults(i, secret, seen)...)
		}
		if s.Header != "" && vendor.Signature != signature.Bearer {
			faults = append(faults, fault("sources[%d].header: %s signs its deliveries in headers of its own; leave header out", i, s.Vendor))
		}
		if s.Tenant == "" {
			s.Tenant = record.DefaultTenant
		}
		list = append(list, webhook.Source{
			Name: s.Name, Vendor: vendor, Tenant: s.Tenant, Source: s.Source, Bytes: c.deliveryBytes(s, vendor),
			Trust: signature.Trust{Secrets: secrets, Header: s.Header},
		})
	}
	return list, errors.Join(faults...)
}

// deliveryBytes is the most that a delivery of a source may have: what its vendor says
// or the operator chose, where that fits into the budget with the buffer that grows and
// with the events.
func (c Config) deliveryBytes(s Source, vendor *source.Vendor) int64 {
	wanted := max(c.MaxEventBytes, cmp.Or(s.MaxBytes, vendor.Bytes))
	return max(c.MaxEventBytes, min(wanted, c.MaxInFlightBytes/8*3))
}

// agreed finds what doesn't fit the vendor's way to sign.
func (c Config) agreed(i int, vendor *source.Vendor, secrets []settings.Secret) []error {
	var faults []error
	if _, ok := signature.Find(vendor.Signature); !ok {
		return []error{fault("sources[%d].vendor: %s is signed by %q, which the collector can't check; it can check %s",
			i, vendor.Name, vendor.Signature, strings.Join(signature.Names(), ", "))}
	}
	if vendor.Signature == signature.None {
		if !c.Demo {
			faults = append(faults, fault("sources[%d].vendor: anybody could send as %s, which signs nothing; that is for the demonstration only", i, vendor.Name))
		}
		return faults
	}
	if len(secrets) == 0 {
		faults = append(faults, fault("sources[%d].secrets: there is none; add one to secrets, secretFiles or secretEnv", i))
	}
	for _, secret := range secrets {
		if !signature.Usable(vendor.Signature, secret) {
			faults = append(faults, fault("sources[%d].secrets: one isn't of the form that %s needs: whsec_ and base64", i, vendor.Name))
		}
	}
	return faults
}

// secrets are all of a source's.
func (s Source) secrets(i int, env func(string) string) ([]settings.Secret, []error) {
	var faults []error
	secrets := slices.Clone(s.Secrets)
	for _, file := range s.SecretFiles {
		secret, err := settings.ReadSecret("", file)
		if err != nil {
			faults = append(faults, compliance.Errorf(compliance.Invalid, "sources[%d].secretFiles: %w", i, err))
			continue
		}
		secrets = append(secrets, secret)
	}
	if env == nil {
		env = os.Getenv
	}
	for _, name := range s.SecretEnv {
		value := env(name)
		if value == "" {
			faults = append(faults, fault("sources[%d].secretEnv: the variable %s is not set", i, name))
			continue
		}
		secrets = append(secrets, settings.Secret(value))
	}
	return secrets, faults
}
