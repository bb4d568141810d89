package source_test

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/source"
)

// pullRequest is one of some 8 kB: what mappings read, and what they pass over.
func pullRequest(tb testing.TB) []byte {
	tb.Helper()
	links := map[string]any{}
	for name := range strings.FieldsSeq("self html issue comments review_comments review_comment commits statuses forks keys collaborators teams hooks events assignees branches tags blobs") {
		links[name+"_url"] = "https://api.example.test/repos/acme/web/" + name + "/311{/number}"
	}
	user := map[string]any{"id": 5, "login": "u-alice", "type": "User", "site_admin": false, "links": links}
	repository := map[string]any{"id": 1, "name": "web", "full_name": "acme/web", "owner": user, "links": links, "private": true}
	raw, err := json.Marshal(map[string]any{
		"action": "opened", "number": 311, "repository": repository, "sender": user,
		"pull_request": map[string]any{
			"id": 71, "number": 311, "user": user, "updated_at": "2026-07-01T09:00:00Z", "created_at": "2026-07-01T09:00:00Z",
			"body": strings.Repeat("words ", 100), "head": map[string]any{"sha": "9fceb02d0ae598e95dc970b74767f19372d61af8", "user": user},
		},
	})
	require.NoError(tb, err)
	require.InDelta(tb, 8<<10, len(raw), 1<<10)
	return raw
}

// A delivery from its bytes to its two events.
func BenchmarkMap(b *testing.B) {
	l, _ := library(b)
	v, _ := l.Vendor("github")
	raw := pullRequest(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		body, err := source.Decode(raw)
		if err != nil {
			b.Fatal(err)
		}
		m := v.Map(source.Delivery{Headers: map[string]string{"x-github-event": "pull_request"}, Body: body, SHA256: sha256.Sum256(raw)})
		if len(m.Events) != 2 || len(m.Faults) > 0 {
			b.Fatal(m.Faults, len(m.Events))
		}
	}
}

// Only the payload's JSON, to tell it from what mappings cost.
func BenchmarkDecode(b *testing.B) {
	raw := pullRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := source.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}
