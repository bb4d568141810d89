package record_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

func TestReceivedComesBack(t *testing.T) {
	d := &record.Received{
		Tenant: "acme", Source: "/github/acme", ID: "d-1", Kind: "github.push", At: 1_782_864_000_000_000,
		MediaType: "application/json", Mapping: "github@12ab", Events: 3, Note: "1 of 4 became no event", Body: []byte(`{"a": 1}`),
	}
	require.Equal(t, d, record.DecodeReceived(record.EncodeReceived(d)))
}

func TestAnEventNamesItsDelivery(t *testing.T) {
	r := &kgo.Record{}
	require.Zero(t, record.DeliveryOf(r))
	sum := compliance.Hash(sha256.Sum256([]byte("body")))
	record.SetDelivery(r, sum)
	require.Equal(t, sum, record.DeliveryOf(r))
	for _, wrong := range []string{"", "zz", "ab", string(make([]byte, 64)), strings.Repeat("ab", 33)} {
		require.Zero(t, record.DeliveryOf(&kgo.Record{Headers: []kgo.RecordHeader{{Key: record.HeaderDelivery, Value: []byte(wrong)}}}), wrong)
	}
}
