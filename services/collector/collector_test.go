package collector_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	ce "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
)

func headers(r *kgo.Record) map[string]string {
	out := map[string]string{}
	for _, h := range r.Headers {
		out[h.Key] = string(h.Value)
	}
	return out
}

func TestEachModePutsTheSameRecordInTheLog(t *testing.T) {
	binary := []string{
		"ce-specversion", "1.0", "ce-id", "e-1", "ce-source", "/idp", "ce-type", "access.login",
		"ce-time", "2026-07-01T09:30:00Z", "ce-sequence", "7", "ce-subject", "anything",
	}
	one := event("e-1", "sequence", `"7"`, "subject", `"anything"`)
	for name, send := range map[string]func(*rig) answer{
		"structured":        func(r *rig) answer { return r.post(structured, []byte(one)) },
		"structured, utf-8": func(r *rig) answer { return r.post(structured+"; charset=UTF-8", []byte(one)) },
		"structured, base64": func(r *rig) answer {
			return r.post(structured, []byte(event("e-1", "sequence", `7`, "data", "", "data_base64", toBase64(data))))
		},
		"binary":                func(r *rig) answer { return r.post("application/json", []byte(data), binary...) },
		"binary, no media type": func(r *rig) answer { return r.post("", []byte(data), binary...) },
		"binary, encoded": func(r *rig) answer {
			return r.post("", []byte(data), append(slices.Clone(binary), "ce-id", "e%2D1")...)
		},
		"batch": func(r *rig) answer { return r.post(batch, []byte(" [ "+one+"\n] ")) },
		"gzip":  func(r *rig) answer { return r.post(structured, zip(t, []byte(one)), "Content-Encoding", "gzip") },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, config())
			got := send(r)
			require.Equal(t, http.StatusAccepted, got.status, got.body)
			require.JSONEq(t, `{"accepted": 1}`, got.body)

			rec := r.read(1, "events.access")[0]
			require.Equal(t, "u-alice", string(rec.Key))
			require.Equal(t, []byte(data), rec.Value) //nolint:testifylint // the very bytes matter, spaces too
			require.Equal(t, map[string]string{
				"ce_specversion": "1.0", "ce_id": "e-1", "ce_source": "/idp", "ce_type": "access.login",
				"ce_time": "2026-07-01T09:30:00Z", "ce_tenant": "acme", "ce_sequence": "7", "content-type": "application/json",
			}, headers(rec))
			require.Equal(t, 1, r.metric("assay_collector_events_total", "access.login", "accepted"))
			require.Equal(t, 1, r.metric("assay_collector_request_duration_seconds", "202"))
			require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, time.Second, time.Millisecond)
		})
	}
}

func TestTheCloudEventsSDKCanSend(t *testing.T) {
	r := start(t, config())
	e := ce.New()
	e.SetSource("/vcs/github")
	e.SetType("change.pushed")
	e.SetTime(today().Add(-time.Minute))
	require.NoError(t, e.SetData("application/json", map[string]any{"change_id": "c-1", "commit": "abc", "author": "u-1"}))
	for i, id := range []string{"binary", "structured"} {
		e.SetID(id)
		ctx := t.Context()
		if id == "structured" {
			ctx = binding.WithForceStructured(ctx)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/v1/events", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+secret)
		require.NoError(t, cehttp.WriteRequest(ctx, binding.ToMessage(&e), req))
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusAccepted, resp.StatusCode, id)
		require.Len(t, r.read(i+1, "events.deployment"), i+1)
	}
	req, err := cehttp.NewHTTPRequestFromEvents(t.Context(), r.url+"/v1/events", []ce.Event{e, e})
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusAccepted, resp.StatusCode)

	// What the SDK sent, the codec and the dictionary read.
	d, err := dictionary.Default()
	require.NoError(t, err)
	typ, _ := d.Type("change.pushed")
	for _, rec := range r.read(4, "events.deployment") {
		ev, err := record.DecodeEvent(rec)
		require.NoError(t, err)
		require.Equal(t, compliance.InstantOf(today().Add(-time.Minute)), ev.Time)
		got, err := typ.Decode(rec.Value)
		require.NoError(t, err)
		require.Equal(t, "c-1", got["change_id"])
	}
}

