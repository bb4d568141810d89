package signature_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/collector/internal/signature"
)

const (
	secret  = "it is a secret to everybody here"
	retired = "the one that was in use before it"
)

func now() time.Time { return time.Unix(1_614_265_330, 0) }

func code(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// believe runs a scheme with the headers given as name, value.
func believe(t *testing.T, scheme string, trust signature.Trust, body string, headers ...string) ([]byte, error) {
	t.Helper()
	check, ok := signature.Find(scheme)
	require.True(t, ok)
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return check(trust, signature.Sent{Header: h, Body: []byte(body), At: now()})
}

func trust(secrets ...settings.Secret) signature.Trust { return signature.Trust{Secrets: secrets} }

// Vectors that the vendors, or their own libraries, publish.
func TestPublishedVectors(t *testing.T) {
	pagerduty, err := os.ReadFile("testdata/pagerduty.json")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		scheme  string
		secret  settings.Secret
		body    string
		headers []string
	}{
		"GitHub's documentation": {
			signature.GitHub, "It's a Secret to Everybody", "Hello, World!",
			[]string{"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		},
		"PagerDuty's library": {
			signature.PagerDuty, "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK", strings.TrimSuffix(string(pagerduty), "\n"),
			[]string{"X-PagerDuty-Signature", "v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd"},
		},
		"Standard Webhooks' libraries": {
			signature.Standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`,
			[]string{
				"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
				"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			signed, err := believe(t, c.scheme, trust(c.secret), c.body, c.headers...)
			require.NoError(t, err)
			require.Equal(t, c.body, string(signed))
			_, err = believe(t, c.scheme, trust(c.secret), c.body+" ", c.headers...)
			require.Equal(t, signature.Mismatch, err)
			_, err = believe(t, c.scheme, trust("whsec_YW5vdGhlciBzZWNyZXQ="), c.body, c.headers...)
			require.Equal(t, signature.Mismatch, err)
			_, err = believe(t, c.scheme, trust(), c.body, c.headers...)
			require.Equal(t, signature.Missing, err)
		})
	}
}

// signed are headers that each scheme believes for a body and a key.
func signed(scheme, key, body string) []string {
	switch scheme {
	case signature.GitHub:
		return []string{"x-hub-signature-256", "sha256=" + code(key, body)}
	case signature.PagerDuty:
		return []string{"x-pagerduty-signature", "v1=" + code(key, body)}
	case signature.PromptLayer:
		return []string{"x-promptlayer-signature", code(key, body)}
	case signature.GitLab:
		return []string{"x-gitlab-token", key}
	default:
		return []string{"authorization", "Bearer " + key}
	}
}

func TestEverySecretInUseIsTried(t *testing.T) {
	const body = `{"a": 1}` // as Python would write it
	for _, scheme := range []string{signature.GitHub, signature.PagerDuty, signature.PromptLayer, signature.GitLab, signature.Bearer} {
		t.Run(scheme, func(t *testing.T) {
			for _, key := range []string{secret, retired} {
				_, err := believe(t, scheme, trust(retired, secret), body, signed(scheme, key, body)...)
				require.NoError(t, err)
			}
			_, err := believe(t, scheme, trust(secret), body, signed(scheme, retired, body)...)
			require.Equal(t, signature.Mismatch, err)
			_, err = believe(t, scheme, trust(secret), body)
			require.Equal(t, signature.Missing, err)
			_, err = believe(t, scheme, trust(""), body, signed(scheme, "", body)...)
			require.Error(t, err, "an empty secret is none")
			twice := signed(scheme, secret, body)
			_, err = believe(t, scheme, trust(secret), body, append(twice, twice...)...)
			require.Equal(t, signature.Malformed, err, "of two headers, which is meant?")
		})
	}
}

func TestWhatIsNoSignature(t *testing.T) {
	const body = `{"a": 1}`
	for name, c := range map[string]struct {
		scheme string
		header []string
		want   signature.Reason
	}{
		"github, sha1":                {signature.GitHub, []string{"X-Hub-Signature", "sha1=00"}, signature.Missing},
		"github, no prefix":           {signature.GitHub, []string{"X-Hub-Signature-256", code(secret, body)}, signature.Malformed},
		"github, no hex":              {signature.GitHub, []string{"X-Hub-Signature-256", "sha256=zz"}, signature.Malformed},
		"github, half":                {signature.GitHub, []string{"X-Hub-Signature-256", "sha256=" + code(secret, body)[:32]}, signature.Mismatch},
		"github, nothing":             {signature.GitHub, []string{"X-Hub-Signature-256", "sha256="}, signature.Mismatch},
		"pagerduty, another version":  {signature.PagerDuty, []string{"X-PagerDuty-Signature", "v2=" + code(secret, body)}, signature.Malformed},
		"pagerduty, a flood":          {signature.PagerDuty, []string{"X-PagerDuty-Signature", strings.Repeat("v1=00,", 16) + "v1=" + code(secret, body)}, signature.Mismatch},
		"promptlayer, no JSON":        {signature.PromptLayer, []string{"X-PromptLayer-Signature", "sha256=" + code(secret, body)}, signature.Malformed},
		"gitlab, empty":               {signature.GitLab, []string{"X-Gitlab-Token", ""}, signature.Missing},
		"gitlab, the beginning":       {signature.GitLab, []string{"X-Gitlab-Token", secret[:8]}, signature.Mismatch},
		"bearer, basic":               {signature.Bearer, []string{"Authorization", "Basic " + secret}, signature.Mismatch},
		"bearer, in another header":   {signature.Bearer, []string{"X-Api-Key", secret}, signature.Missing},
		"standard, no time":           {signature.Standard, []string{"webhook-id", "a", "webhook-signature", "v1,AA=="}, signature.Missing},
		"standard, a time of no kind": {signature.Standard, []string{"webhook-id", "a", "webhook-timestamp", "today", "webhook-signature", "v1,AA=="}, signature.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := believe(t, c.scheme, trust(secret), body, c.header...)
			require.Equal(t, c.want, err)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestPagerDutySignsWithEachOfItsSecrets(t *testing.T) {
	both := "v1=" + code("another secret of theirs", "{}") + ", v2=00,v1=" + code(secret, "{}")
	_, err := believe(t, signature.PagerDuty, trust(secret), "{}", "X-PagerDuty-Signature", both)
	require.NoError(t, err)
}

func TestStandardBoundsTheTime(t *testing.T) {
	const key = "0123456789abcdef"
	trusted := trust("whsec_MDEyMzQ1Njc4OWFiY2RlZg==")
	at := func(seconds string) error {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte("msg." + seconds + ".{}"))
		_, err := believe(t, signature.Standard, trusted, "{}", "webhook-id", "msg", "webhook-timestamp", seconds,
			"webhook-signature", "v1a,xx v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return err
	}
	require.NoError(t, at("1614265330"))
	require.NoError(t, at("1614265030"), "five minutes ago")
	require.NoError(t, at("1614265630"), "in five minutes")
	require.Equal(t, signature.Stale, at("1614265029"))
	require.Equal(t, signature.Stale, at("1614265631"))
	require.Equal(t, signature.Stale, at("-9223372036854775808"))
	require.Equal(t, signature.Stale, at("9223372036854775807"))

	require.True(t, signature.Usable(signature.Standard, trusted.Secrets[0]))
	require.False(t, signature.Usable(signature.Standard, "whsec_!"))
	require.False(t, signature.Usable(signature.Standard, "whsec_"))
	require.True(t, signature.Usable(signature.GitHub, "!"))
}

func TestBearerTakesTheHeaderThatWasAgreedOn(t *testing.T) {
	trusted := trust(secret)
	for _, value := range []string{secret, "Bearer " + secret, "bearer  " + secret} {
		_, err := believe(t, signature.Bearer, trusted, "{}", "Authorization", value)
		require.NoError(t, err, value)
	}
	trusted.Header = "x-api-key"
	_, err := believe(t, signature.Bearer, trusted, "{}", "X-Api-Key", secret)
	require.NoError(t, err)
	_, err = believe(t, signature.Bearer, trusted, "{}", "Authorization", secret)
	require.Equal(t, signature.Missing, err)
	_, err = believe(t, signature.Bearer, trust("Basic dTpw"), "{}", "Authorization", "Basic dTpw")
	require.NoError(t, err, "the whole of a header may be the secret")
}

func TestPromptLayerVouchesForTheTextThatItSigned(t *testing.T) {
	canonical := `{"details": {"score": 1.0, "who": "caf\u00e9"}, "event_type": "x"}`
	for _, body := range []string{
		canonical,
		`{"event_type":"x","details":{"who":"café","score":1.0}}`,
		"\n{ \"event_type\" : \"other\", \"details\":{\"score\":10e-1,\"who\":\"caf\\u00E9\"},\n\"event_type\":\"x\"}\n",
	} {
		signed, err := believe(t, signature.PromptLayer, trust(secret), body, "X-PromptLayer-Signature", code(secret, canonical))
		require.NoError(t, err, body)
		require.Equal(t, canonical, string(signed))
	}
	for _, body := range []string{`{"event_type":"y","details":{"score":1.0,"who":"café"}}`, `{"event_type":"x","details":{"score":1,"who":"café"}}`} {
		_, err := believe(t, signature.PromptLayer, trust(secret), body, "X-PromptLayer-Signature", code(secret, canonical))
		require.Equal(t, signature.Mismatch, err, body)
	}
	_, err := believe(t, signature.PromptLayer, trust(secret), canonical+"{}", "X-PromptLayer-Signature", code(secret, canonical))
	require.Equal(t, signature.Malformed, err)
}

func TestNames(t *testing.T) {
	require.Equal(t, []string{"bearer", "github", "gitlab", "none", "pagerduty", "promptlayer", "standard"}, signature.Names())
	_, ok := signature.Find("md5")
	require.False(t, ok)
	signed, err := believe(t, signature.None, trust(), "x")
	require.NoError(t, err)
	require.Equal(t, "x", string(signed))
}
