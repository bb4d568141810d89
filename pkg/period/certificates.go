package period

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// SealTime is as of when a period may be sealed now: how far the record reaches, so that what
// was known by then is not written after the seal. It refuses where the log's clock, as far as
// it is on record, is before the period's end, unless behind says why it can't wait.
func SealTime(ctx context.Context, conn clickhouse.Conn, p *Period, now compliance.Instant, behind string) (compliance.Instant, error) {
	clock, err := ask.Clock(ctx, conn)
	switch {
	case err != nil:
		return 0, err
	case clock >= p.To:
		until, err := ask.RecordedUntil(ctx, conn)
		if until < p.To {
			until = now
		}
		return min(until, now), err
	case behind != "":
		return now, nil
	}
	return 0, compliance.Errorf(compliance.Conflict,
		"the record reaches to %s, and %s ends at %s: wait for the recorder, or say with --even-if-behind why it can't", clock, p.ID, p.To)
}

// Certified is the hash of what is on record about the completeness of one control.
type Certified struct {
	Control string `json:"control"`
	SHA256  string `json:"sha256"`
}

// Certificates are those of all controls of a bundle, and the hash of all.
type Certificates struct {
	Controls []Certified `json:"controls"`
	SHA256   string      `json:"sha256"`
}

// CertificatesAt makes them as of a time.
func CertificatesAt(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, tenant string, p *Period, asOf compliance.Instant) (*Certificates, error) {
	made, err := certificate.MakeAll(ctx, conn, bundle, certificate.Params{Tenant: tenant, Period: p.Window(), AsOf: asOf, Now: asOf})
	if err != nil {
		return nil, err
	}
	h, out := sha256.New(), &Certificates{}
	_, _ = fmt.Fprintf(h, "assay.period.certificates/v1\n")
	for _, c := range made {
		out.Controls = append(out.Controls, Certified{c.Control, c.SHA256})
		_, _ = fmt.Fprintf(h, "%s %s\n", c.Control, c.SHA256)
	}
	out.SHA256 = hex.EncodeToString(h.Sum(nil))
	return out, nil
}

// CertificateProof says whether the certificates are those that were sealed. None can be made
// again by another bundle than the seal's: then Other names the one at hand.
type CertificateProof struct {
	*Certificates

	Intact bool   `json:"intact"`
	Other  string `json:"other_bundle,omitempty"`
}

// ProveCertificates makes the certificates of a seal again; nil if it has none.
func ProveCertificates(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, tenant string, p *Period) (*CertificateProof, error) {
	switch s := p.Sealed; {
	case s == nil || s.CertificatesSHA256 == "":
		return nil, nil
	case s.Bundle != bundle.Hash:
		return &CertificateProof{Other: bundle.Hash}, nil
	default:
		made, err := CertificatesAt(ctx, conn, bundle, tenant, p, s.AsOf)
		if err != nil {
			return nil, err
		}
		return &CertificateProof{Certificates: made, Intact: made.SHA256 == s.CertificatesSHA256}, nil
	}
}
