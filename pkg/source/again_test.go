package source_test

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/source"
)

// Access that is given, taken and given again is three facts, although GitHub tells
// the third in the bytes of the first. A repetition of each is none: it keeps the
// delivery's id.
func TestAddedRemovedAdded(t *testing.T) {
	l, _ := library(t)
	v, ok := l.Vendor("github")
	require.True(t, ok)
	for event, rest := range map[string]string{
		"member":       `"member": {"id": 5, "login": "u-bob"}, "repository": {"id": 1, "name": "web", "full_name": "acme/web"}`,
		"membership":   `"scope": "team", "member": {"id": 5, "login": "u-bob"}, "team": {"id": 30, "slug": "ops"}, "organization": {"id": 3, "login": "acme"}`,
		"organization": `"membership": {"role": "member", "user": {"id": 5, "login": "u-bob"}}, "organization": {"id": 3, "login": "acme"}`,
		"org_block":    `"blocked_user": {"id": 5, "login": "u-bob"}, "organization": {"id": 3, "login": "acme"}`,
		"team":         `"team": {"id": 30, "slug": "ops"}, "repository": {"id": 1, "name": "web", "full_name": "acme/web"}, "organization": {"id": 3, "login": "acme"}`,
	} {
		t.Run(event, func(t *testing.T) {
			added, removed := `"added"`, `"removed"`
			if event == "organization" {
				added, removed = `"member_added"`, `"member_removed"`
			}
			seen := map[string]bool{}
			for range 2 { // each comes twice
				for i, action := range []string{added, removed, added} {
					raw := []byte(`{"action": ` + action + `, ` + rest + `, "sender": {"login": "u-alice"}}`)
					body, err := source.Decode(raw)
					require.NoError(t, err)
					m := v.Map(source.Delivery{
						Headers: map[string]string{"x-github-event": event, "x-github-delivery": string(rune('a' + i))},
						Body:    body, SHA256: sha256.Sum256(raw), Received: firstReceipt,
					})
					require.Empty(t, m.Faults)
					require.Len(t, m.Events, 1)
					seen[m.Events[0].ID] = true
				}
			}
			require.Len(t, seen, 3, "%v", seen)
		})
	}
}
