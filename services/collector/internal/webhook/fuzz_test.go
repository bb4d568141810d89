package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/semaphore"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/intake"
	"assay.example/assay/services/collector/internal/signature"
)

const vendor = `title: A vendor
documentation: https://vendor.example/webhooks
signature: github
headers: [x-event]
kind: 'headers[?"x-event"].orValue(text(body.?kind))'
mappings:
  - kinds: ["*"]
    type: access.login
    id: body.?id
    time: instant(body.at)
    data: {user_id: text(body.user), system: '"app"', mfa: body.mfa}
  - kinds: [login]
    type: access.activity
    data: {actor: 'text(body.?user)', action: '"x"', target: 'text(body.?target)', system: '"app"'}
`

const key = "0123456789abcdef"

// hooks are without a Kafka: what is fuzzed is all that comes before it.
func hooks(tb testing.TB) *Hooks {
	tb.Helper()
	types, err := dictionary.Default()
	require.NoError(tb, err)
	library, err := source.Load(fstest.MapFS{"x/source.yaml": &fstest.MapFile{Data: []byte(vendor)}}, types)
	require.NoError(tb, err)
	v, _ := library.Vendor("x")
	registry := prometheus.NewRegistry()
	counts, err := door.NewMetrics(registry)
	require.NoError(tb, err)
	metrics, err := NewMetrics(registry)
	require.NoError(tb, err)
	events, err := door.New(door.Options{
		Types: types, Budget: intake.NewBudget(64<<20, nil), Metrics: counts,
		Topic: func(name string) string { return name },
		Now:   func() time.Time { return time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC) },
	})
	require.NoError(tb, err)
	return New(Options{
		Door: events, Bytes: 1 << 20, Unproven: intake.NewBudget(16<<20, nil), Metrics: metrics,
		Sources: []Source{{Name: "x", Vendor: v, Tenant: "t", Source: "/x", Bytes: 1 << 20, Trust: signature.Trust{Secrets: []settings.Secret{key}}}},
	})
}

// FuzzDoor: whoever signs is believed, and nobody else; only what is no JSON is
// refused; nothing panics; what is kept beside the body is short and printable; and
// every event is one that the dictionary takes.
func FuzzDoor(f *testing.F) {
	for _, seed := range []string{
		`{"kind":"login","user":"u","mfa":true,"at":"2026-08-31T10:00:00Z","id":7}`, `{"user":"\u0000","mfa":true,"at":1788256800}`,
		`{"user":"u","mfa":true,"at":"2026-08-31T10:00:00Z","id":"a\u0007"}`, `{"a":1,"a":2}`, `"\ud800"`, `[[[]]]`, `1e999`, `{`, ``, `payload=%7B%7D`, `payload={"a":1}&b=c`,
		`payload=%`, "\xff", "\x1f\x8b\x08", `{"at":1e308}`, `{"at":-1}`, `{"at":"0001-01-01T00:00:00Z","user":"u","mfa":false}`, "payload=\xff", `{"x":"` + strings.Repeat("x", 300) + `"}`,
	} {
		f.Add([]byte(seed), "", "application/json")
		f.Add([]byte(seed), "login", "application/x-www-form-urlencoded")
	}
	h := hooks(f)
	f.Fuzz(func(t *testing.T, body []byte, event, contentType string) {
		if len(body) > 64<<10 {
			return
		}
		send := func(signed []byte) (*delivery, *door.Problem) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/sources/x", bytes.NewReader(body))
			r.SetPathValue("name", "x")
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write(signed)
			r.Header = http.Header{
				"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}, "Content-Type": {contentType}, "X-Event": {event},
			}
			lease := h.Door.Budget.Lease()
			defer lease.Release()
			return h.prove(httptest.NewRecorder(), r, lease)
		}
		_, p := send(append([]byte{'x'}, body...))
		require.NotNil(t, p)
		require.Equal(t, http.StatusUnauthorized, p.Status)
		d, p := send(body)
		require.Nil(t, p)

		lease := h.Door.Budget.Lease()
		defer lease.Release()
		err := h.read(t.Context(), d, lease)
		isForm := bytes.HasPrefix(body, []byte("payload="))
		if err != nil {
			refusal, ok := errors.AsType[*dictionary.Refusal](err)
			require.True(t, ok, "%v", err)
			if !isPacked(body) {
				require.Equal(t, dictionary.CodeMalformed, refusal.Code)
			}
			require.False(t, !isForm && json.Valid(body) && utf8.Valid(body), "JSON was refused: %q", body)
			return
		}
		require.Equal(t, body, d.body)
		records, types, faults := h.records(d)
		require.Len(t, types, len(records))
		for i, r := range records {
			typ, _ := h.Door.Types.Type(types[i])
			_, err := typ.Decode(r.Value)
			require.NoError(t, err)
		}
		for text, most := range map[string]int{d.note(faults): maxNote, d.kind(): maxKind + 2, d.id: maxID, strings.Join(d.unmapped(), ""): maxKind * maxKinds} {
			require.LessOrEqual(t, len(text), most)
			require.True(t, utf8.ValidString(text))
			require.False(t, strings.ContainsFunc(text, unicode.IsControl), "%q", text)
		}
	})
}

