package stream_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/stream"
)

const password = "correct-horse"

// secured is a cluster behind mutual TLS with one user of each mechanism.
func secured(t *testing.T, ca authority) stream.Config {
	t.Helper()
	cfg := newCluster(t,
		kfake.TLS(ca.serverTLS(t)), kfake.EnableSASL(), kfake.SeedTopics(1, "assay.events.access"),
		kfake.Superuser(stream.Plain, "plain", password),
		kfake.Superuser(stream.ScramSHA256, "scram256", password),
		kfake.Superuser(stream.ScramSHA512, "scram512", password))
	cfg.TLS = stream.TLS{Enabled: true, CAFile: ca.file}
	cfg.TLS.CertFile, cfg.TLS.KeyFile = ca.issue(t)
	return cfg
}

func TestRoundTripThroughTLSAndSASL(t *testing.T) {
	ca := newAuthority(t)
	cfg := secured(t, ca)
	for mechanism, user := range map[string]string{
		stream.Plain: "plain", stream.ScramSHA256: "scram256", stream.ScramSHA512: "scram512",
	} {
		t.Run(mechanism, func(t *testing.T) {
			cfg := cfg
			cfg.SASL = stream.SASL{Mechanism: mechanism, Username: user, PasswordFile: writeFile(t, "password", password+"\n")}
			topic := cfg.Topic("events.access")
			cl := newClient(t, cfg, kgo.ConsumeTopics(topic))
			require.NoError(t, stream.Ping(t.Context(), cl, 5*time.Second))
			sent := &kgo.Record{Topic: topic, Value: []byte(mechanism)}
			require.NoError(t, cl.ProduceSync(t.Context(), sent).FirstErr())

			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for {
				fetches := cl.PollFetches(ctx)
				require.NoError(t, fetches.Err())
				for r := range fetches.RecordsAll() {
					if r.Offset == sent.Offset {
						require.Equal(t, mechanism, string(r.Value))
						return
					}
				}
			}
		})
	}
}

// TestPingNamesTheFault holds the text that an operator sees, and that it never
// has the secret.
func TestPingNamesTheFault(t *testing.T) {
	ca := newAuthority(t)
	good := secured(t, ca)
	good.SASL = stream.SASL{Mechanism: stream.ScramSHA256, Username: "scram256", Password: password}
	for _, c := range []struct {
		name, want string
		change     func(*stream.Config)
	}{
		{"wrong password", "kafka.sasl", func(c *stream.Config) { c.SASL.Password = "wrong-horse" }},
		{"another authority", "certificate", func(c *stream.Config) { c.TLS.CAFile = newAuthority(t).file }},
		{"another host", "certificate", func(c *stream.Config) { c.TLS.ServerName = "kafka.example.com" }},
		{"no client certificate", "certificate", func(c *stream.Config) { c.TLS.CertFile, c.TLS.KeyFile = "", "" }},
		{"no TLS", "127.0.0.1", func(c *stream.Config) { c.TLS = stream.TLS{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			var logged bytes.Buffer
			opts, err := cfg.Options(zerolog.New(&logged).Level(zerolog.TraceLevel))
			require.NoError(t, err)
			cl, err := kgo.NewClient(opts...)
			require.NoError(t, err)
			defer cl.Close()
			err = stream.Ping(t.Context(), cl, 2*time.Second)
			require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, cfg.Brokers[0])
			require.NotContains(t, err.Error()+logged.String(), "horse")
			require.NotEmpty(t, logged.String())
		})
	}
}

// A listener that never answers is the hardest kind of absence.
func TestPingHasADeadline(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	cfg := stream.Default()
	cfg.Brokers = []string{silent.Addr().String()}
	start := time.Now()
	err = stream.Ping(t.Context(), newClient(t, cfg), 300*time.Millisecond)
	require.ErrorContains(t, err, "no answer within 300ms")
	require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
	require.Less(t, time.Since(start), 5*time.Second)
}

func TestRotatedPasswordIsRead(t *testing.T) {
	ca := newAuthority(t)
	cfg := secured(t, ca)
	file := writeFile(t, "password", "old")
	cfg.SASL = stream.SASL{Mechanism: stream.ScramSHA256, Username: "scram256", PasswordFile: file}
	cl := newClient(t, cfg)
	require.Error(t, stream.Ping(t.Context(), cl, time.Second))
	require.NoError(t, os.WriteFile(file, []byte(password), 0o600))
	require.NoError(t, stream.Ping(t.Context(), cl, 10*time.Second))
}

func TestMissingFilesStopTheStart(t *testing.T) {
	for want, change := range map[string]func(*stream.Config){
		"tls.caFile":   func(c *stream.Config) { c.TLS = stream.TLS{Enabled: true, CAFile: "absent"} },
		"tls.certFile": func(c *stream.Config) { c.TLS = stream.TLS{Enabled: true, CertFile: "absent", KeyFile: "absent"} },
		"no PEM":       func(c *stream.Config) { c.TLS = stream.TLS{Enabled: true, CAFile: writeFile(t, "ca", "text")} },
		"sasl.passwordFile": func(c *stream.Config) {
			c.SASL = stream.SASL{Mechanism: "PLAIN", Username: "u", PasswordFile: "absent"}
		},
		"sasl.tokenFile": func(c *stream.Config) { c.SASL = stream.SASL{Mechanism: "OAUTHBEARER", TokenFile: "absent"} },
		"is empty": func(c *stream.Config) {
			c.SASL = stream.SASL{Mechanism: "OAUTHBEARER", TokenFile: writeFile(t, "token", "\n")}
		},
	} {
		cfg := stream.Default()
		change(&cfg)
		_, err := cfg.Options(zerolog.Nop())
		require.ErrorContains(t, err, want)
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err), want)
	}
}

func TestConfigNeverPrintsSecrets(t *testing.T) {
	cfg := stream.Default()
	cfg.SASL = stream.SASL{Mechanism: stream.ScramSHA256, Password: password, Token: password}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, cfg), password, verb)
	}
	require.NotContains(t, cfg.Validate().Error(), password)
}
