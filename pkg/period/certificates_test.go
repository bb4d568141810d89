package period_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/period"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

func rules(t *testing.T, boundary string) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.LoadWith(fstest.MapFS{"AC-01.yaml": {Data: []byte(`
id: AC-01
title: Privileged sign-ins use a second factor
criteria: [CC6.1]
population: {event: access.login}
assert: item.mfa
`)}}, []byte(boundary), types)
	require.NoError(t, err)
	return b
}

func cover(t *testing.T, conn clickhouse.Conn, partition int32, clock string) {
	t.Helper()
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO coverage (topic, topic_id, partition, start_offset, end_offset, records, rows, last_offset, leaves, log_time, clock)
		VALUES ('assay.events.access', toUUID('0f8fad5b-d9cb-469f-a165-70867728950e'), ?, 0, 9, 9, 9, 8, 9, ?, ?)`, partition, at(clock).Time(), at(clock).Time()))
}

// A period is sealed as of how far the record reaches, and not before its end.
func TestASealWaitsForTheRecord(t *testing.T) {
	conn, _ := clickhousetest.Open(t)
	p := &period.Period{ID: "h2", From: at("2026-07-01T00:00:00Z"), To: at("2027-01-01T00:00:00Z")}
	now := at("2027-02-01T00:00:00Z")
	seal := func(behind string) (compliance.Instant, error) {
		return period.SealTime(t.Context(), conn, p, now, behind)
	}
	_, err := seal("")
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err), "nothing is on record")
	cover(t, conn, 0, "2027-01-20T00:00:00Z")
	cover(t, conn, 1, "2026-12-31T23:59:59Z")
	_, err = seal("")
	require.ErrorContains(t, err, "the record reaches to 2026-12-31T23:59:59Z, and h2 ends at 2027-01-01T00:00:00Z")
	require.ErrorContains(t, err, "--even-if-behind")
	asOf, err := seal("the auditor leaves")
	require.NoError(t, err)
	require.Equal(t, now, asOf)
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE coverage DELETE WHERE partition = 1 SETTINGS mutations_sync = 2"))
	cover(t, conn, 1, "2027-01-10T00:00:00Z")
	asOf, err = seal("")
	require.NoError(t, err)
	require.Equal(t, at("2027-01-10T00:00:00Z"), asOf)
	now = at("2027-01-05T00:00:00Z") // a clock may be ahead of the wall's
	asOf, err = seal("")
	require.NoError(t, err)
	require.Equal(t, now, asOf)

	// An import's clock says nothing of when its events came.
	now = at("2027-06-01T00:00:00Z")
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE coverage UPDATE log_time = '2027-05-01' WHERE true SETTINGS mutations_sync = 2"))
	asOf, err = seal("")
	require.NoError(t, err)
	require.Equal(t, now, asOf)
}

// Sealed certificates are made again, by the seal's bundle alone; older seals have none.
func TestSealedCertificatesAreMadeAgain(t *testing.T) {
	conn, _ := clickhousetest.Open(t)
	bundle, other := rules(t, "effective_from: 2026-01-01T00:00:00Z\n"), rules(t, "effective_from: 2026-02-01T00:00:00Z\n")
	insert := func(id, received string) {
		require.NoError(t, conn.Exec(t.Context(), `INSERT INTO events (tenant, type, source, id, time, received, topic, partition, offset)
			VALUES ('default', 'access.login', '/idp', ?, '2026-08-01 12:00:00', ?, 'assay.events.access', 0, 1)`, id, at(received).Time()))
	}
	p := &period.Period{ID: "h2", From: at("2026-07-01T00:00:00Z"), To: at("2027-01-01T00:00:00Z")}
	prove := func(b *control.Bundle) *period.CertificateProof {
		proof, err := period.ProveCertificates(t.Context(), conn, b, "default", p)
		require.NoError(t, err)
		return proof
	}
	require.Nil(t, prove(bundle))
	p.Sealed = &period.Seal{AsOf: at("2027-01-09T00:00:00Z"), Bundle: bundle.Hash}
	require.Nil(t, prove(bundle), "a seal of before certificates were sealed")

	insert("a", "2026-08-01T12:00:01Z")
	insert("b", "2026-08-01T12:00:01Z")
	made, err := period.CertificatesAt(t.Context(), conn, bundle, "default", p, p.Sealed.AsOf)
	require.NoError(t, err)
	require.Len(t, made.Controls, 1)
	p.Sealed.CertificatesSHA256 = made.SHA256
	require.Equal(t, &period.CertificateProof{Certificates: made, Intact: true}, prove(bundle))
	require.Equal(t, &period.CertificateProof{Other: other.Hash}, prove(other))

	insert("late", "2027-01-10T00:00:00Z")
	require.True(t, prove(bundle).Intact, "what comes later is not in it")
	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE events DELETE WHERE id = 'a' SETTINGS mutations_sync = 2"))
	require.False(t, prove(bundle).Intact, "a row that is taken away is")
}
