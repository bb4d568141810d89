package notifier_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/notifier"
)

func good() notifier.Config {
	c := notifier.Default()
	c.Targets = []notifier.Target{
		{Name: "hook", Kind: notifier.KindWebhook, URL: "https://hook.example.com/s3cret", Secrets: []settings.Secret{hookSecret}},
		{Name: "chat", Kind: notifier.KindSlack, URLFile: "/run/secrets/slack"},
		{Name: "oncall", Kind: notifier.KindPagerDuty, RoutingKey: routingKey},
		{Name: "prom", Kind: notifier.KindAlertmanager, URL: "https://am.example.com", Token: "b3arer"},
	}
	c.Routes = []notifier.Route{{Name: "all", Targets: []string{"hook", "chat", "oncall", "prom"}}}
	return c
}

func TestConfigFaults(t *testing.T) {
	require.NoError(t, notifier.Default().Validate())
	require.NoError(t, good().Validate())
	minute, long := time.Minute, 2*time.Hour
	for want, change := range map[string]func(*notifier.Config){
		"targets[0].name: \"Hook\" is no name":                  func(c *notifier.Config) { c.Targets[0].Name = "Hook" },
		"targets[1].name: hook is taken":                        func(c *notifier.Config) { c.Targets[1].Name = "hook" },
		"targets[0].kind: \"mail\" is unknown":                  func(c *notifier.Config) { c.Targets[0].Kind = "mail" },
		"targets[0].url: is empty":                              func(c *notifier.Config) { c.Targets[0].URL = "" },
		"targets[0].url: is set and urlFile too":                func(c *notifier.Config) { c.Targets[0].URLFile = "x" },
		"targets[0].url: is not https":                          func(c *notifier.Config) { c.Targets[0].URL = "http://hook.example.com/s3cret" },
		"targets[3].url: is not https":                          func(c *notifier.Config) { c.Targets[3].URL = "ftp://x.example.com"; c.Targets[3].AllowHTTP = true },
		"targets[0].url: is no URL":                             func(c *notifier.Config) { c.Targets[0].URL = "s3cret" },
		"targets[0].secrets: a webhook needs":                   func(c *notifier.Config) { c.Targets[0].Secrets = nil },
		"targets[0].secrets[0]: a webhook's secret":             func(c *notifier.Config) { c.Targets[0].Secrets[0] = "s3cret" },
		"targets[2].routingKey: pagerduty needs":                func(c *notifier.Config) { c.Targets[2].RoutingKey = "" },
		"targets[3].routingKey: belongs to pagerduty":           func(c *notifier.Config) { c.Targets[3].RoutingKey = "s3cret" },
		"targets[1].secrets: belongs to webhook":                func(c *notifier.Config) { c.Targets[1].SecretFiles = []string{"x"} },
		"targets[0].token: belongs to alertmanager":             func(c *notifier.Config) { c.Targets[0].Token = "s3cret" },
		"targets[3].labels: \"item\" can't be set":              func(c *notifier.Config) { c.Targets[3].Labels = map[string]string{"item": "x"} },
		"targets[0].allowPrivate[0]: \"10.0.0.1\" is no":        func(c *notifier.Config) { c.Targets[0].AllowPrivate = []string{"10.0.0.1"} },
		"targets[3]: no route names prom":                       func(c *notifier.Config) { c.Routes[0].Targets = []string{"hook", "chat", "oncall"} },
		"routes[0].targets[0]: there is no target x":            func(c *notifier.Config) { c.Routes[0].Targets[0] = "x" },
		"routes[0].targets: is empty":                           func(c *notifier.Config) { c.Routes[0].Targets = nil },
		"routes[0].controls[0]: \"[\" is no glob":               func(c *notifier.Config) { c.Routes[0].Controls = []string{"["} },
		"routes[0].kinds[0]: \"closed\" is unknown":             func(c *notifier.Config) { c.Routes[0].Kinds = []string{"closed"} },
		"routes[0].kinds: what is opened at oncall must be":     func(c *notifier.Config) { c.Routes[0].Kinds = []string{"opened"} },
		"routes[0].groupWait: is 2h0m0s":                        func(c *notifier.Config) { c.Routes[0].GroupWait = &long },
		"timeout: is 1m0s; choose up to 20s":                    func(c *notifier.Config) { c.Timeout = minute },
		"firstWait, lastWait: are 1s and 1ms":                   func(c *notifier.Config) { c.LastWait = time.Millisecond },
		"queue: is 0":                                           func(c *notifier.Config) { c.Queue = 0 },
		"sessionTimeout: is 1s":                                 func(c *notifier.Config) { c.SessionTimeout = time.Second },
		"routes[0].name: \"\" is no name; use a-z, 0-9 and '-'": func(c *notifier.Config) { c.Routes[0].Name = "" },
	} {
		c := good()
		change(&c)
		err := c.Validate()
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "s3cret")
	}
	c := good()
	c.Routes = append(c.Routes, notifier.Route{Name: "opened", Kinds: []string{"opened"}, Targets: []string{"chat"}})
	require.NoError(t, c.Validate(), "people may hear of openings alone")
}

// However a configuration is printed, no secret shows.
func TestConfigHidesSecrets(t *testing.T) {
	c := good()
	asYAML, err := yaml.Marshal(c)
	require.NoError(t, err)
	asJSON, err := json.Marshal(c)
	require.NoError(t, err)
	s, err := settings.Load(&struct {
		Notifier notifier.Config `yaml:"notifier"`
	}{c}, settings.Source{Prefix: "ASSAY_"})
	require.NoError(t, err)
	shown := fmt.Sprint(s.Show())
	require.Contains(t, shown, "notifier.targets[2].routingKey")
	for _, text := range []string{string(asYAML), string(asJSON), shown, fmt.Sprintf("%v %+v %#v", c, c, c)} {
		for _, secret := range []string{"s3cret", routingKey, strings.TrimPrefix(hookSecret, "whsec_"), "b3arer"} {
			require.NotContains(t, text, secret)
		}
	}
}
