package driver

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The signatures are those of the vendors' own examples, and of Python itself.
func TestSignaturesAreThoseOfTheVendors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sign                           func(string, http.Header, []byte)
		secret, body, header, expected string
	}{
		"the example in GitHub's documentation": {
			signGitHub, "It's a Secret to Everybody", "Hello, World!", "X-Hub-Signature-256",
			"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		},
		"PromptLayer's is of what Python writes, not of the body": {
			signPromptLayer, "whsec-of-promptlayer",
			`{"b":[1,-2,true,false,null,{"z":{},"a":[]}],"a":"é \"q\" \\ \n\t\u0001 😀 /","Z":"<&>","é":12345678901234567890}`,
			"X-PromptLayer-Signature", "d19fb94d5b79a4873b40d82100a85ca25a7f428c93d0debf266292b606f314bc",
		},
		"Okta's is the secret":   {signBearer, "hook-secret", "{}", "Authorization", "Bearer hook-secret"},
		"what is no JSON has no": {signPromptLayer, "s", "{", "X-PromptLayer-Signature", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			c.sign(c.secret, h, []byte(c.body))
			require.Equal(t, c.expected, h.Get(c.header))
		})
	}
}

func TestPagerDutySignsWithEachSecretInUse(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	signPagerDuty("Hello", h, []byte("Hello, World!"))
	require.Regexp(t, `^v1=[0-9a-f]{64},v1=[0-9a-f]{64}$`, h.Get("X-PagerDuty-Signature"))
	require.Contains(t, h.Get("X-PagerDuty-Signature"), "v1="+mac("Hello", []byte("Hello, World!")))
}