func TestABatchGoesToTheTopicOfEachType(t *testing.T) {
	r := start(t, config())
	beat := event("h-1", "type", `"source.heartbeat"`, "data", `{"interval_seconds": 60}`)
	got := r.post(batch, []byte("["+event("e-1")+","+beat+","+event("e-2")+"]"))
	require.JSONEq(t, `{"accepted": 3}`, got.body)
	require.Len(t, r.read(2, "events.access"), 2)
	require.Equal(t, "/idp", string(r.read(1, "events.assurance")[0].Key))

	require.JSONEq(t, `{"accepted": 0}`, r.post(batch, []byte("[]")).body)
}

func TestABatchIsTakenWholeOrNotAtAll(t *testing.T) {
	r := start(t, config())
	events := []string{event("e-0"), event("e-1", "type", `"access.logn"`), event("e-2"), event("e-3", "data", `{"user_id": 1}`)}
	got := r.post(batch, []byte("["+strings.Join(events, ",")+"]"))
	require.Equal(t, http.StatusUnprocessableEntity, got.status)
	p := got.problem(t)
	require.Equal(t, "https://assay.example/problems/unknown_type", p.Type)
	require.Contains(t, p.Detail, "2 of 4 events are refused, so none was taken; the first, at 1")
	require.Equal(t, 1, p.Errors[0].Index)
	require.Equal(t, "/type", p.Errors[0].Pointer)
	require.Equal(t, "did you mean access.login?", p.Errors[0].Hint)
	require.Equal(t, 3, p.Errors[1].Index)
	require.Equal(t, "invalid_data", p.Errors[1].Code)
	require.Equal(t, "/data/mfa", p.Errors[1].Pointer)
	r.nothingTaken()

	kept := r.rejected(2)
	slices.SortFunc(kept, func(a, b record.Rejected) int { return strings.Compare(a.ID, b.ID) })
	require.Equal(t, "e-1", kept[0].ID)
	require.Equal(t, events[1], string(kept[0].Body))
	require.Equal(t, 4, r.metric("assay_collector_events_total", "refused"))
}

func TestTheSameIDWithAnotherBodyIsTaken(t *testing.T) {
	r := start(t, config())
	for _, system := range []string{"a", "b"} {
		got := r.post(structured, []byte(event("e-1", "data", `{"user_id":"u","system":"`+system+`","mfa":true}`)))
		require.Equal(t, http.StatusAccepted, got.status)
	}
	r.read(2, "events.access")
}

func TestTypesAreListed(t *testing.T) {
	r := start(t, config())
	resp, err := http.Get(r.url + "/v1/types")
	require.NoError(t, err)
	defer resp.Body.Close()
	var list struct {
		Types []struct {
			Type, Family, Key string
			Schema            map[string]any
		}
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&list))
	known, err := dictionary.Default()
	require.NoError(t, err)
	require.Len(t, list.Types, len(known.Names()))
	i := slices.Index(known.Names(), "access.granted")
	require.Equal(t, "access.granted", list.Types[i].Type)
	require.Equal(t, "subject", list.Types[i].Key)
	require.Equal(t, "Access was granted", list.Types[i].Schema["title"])
}

func TestOtherPathsAndMethods(t *testing.T) {
	r := start(t, config())
	for _, c := range []struct {
		method, path, code, allow string
		status                    int
	}{
		{http.MethodGet, "/v1/events", "method_not_allowed", "POST", 405},
		{http.MethodDelete, "/v1/types", "method_not_allowed", "GET", 405},
		{http.MethodGet, "/", "not_found", "", 404},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, r.url+c.path, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		var p problem
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&p))
		resp.Body.Close()
		require.Equal(t, c.status, resp.StatusCode)
		require.Equal(t, "https://assay.example/problems/"+c.code, p.Type)
		require.Equal(t, c.allow, resp.Header.Get("Allow"))
	}
}

func zip(t *testing.T, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func toBase64(s string) string {
	out, _ := json.Marshal([]byte(s))
	return string(out)
}
