package collector_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
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

func TestConfigReportsEveryFaultOfSources(t *testing.T) {
	require.NoError(t, withSources().Validate())
	long := strings.Repeat("a secret ", 4)
	for name, c := range map[string]struct {
		change func(*collector.Source)
		want   string
	}{
		"no name":           {func(s *collector.Source) { s.Name = "" }, "sources[0].name:"},
		"name of a path":    {func(s *collector.Source) { s.Name = "a/b" }, "sources[0].name:"},
		"the same name":     {func(s *collector.Source) { s.Name = "gitlab" }, "sources[3].name:"},
		"no vendor":         {func(s *collector.Source) { s.Vendor = "" }, "sources[0].vendor: is empty"},
		"no source":         {func(s *collector.Source) { s.Source = "" }, "sources[0].source:"},
		"a source of all":   {func(s *collector.Source) { s.Source = "/github/*" }, "sources[0].source:"},
		"tenant of a path":  {func(s *collector.Source) { s.Tenant = "a/b" }, "sources[0].tenant:"},
		"header":            {func(s *collector.Source) { s.Header = "X Key" }, "sources[0].header:"},
		"too large":         {func(s *collector.Source) { s.MaxBytes = 65 << 20 }, "sources[0].maxBytes:"},
		"a short secret":    {func(s *collector.Source) { s.Secrets = []settings.Secret{"hunter2"} }, "sources[0].secrets: one has less than 16 bytes"},
		"the demo's secret": {func(s *collector.Source) { s.Secrets = []settings.Secret{collector.DemoSourceSecret} }, "everybody knows"},
		"another's secret":  {func(s *collector.Source) { s.Secrets = []settings.Secret{settings.Secret(secretOf("gitlab"))} }, "sources[3].secrets: sources[0] has the same"},
		"no file":           {func(s *collector.Source) { s.SecretFiles = []string{""} }, "sources[0].secretFiles:"},
		"a setting's name":  {func(s *collector.Source) { s.SecretEnv = []string{"ASSAY_X"} }, "sources[0].secretEnv:"},

		"an unknown vendor":   {func(s *collector.Source) { s.Vendor = "githup" }, `sources[0].vendor: there is no vendor "githup"`},
		"no secret":           {func(s *collector.Source) { s.Secrets = nil }, "sources[0].secrets: there is none"},
		"no such file":        {func(s *collector.Source) { s.SecretFiles = []string{"/no/such/file"} }, "sources[0].secretFiles: reading a secret:"},
		"no such variable":    {func(s *collector.Source) { s.SecretEnv = []string{"NO_SUCH"} }, "the variable NO_SUCH is not set"},
		"a short variable":    {func(s *collector.Source) { s.SecretEnv = []string{"SHORT"} }, "sources[0].secrets: one has less than 16 bytes"},
		"the demo's, hidden":  {func(s *collector.Source) { s.SecretEnv = []string{"DEMO"} }, "everybody knows"},
		"a header of its own": {func(s *collector.Source) { s.Header = "X-Key" }, "leave header out"},
		"who signs nothing":   {func(s *collector.Source) { s.Vendor = "none" }, "anybody could send as none"},
		"no base64": {func(s *collector.Source) {
			s.Vendor, s.Secrets = "standard", []settings.Secret{settings.Secret("whsec_!!" + long)}
		}, "isn't of the form"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := withSources()
			c.change(&cfg.Sources[0])
			deps := collector.Deps{
				Metrics: prometheus.NewRegistry(), Kafka: stream.Default(), Ready: func(string, error) {}, Vendors: vendors(t),
				Env: func(name string) string {
					return map[string]string{"SHORT": "hunter2", "DEMO": collector.DemoSourceSecret}[name]
				},
			}
			deps.Kafka.Brokers = []string{"127.0.0.1:1"}
			err := collector.Run(t.Context(), cfg, deps)
			require.ErrorContains(t, err, c.want)
			for _, hidden := range []string{"hunter2", long, secretOf("gitlab"), collector.DemoSourceSecret} {
				require.NotContains(t, err.Error(), hidden)
			}
		})
	}
	demo := withSources()
	demo.Keys, demo.Demo = nil, true
	demo.Sources[0].Secrets = []settings.Secret{collector.DemoSourceSecret}
	require.NoError(t, demo.Validate(), "sources are enough")
	shown, err := yaml.Marshal(demo)
	require.NoError(t, err)
	require.NotContains(t, string(shown), collector.DemoSourceSecret)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", demo, demo, demo), collector.DemoSourceSecret)
}

func TestSourcesAreConfiguredInOneVariable(t *testing.T) {
	var cfg struct {
		Collector collector.Config `yaml:"collector"`
	}
	cfg.Collector = collector.Default()
	s, err := settings.Load(&cfg, settings.Source{Prefix: "ASSAY_", Env: []string{
		`ASSAY_COLLECTOR_SOURCES=[{name: github, vendor: github, source: /github/acme, secrets: [` + secretOf("github") + `], secretEnv: [HOOK]}]`,
	}})
	require.NoError(t, err)
	require.NoError(t, s.Validate("collector"))
	require.Equal(t, secretOf("github"), cfg.Collector.Sources[0].Secrets[0].Reveal())
	require.Equal(t, []string{"HOOK"}, cfg.Collector.Sources[0].SecretEnv)
	require.Contains(t, fmt.Sprint(s.Show()), "/github/acme")
	require.NotContains(t, fmt.Sprint(s.Show()), secretOf("github"))
}
