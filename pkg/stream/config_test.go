package stream_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/stream"
)

func TestDefaultIsValid(t *testing.T) {
	require.NoError(t, stream.Default().Validate())
	require.Equal(t, "assay.events.access", stream.Default().Topic(stream.EventTopics()[0]))
}

func TestValidateReportsEveryFault(t *testing.T) {
	cfg := stream.Config{
		Brokers:     []string{"kafka", ":9092"},
		TopicPrefix: "a/b",
		TLS:         stream.TLS{CertFile: "x"},
		SASL:        stream.SASL{Mechanism: "GSSAPI"},
	}
	err := cfg.Validate()
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	for _, key := range []string{`brokers: "kafka"`, `brokers: ":9092"`, "topicPrefix:", "tls.certFile:", "tls.enabled:", `sasl.mechanism: "GSSAPI"`} {
		require.ErrorContains(t, err, key)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 6)
}

func TestValidateSASL(t *testing.T) {
	remote := []string{"kafka-1.example.com:9093"}
	for _, c := range []struct {
		name, want string
		cfg        stream.Config
	}{
		{"no brokers", "brokers: there is none", stream.Config{}},
		{"mechanism missing", "sasl.mechanism: is empty", stream.Config{Brokers: remote, SASL: stream.SASL{Username: "u"}}},
		{"no password", "sasl.password: SCRAM-SHA-256 needs either", stream.Config{Brokers: remote, SASL: stream.SASL{Mechanism: "SCRAM-SHA-256", Username: "u"}}},
		{"both passwords", "sasl.password: SCRAM-SHA-512 needs either", stream.Config{Brokers: remote, SASL: stream.SASL{Mechanism: "SCRAM-SHA-512", Username: "u", Password: "p", PasswordFile: "f"}}},
		{"no user", "sasl.username: SCRAM-SHA-256 needs one", stream.Config{Brokers: remote, SASL: stream.SASL{Mechanism: "SCRAM-SHA-256", Password: "p"}}},
		{"token with SCRAM", "sasl.token: belongs to", stream.Config{Brokers: remote, SASL: stream.SASL{Mechanism: "SCRAM-SHA-256", Username: "u", Password: "p", Token: "t"}}},
		{"password with token", "sasl.username: OAUTHBEARER takes", stream.Config{Brokers: remote, TLS: stream.TLS{Enabled: true}, SASL: stream.SASL{Mechanism: "OAUTHBEARER", Token: "t", Password: "p"}}},
		{"no token", "sasl.token: OAUTHBEARER needs", stream.Config{Brokers: remote, TLS: stream.TLS{Enabled: true}, SASL: stream.SASL{Mechanism: "OAUTHBEARER"}}},
		{"cleartext", "PLAIN sends the secret itself", stream.Config{Brokers: remote, SASL: stream.SASL{Mechanism: "PLAIN", Username: "u", Password: "p"}}},
		{"cleartext bearer", "OAUTHBEARER sends the secret itself", stream.Config{Brokers: remote, SASL: stream.SASL{Mechanism: "OAUTHBEARER", Token: "t"}}},
		{"cleartext accepted", "", stream.Config{Brokers: remote, SASL: stream.SASL{Mechanism: "PLAIN", Username: "u", Password: "p", OverPlaintext: true}}},
		{"cleartext on loopback", "", stream.Config{Brokers: []string{"localhost:9092", "[::1]:9092"}, SASL: stream.SASL{Mechanism: "PLAIN", Username: "u", Password: "p"}}},
		{"all well", "", stream.Config{Brokers: remote, TLS: stream.TLS{Enabled: true}, SASL: stream.SASL{Mechanism: "OAUTHBEARER", TokenFile: "f"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.cfg.Validate()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.Len(t, strings.Split(err.Error(), "\n"), 1)
		})
	}
}
