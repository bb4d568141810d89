package recorder

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/recorder/internal/rows"
)

// A delivery is kept byte for byte, whatever it says, and its events lead to it.
func TestDeliveriesOfVendorsAreRows(t *testing.T) {
	w := newWorld(t)
	body := []byte("payload=%7B%22a%22%3A1%7D\x00\xff")
	sent := &record.Received{
		Tenant: "acme", Source: "/github/acme", ID: "d-1", Kind: "github.push", At: start, MediaType: "application/x-www-form-urlencoded",
		Mapping: "github@12ab", Events: 1, Note: "1 of 2 records became no event", Body: body,
	}
	bare := &kgo.Record{Value: []byte("[")}
	w.produce("received", record.EncodeReceived(sent), record.EncodeReceived(sent), bare)
	mapped, direct := event(1, 0), event(2, 0)
	record.SetDelivery(mapped, sha256.Sum256(body))
	w.produce("events.deployment", mapped, direct)

	r := w.start(seams{})
	w.awaitCovered("received", 3)
	w.awaitCovered("events.deployment", 2)
	r.stop()

	require.Equal(t, uint64(3), one[uint64](w, "SELECT count() FROM received"))
	require.Equal(t, uint64(2), one[uint64](w, "SELECT count() FROM received WHERE sha256 = unhex(?) AND body = unhex(?) AND size = ?",
		compliance.Hash(sha256.Sum256(body)).String(), hex.EncodeToString(body), len(body)))
	var got record.Received
	var at time.Time
	var events uint32
	require.NoError(t, w.conn.QueryRow(t.Context(), `SELECT r.tenant, r.source, r.kind, r.id, r.at, r.media_type, r.mapping, r.events, r.note, r.body
		FROM received AS r JOIN events AS e ON e.delivery = r.sha256 WHERE e.id = 'ev-000001' LIMIT 1`).Scan(
		&got.Tenant, &got.Source, &got.Kind, &got.ID, &at, &got.MediaType, &got.Mapping, &events, &got.Note, &got.Body))
	got.At, got.Events = rows.Instant(at), int(events)
	require.Equal(t, sent, &got)
	require.Equal(t, uint64(1), one[uint64](w, "SELECT count() FROM events WHERE delivery = toFixedString('', 32)"), "an event that came as it is")
	require.Equal(t, record.DefaultTenant, one[string](w, "SELECT tenant FROM received WHERE body = '['"))
}
