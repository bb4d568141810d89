package collector_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector"
)

// startProduct has the product's own mappings behind the sources that are named.
func startProduct(t *testing.T, cfg collector.Config, vendors ...string) *rig {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	library, err := source.Default(types)
	require.NoError(t, err)
	for _, name := range vendors {
		cfg.Sources = append(cfg.Sources, collector.Source{
			Name: name, Vendor: name, Tenant: "acme", Source: "/" + name + "/acme", Secrets: []settings.Secret{settings.Secret(secretOf(name))},
		})
	}
	return startWith(t, cfg, func(d *collector.Deps) { d.Vendors = library })
}

// whole puts the parts of deliveries together again.
func (r *rig) whole() []byte {
	r.t.Helper()
	var body []byte
	for _, rec := range r.all("received") {
		body = append(body, record.DecodeReceived(rec).Body...)
	}
	return body
}

// GitHub sends up to 25 MB, and nothing again: more than one record can hold. It
// becomes what it says, and all of it is kept.
func TestADeliveryThatIsLargerThanARecord(t *testing.T) {
	r := startProduct(t, config(), "github")
	commits := strings.TrimSuffix(strings.Repeat(`{"id":"9fceb02d","modified":["`+strings.Repeat("a/b", 300)+`"]},`, 20_000), ",")
	body := `{"ref":"refs/heads/main","after":"9fceb02d","commits":[` + commits + `],"repository":{"id":1,"name":"web","full_name":"acme/web",` +
		`"pushed_at":1788220800},"sender":{"login":"u-alice"}}`
	require.Greater(t, len(body), 17<<20)
	got := r.deliver("github", body, "X-GitHub-Event", "push", "X-GitHub-Delivery", "d-1")
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	require.JSONEq(t, `{"accepted": 1, "unmapped": [], "faults": 0}`, got.body)

	ev := r.all("events.deployment")
	require.Len(t, ev, 1)
	require.Equal(t, "change.pushed", headers(ev[0])["ce_type"])
	require.Equal(t, sum(body).String(), headers(ev[0])["ce_delivery"])
	require.True(t, bytes.Equal([]byte(body), r.whole()), "the parts are the delivery")
	events, parts := 0, r.all("received")
	for i, rec := range parts {
		d := record.DecodeReceived(rec)
		events += d.Events
		require.LessOrEqual(t, len(d.Body), 1<<20)
		require.Equal(t, "d-1", d.ID)
		require.Equal(t, fmt.Sprintf("part %d of %d, of %d bytes with SHA-256 %s", i+1, len(parts), len(body), sum(body)), d.Note)
	}
	require.Equal(t, 1, events, "the events are counted once")

	// What is larger still is nobody's, and not what another vendor may send.
	require.Equal(t, http.StatusRequestEntityTooLarge, r.deliver("github", body+strings.Repeat(" ", 8<<20), "X-GitHub-Event", "push").status)
	require.Equal(t, http.StatusRequestEntityTooLarge, r.knock(http.MethodPost, "nobody", strings.NewReader(body)).status)
}

// records is a log file of n events.
func records(n int) string {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"eventTime":"2026-08-31T10:00:00Z","eventID":"e-%d","eventSource":"ec2.amazonaws.com","eventName":"RunInstances",`+
			`"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::123456789012:user/u-erin","accountId":"123456789012"},"recipientAccountId":"123456789012"}`, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

// However many events a delivery holds, an idle collector takes it: they go to Kafka
// in portions. A packed file is what it holds.
func TestADeliveryOfMoreEventsThanFitAtOnce(t *testing.T) {
	cfg := config()
	cfg.MaxBatchBytes, cfg.MaxInFlightBytes = 1<<20, 8<<20
	r := startProduct(t, cfg, "cloudtrail")
	const n = 7_000 // of 1 KiB and more in the budget: 9 MiB
	body := records(n)
	for _, sent := range []string{body, string(zip(t, []byte(body)))} {
		got := r.knock(http.MethodPost, "cloudtrail", strings.NewReader(sent), "Authorization", secretOf("cloudtrail"))
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		require.JSONEq(t, fmt.Sprintf(`{"accepted": %d, "unmapped": [], "faults": 0}`, n), got.body)
	}
	require.EqualValues(t, 2*n, r.held("assay.events.deployment"))
	ids := map[string]int{}
	for _, ev := range r.all("events.deployment") {
		ids[headers(ev)["ce_id"]]++
	}
	require.Len(t, ids, n, "packed or not, they are the same facts")
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, time.Second, time.Millisecond)

	bomb := zip(t, bytes.Repeat([]byte(" "), 64<<20))
	got := r.knock(http.MethodPost, "cloudtrail", bytes.NewReader(bomb), "Authorization", secretOf("cloudtrail"))
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status, got.body)
	require.Equal(t, sum(string(bomb)), r.rejected(1)[0].SHA256, "it is believed, and so it is said")
}

// Batches of small events take more of the budget than their bytes; an idle collector
// takes them all the same.
func TestABatchOfManySmallEvents(t *testing.T) {
	cfg := config()
	cfg.MaxEventBytes, cfg.MaxBatchBytes, cfg.MaxBatchEvents, cfg.MaxInFlightBytes = 64<<10, 64<<10, 10_000, 256<<10
	r := start(t, cfg)
	list := make([]string, 0, 300)
	for i := range cap(list) {
		list = append(list, event(fmt.Sprintf("e-%d", i)))
	}
	body := "[" + strings.Join(list, ",") + "]"
	require.Less(t, len(body), 64<<10)
	got := r.post("application/cloudevents-batch+json", []byte(body))
	require.Equal(t, http.StatusAccepted, got.status, got.body)
}

// An export of more spans than fit into the budget with their events is taken all the
// same by an idle collector: what is mapped goes to Kafka in portions.
func TestAnExportOfMoreSpansThanFitAtOnce(t *testing.T) {
	cfg := otlpConfig()
	cfg.MaxBatchBytes, cfg.MaxInFlightBytes = 1<<20, 8<<20
	r := start(t, cfg)
	const n = 4000 // of 2 KiB and more in the budget
	spans := make([]*tracev1.Span, n)
	for i := range spans {
		spans[i] = span(1)
		spans[i].SpanId = binary.BigEndian.AppendUint64(nil, uint64(i+1))
	}
	raw := wire(t, export("assistant", spans...))
	require.Less(t, len(raw), 1<<20)
	got := r.export("/v1/traces", protobufType, raw)
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Empty(t, got.body, "nothing is refused")
	require.EqualValues(t, n, r.held("assay.events.model-call"))
	deliveries := map[string]bool{}
	for _, rec := range r.all("received") {
		deliveries[sum(string(rec.Value)).String()] = true
	}
	for _, ev := range r.all("events.model-call") {
		require.True(t, deliveries[headers(ev)["ce_delivery"]], "what each was made of is kept")
	}
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, time.Second, time.Millisecond)
}
