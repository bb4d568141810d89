package collector_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/collector"
)

func TestConfigReportsEveryFault(t *testing.T) {
	require.NoError(t, config().Validate())
	for name, c := range map[string]struct {
		change func(*collector.Config)
		want   string
	}{
		"no key":            {func(c *collector.Config) { c.Keys = nil }, "keys: there is none"},
		"no id":             {func(c *collector.Config) { c.Keys[0].ID = "" }, "keys[0].id:"},
		"same id":           {func(c *collector.Config) { c.Keys[1].ID = "idp" }, "keys[1].id:"},
		"same key":          {func(c *collector.Config) { c.Keys[1].SHA256 = strings.ToUpper(digest(secret)) }, "keys[1].sha256: another key"},
		"no digest":         {func(c *collector.Config) { c.Keys[0].SHA256 = secret }, "keys[0].sha256: must be 64 hex digits"},
		"no tenant":         {func(c *collector.Config) { c.Keys[0].Tenant = "" }, "keys[0].tenant:"},
		"tenant with slash": {func(c *collector.Config) { c.Keys[0].Tenant = "a/b" }, "keys[0].tenant:"},
		"no source":         {func(c *collector.Config) { c.Keys[0].Sources = nil }, "keys[0].sources: there is none"},
		"star inside":       {func(c *collector.Config) { c.Keys[0].Sources = []string{"/a*b"} }, "keys[0].sources: one is empty"},
		"demo key":          {func(c *collector.Config) { c.Keys = collector.DemoKeys() }, "everybody knows"},
		"listen":            {func(c *collector.Config) { c.Listen = "8081" }, "listen:"},
		"half TLS":          {func(c *collector.Config) { c.KeyFile = "key.pem" }, "certFile:"},
		"event bytes":       {func(c *collector.Config) { c.MaxEventBytes = 2 << 20 }, "maxEventBytes:"},
		"batch bytes":       {func(c *collector.Config) { c.MaxBatchBytes = 1 }, "maxBatchBytes:"},
		"batch events":      {func(c *collector.Config) { c.MaxBatchEvents = 0 }, "maxBatchEvents:"},
		"in flight":         {func(c *collector.Config) { c.MaxInFlightBytes = 8 << 20 }, "maxInFlightBytes:"},
		"ack timeout":       {func(c *collector.Config) { c.AckTimeout = 0 }, "ackTimeout:"},
		"read timeout":      {func(c *collector.Config) { c.ReadTimeout = -1 }, "readTimeout:"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			c.change(&cfg)
			err := cfg.Validate()
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), secret)
		})
	}
	demo := config()
	demo.Keys, demo.Demo = collector.DemoKeys(), true
	require.NoError(t, demo.Validate())
	require.Equal(t, digest(collector.DemoKey), collector.DemoKeys()[0].SHA256)

	err := collector.Config{}.Validate()
	for _, key := range []string{"listen:", "maxEventBytes:", "maxBatchEvents:", "ackTimeout:", "shutdownTimeout:", "keys:"} {
		require.ErrorContains(t, err, key)
	}
}
