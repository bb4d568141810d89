package listing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Fact is what one control said of its items in a period: how many there are, and the
// SHA-256 of what is said of each (docs/formats/periods.md).
type Fact struct {
	Control string `json:"control" ch:"control"`
	Items   int64  `json:"items" ch:"items"`
	SHA256  string `json:"sha256" ch:"sha256"`
}

// Facts says what was known of a period's items at a time, by control.
func Facts(ctx context.Context, conn clickhouse.Conn, tenant string, p ask.Period, asOf compliance.Instant) ([]Fact, error) {
	a := ask.Inquiry{Conn: conn, Tenant: tenant, AsOf: asOf}
	return ask.Rows[Fact](ctx, &a, "period_facts", ask.Window(p.From, p.To)...)
}

// FactsSHA256 is the hash that a seal names: of what its facts are about, and of them.
func FactsSHA256(tenant string, p ask.Period, asOf compliance.Instant, bundle string, facts []Fact) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "assay.period/v1\n%d:%s\n%d %d %d\n%s\n", len(tenant), tenant, p.From, p.To, asOf, bundle)
	for _, f := range facts {
		_, _ = fmt.Fprintf(h, "%s %d %s\n", f.Control, f.Items, f.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}