// FuzzForm: what url.ParseQuery finds is found, where the form has that one field.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"payload=%7B%22a%22%3A1%7D", "payload=a+b", "payload=", "payload=%", "payload=a&b=c", "payload=a;b", "{}", "payload", "xpayload=1", "payload=\xff%fe"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		payload, is, err := form(body)
		require.Equal(t, bytes.HasPrefix(body, []byte("payload=")), is)
		values, parseErr := url.ParseQuery(string(body))
		switch {
		case !is:
			require.NoError(t, err)
			require.Nil(t, payload)
		case err == nil && parseErr == nil:
			require.Equal(t, values.Get("payload"), string(payload))
		case err == nil:
			require.Contains(t, string(body), ";", "ParseQuery refuses semicolons: %v", parseErr)
		default:
			require.True(t, parseErr != nil || bytes.ContainsRune(body, '&'))
		}
	})
}

// Of payloads that no record could hold one at a time is taken apart, and what is
// small doesn't wait for it.
func TestLargePayloadsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hooks(t)
		h.work = semaphore.NewWeighted(2)
		large := make([]byte, h.Bytes+1)
		end, err := h.turn(t.Context(), large)
		require.NoError(t, err)
		small, err := h.turn(t.Context(), large[:1])
		require.NoError(t, err)
		small()
		second := false
		go func() {
			end, err := h.turn(t.Context(), large)
			if err == nil {
				second = true
				end()
			}
		}()
		synctest.Wait()
		require.False(t, second)
		end()
		synctest.Wait()
		require.True(t, second)
		require.True(t, h.work.TryAcquire(2), "all turns ended")
	})
}

// What panics takes no turn with it.
func TestAPanicEndsItsTurn(t *testing.T) {
	h := hooks(t)
	h.work = semaphore.NewWeighted(1)
	a := &account{check: func(signature.Trust, signature.Sent) ([]byte, error) { panic("x") }}
	require.Panics(t, func() { _, _ = h.believe(t.Context(), a, signature.Sent{}) })
	require.True(t, h.work.TryAcquire(1))
}

func TestClipKeepsWhatIsPrintable(t *testing.T) {
	require.Equal(t, "a b", clip("a\nb", 10))
	require.Equal(t, "ab…", clip("abcdef", 5))
	require.LessOrEqual(t, len(clip(strings.Repeat("é", 100), 7)), 7)
	require.True(t, utf8.ValidString(clip(strings.Repeat("é", 100), 8)))
	require.Equal(t, "\uFFFD", clip("\xff", 8))
}
