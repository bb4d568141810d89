package collector_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

func utf16le(s string) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func manyKeys(n int) string {
	var b strings.Builder
	b.WriteString(`{"user_id":"u","system":"s","mfa":true`)
	for i := range n {
		fmt.Fprintf(&b, `,"%x":0`, i)
	}
	return b.String() + "}"
}

type refusal struct {
	contentType   string
	body          string
	headers       []string
	status        int
	code          string
	pointer, hint string
}

func refusals() map[string]refusal {
	deep := strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	nested := `{"user_id":"u","system":"s","mfa":true,"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}"
	big := strings.Repeat("x", 20<<20)
	ok := event("e-1")
	return map[string]refusal{
		"no JSON":            {structured, `{"specversion": "1.0",`, nil, 400, "malformed", "", "UTF-8"},
		"empty":              {structured, ``, nil, 400, "malformed", "", ""},
		"a list":             {structured, `[]`, nil, 400, "malformed", "", "specversion"},
		"two events":         {structured, ok + ok, nil, 400, "malformed", "", "batch"},
		"duplicate id":       {structured, strings.Replace(ok, `"source"`, `"id":"e-2","source"`, 1), nil, 400, "malformed", "/id", "once"},
		"duplicate key":      {structured, event("e-1", "data", `{"user_id":"u","user_id":"v","system":"s","mfa":true}`), nil, 400, "malformed", "/data/user_id", "once"},
		"no id":              {structured, event("e-1", "id", ``), nil, 400, "malformed", "/id", "unique within the source"},
		"empty id":           {structured, event(""), nil, 400, "malformed", "/id", ""},
		"long id":            {structured, event(strings.Repeat("i", 257)), nil, 400, "malformed", "/id", "short"},
		"a number as id":     {structured, event("", "id", `1`), nil, 400, "malformed", "/id", "strings"},
		"control character":  {structured, event(`a\u0000b`), nil, 400, "malformed", "/id", "printable"},
		"no source":          {structured, event("e-1", "source", ``), nil, 400, "malformed", "/source", ""},
		"no data":            {structured, event("e-1", "data", ``), nil, 400, "malformed", "/data", ""},
		"two data":           {structured, event("e-1", "data_base64", `"e30="`), nil, 400, "malformed", "/data", ""},
		"no base64":          {structured, event("e-1", "data", ``, "data_base64", `"?"`), nil, 400, "malformed", "/data_base64", ""},
		"old version":        {structured, event("e-1", "specversion", `"0.3"`), nil, 400, "malformed", "/specversion", "1.0"},
		"sequence of zero":   {structured, event("e-1", "sequence", `"0"`), nil, 400, "malformed", "/sequence", "1, 2, 3"},
		"no time":            {structured, event("e-1", "time", ``), nil, 400, "time_required", "/time", "RFC 3339"},
		"null time":          {structured, event("e-1", "time", `null`), nil, 400, "time_required", "/time", ""},
		"time in words":      {structured, event("e-1", "time", `"yesterday"`), nil, 400, "malformed", "/time", "RFC 3339"},
		"1970":               {structured, event("e-1", "time", `"1970-01-01T00:00:00Z"`), nil, 422, "implausible_time", "/time", "clock"},
		"2031":               {structured, event("e-1", "time", `"2031-01-01T00:00:00Z"`), nil, 422, "implausible_time", "/time", "clock"},
		"an hour ahead":      {structured, event("e-1", "time", `"2026-09-01T13:00:00.000001Z"`), nil, 422, "implausible_time", "/time", ""},
		"unknown type":       {structured, event("e-1", "type", `"access.logout"`), nil, 422, "unknown_type", "/type", "did you mean access.login?"},
		"missing field":      {structured, event("e-1", "data", `{"user_id":"u","system":"s"}`), nil, 422, "invalid_data", "/data/mfa", "second factor"},
		"wrong field":        {structured, event("e-1", "data", `{"user_id":"u","system":"s","mfa":"yes"}`), nil, 422, "invalid_data", "/data/mfa", ""},
		"data is a list":     {structured, event("e-1", "data", `[]`), nil, 400, "malformed", "/data", "one object"},
		"another's source":   {structured, event("e-1", "source", `"/pager"`), nil, 403, "forbidden_source", "/source", "collector.keys"},
		"prefix of a source": {structured, event("e-1", "source", `"/idp2"`), nil, 403, "forbidden_source", "/source", ""},
		"another's tenant":   {structured, event("e-1", "tenant", `"other"`), nil, 403, "forbidden_tenant", "/tenant", "leave tenant out"},
		"20 MB":              {structured, event("e-1", "data", `"`+big+`"`), nil, 413, "too_large", "", "smaller"},
		"20 MB batch":        {batch, `["` + big + `"]`, nil, 413, "too_large", "", "smaller"},
		"600,000 keys":       {batch, "[" + event("e-1", "data", manyKeys(600_000)) + "]", nil, 413, "too_large", "", ""},
		"a million keys":     {structured, event("e-1", "data", manyKeys(1_000_000)), nil, 413, "too_large", "", "smaller"},
		"20,000 keys":        {structured, event("e-1", "data", manyKeys(20_000)), nil, 413, "too_large", "/data/", "digests"},
		"deep nesting":       {structured, event("e-1", "data", deep), nil, 400, "malformed", "/data", ""},
		"33 levels":          {structured, event("e-1", "data", nested), nil, 413, "too_large", "/data/x", "flatten"},
		"1,001 events":       {batch, "[" + strings.Repeat(ok+",", 1000) + ok + "]", nil, 413, "too_many_events", "", "smaller"},
		"one big in a batch": {batch, "[" + event("e-1", "data", `"`+strings.Repeat("x", 2<<20)+`"`) + "]", nil, 413, "too_large", "", ""},
		"batch of no list":   {batch, ok, nil, 400, "malformed", "", "[event, event"},
		"batch cut short":    {batch, "[" + ok, nil, 400, "malformed", "", ""},
		"latin-1":            {structured, event("caf\xe9"), nil, 400, "malformed", "", "UTF-8"},
		"latin-1 data":       {structured, event("e-1", "data", "{\"user_id\":\"caf\xe9\"}"), nil, 400, "malformed", "", "UTF-8"},
		"UTF-16":             {structured, string(utf16le(ok)), nil, 400, "malformed", "", "UTF-8"},
		"latin-1, said so":   {structured + "; charset=iso-8859-1", ok, nil, 415, "unsupported_media_type", "", "UTF-8"},
		"data is XML":        {structured, event("e-1", "datacontenttype", `"text/xml"`), nil, 415, "unsupported_media_type", "/datacontenttype", ""},
		"plain JSON":         {"application/json", data, nil, 415, "unsupported_media_type", "", "ce-* headers"},
		"a form":             {"application/x-www-form-urlencoded", "a=b", nil, 415, "unsupported_media_type", "", ""},
		"no media type":      {"/", ok, nil, 415, "unsupported_media_type", "", ""},
		"brotli":             {structured, ok, []string{"Content-Encoding", "br"}, 415, "unsupported_media_type", "", "gzip"},
		"no gzip":            {structured, ok, []string{"Content-Encoding", "gzip"}, 400, "malformed", "", "Content-Encoding"},
		"binary, no id": {"application/json", data, []string{
			"ce-specversion", "1.0", "ce-source", "/idp", "ce-type", "access.login", "ce-time", "2026-07-01T09:30:00Z",
		}, 400, "malformed", "/id", ""},
		"binary, bad encoding": {"application/json", data, []string{
			"ce-specversion", "1.0", "ce-id", "100%", "ce-source", "/idp", "ce-type", "access.login", "ce-time", "2026-07-01T09:30:00Z",
		}, 400, "malformed", "/id", "%25"},
		"binary, no data": {"application/json", "", []string{
			"ce-specversion", "1.0", "ce-id", "1", "ce-source", "/idp", "ce-type", "access.login", "ce-time", "2026-07-01T09:30:00Z",
		}, 400, "malformed", "/data", ""},
	}
}

// One collector answers all of these: a refusal must not hurt the next request.
func TestRefusals(t *testing.T) {
	r := start(t, config())
	codes := map[string]int{}
	cases := refusals()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := r.post(c.contentType, []byte(c.body), c.headers...)
			require.Equal(t, c.status, got.status, got.body)
			p := got.problem(t)
			require.Equal(t, "https://assay.example/problems/"+c.code, p.Type)
			require.NotEmpty(t, p.Errors)
			require.True(t, strings.HasPrefix(p.Errors[0].Pointer, c.pointer), "%+v", p.Errors)
			require.NotEmpty(t, p.Errors[0].Reason)
			require.NotEmpty(t, p.Errors[0].Hint)
			require.Contains(t, p.Errors[0].Hint, c.hint)
			require.Less(t, len(got.body), 8<<10)
			codes[c.code]++
		})
	}
	r.nothingTaken()
	for _, kept := range r.rejected(len(cases)) {
		require.Equal(t, "acme", kept.Tenant)
		require.LessOrEqual(t, len(kept.Body), record.BodyKept)
		codes[kept.Code]--
	}
	for code, n := range codes {
		require.Zero(t, n, "each refusal is kept once, with its code: %s", code)
	}
	require.Equal(t, len(cases), r.metric("assay_collector_rejected_total"))
	require.Zero(t, r.metric("assay_collector_rejected_lost_total"))
	require.Equal(t, http.StatusAccepted, r.post(structured, []byte(event("e-1"))).status)
}

func TestARejectedRecordKeepsWhatCame(t *testing.T) {
	r := start(t, config())
	body := event("e-1", "data", `{"user_id":"u","x":"`+strings.Repeat("x", 40_000)+`"}`)
	r.post(structured, []byte(body))
	kept := r.rejected(1)[0]
	require.Equal(t, record.Rejected{
		Tenant: "acme", At: compliance.InstantOf(today()), By: "collector", Code: "invalid_data",
		Reason: "/data/mfa: the field is missing (access.login needs it, a boolean: Whether a second factor was checked in this sign-in.); " +
			"/data/system: the field is missing (access.login needs it, a string: The system signed in to, as the boundary names it.)",
		Source: "/idp", ID: "e-1", Type: "access.login",
		SHA256: sha256.Sum256([]byte(body)), Size: len(body), Body: []byte(body[:record.BodyKept]),
	}, kept)
	require.Equal(t, "acme//idp", string(r.read(1, "rejected")[0].Key))
}

func TestAGzipBombIsCutAtTheLimit(t *testing.T) {
	r := start(t, config())
	bomb := zip(t, bytes.Repeat([]byte(" "), 64<<20))
	require.Less(t, len(bomb), 1<<20)
	for _, kind := range []string{structured, batch} {
		got := r.post(kind, bomb, "Content-Encoding", "gzip")
		require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
	}
	require.LessOrEqual(t, r.rejected(2)[0].Size, 8<<20)
	require.Eventually(t, func() bool { return r.metric("assay_collector_inflight_bytes") == 0 }, time.Second, time.Millisecond)
}

func TestAuthentication(t *testing.T) {
	r := start(t, config())
	for name, value := range map[string]string{
		"none": "", "another key": "Bearer wrong", "the digest": "Bearer " + digest(secret), "basic": "Basic " + secret,
		"cut": "Bearer " + secret[:len(secret)-1], "empty": "Bearer ", "bare": secret,
	} {
		t.Run(name, func(t *testing.T) {
			got := r.post(structured, []byte(event("e-1")), "Authorization", value)
			require.Equal(t, http.StatusUnauthorized, got.status)
			require.Equal(t, "https://assay.example/problems/unauthorized", got.problem(t).Type)
			require.Equal(t, `Bearer realm="assay"`, got.header.Get("WWW-Authenticate"))
		})
	}
	require.Zero(t, r.held("assay.rejected"), "strangers leave no record")
	r.nothingTaken()

	// The tenant is the key's, also if the event agrees.
	got := r.post(structured, []byte(event("e-1", "source", `"/anything"`)), "Authorization", "bearer "+other)
	require.Equal(t, http.StatusAccepted, got.status)
	require.Equal(t, "other", headers(r.read(1, "events.access")[0])["ce_tenant"])
	require.Equal(t, http.StatusAccepted, r.post(structured, []byte(event("e-2", "tenant", `"acme"`, "source", `"/vcs/github"`))).status)
}

func TestKeysAreShownNowhere(t *testing.T) {
	r := start(t, config())
	wrong := "wr0ng-key-of-a-stranger"
	answers := []answer{
		r.post(structured, []byte(event("e-1"))),
		r.post(structured, []byte(event("e-1")), "Authorization", "Bearer "+wrong),
		r.post(structured, []byte("{")),
		r.post(structured, []byte(event("e-1", "source", `"/pager"`))),
		r.post("text/plain", []byte("x")),
	}
	var all strings.Builder
	for _, a := range answers {
		fmt.Fprintln(&all, a.body, a.header)
	}
	for _, rec := range append(r.read(3, "rejected"), r.read(1, "events.access")...) {
		fmt.Fprintln(&all, string(rec.Key), string(rec.Value), headers(rec))
	}
	families, err := r.metrics.Gather()
	require.NoError(t, err)
	require.NoError(t, r.end())
	fmt.Fprintln(&all, families, r.log)
	seen := all.String()
	for _, hidden := range []string{secret, other, wrong, digest(secret), digest(other), "Bearer s3"} {
		require.NotContains(t, seen, hidden)
	}
	require.Contains(t, seen, "collector listens")
}
