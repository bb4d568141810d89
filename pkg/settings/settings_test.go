package settings_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
)

type config struct {
	Demo  bool   `yaml:"demo"`
	Kafka kafka  `yaml:"kafka"`
	Doors doors  `yaml:"doors"`
	Level level  `yaml:"level"`
	Extra *extra `yaml:"extra"`
}

type kafka struct {
	Brokers      []string        `yaml:"brokers"`
	TopicPrefix  string          `yaml:"topicPrefix"`
	Password     settings.Secret `yaml:"password"`
	PasswordFile string          `yaml:"passwordFile"`
	Retries      int             `yaml:"retries"`
	Timeout      time.Duration   `yaml:"timeout"`
}

func (k kafka) Validate() error {
	var faults []error
	if k.Retries < 0 {
		faults = append(faults, fmt.Errorf("retries: %d is below 0", k.Retries))
	}
	if k.Timeout <= 0 {
		faults = append(faults, errors.New("timeout: it must be above 0"))
	}
	if len(k.Brokers) == 0 {
		faults = append(faults, errors.New("there are no brokers"), errors.New("kafka.brokers is empty"), errors.New("«all» is wrong"))
	}
	return errors.Join(errors.Join(faults...))
}

type doors struct {
	Sources map[string]source `yaml:"sources"`
	Tokens  map[string]string `yaml:"tokens"`
	Limits  []limit           `yaml:"limits"`
}

type source struct {
	Secret settings.Secret `yaml:"secret"`
	Path   string          `yaml:"path"`
}

type limit struct {
	Rate float64 `yaml:"rate"`
}

type extra struct {
	On bool `yaml:"on"`
}

type level string

func (l *level) UnmarshalText(b []byte) error {
	if string(b) != "info" && string(b) != "debug" {
		return fmt.Errorf("%q is neither info nor debug", b)
	}
	*l = level(b)
	return nil
}

func defaults() config {
	return config{Kafka: kafka{Brokers: []string{"127.0.0.1:9092"}, TopicPrefix: "assay.", Retries: 3, Timeout: time.Second}, Level: "info"}
}

// load writes text to assay.yaml and reads it; the file's folder is cut from errors.
func load(t *testing.T, text string, src settings.Source) (config, *settings.Settings, string) {
	t.Helper()
	dir := t.TempDir()
	if text != "" {
		src.File = filepath.Join(dir, "assay.yaml")
		require.NoError(t, os.WriteFile(src.File, []byte(text), 0o600))
	}
	src.Prefix = "ASSAY_"
	cfg := defaults()
	s, err := settings.Load(&cfg, src)
	if err == nil {
		return cfg, s, ""
	}
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	return cfg, s, strings.ReplaceAll(err.Error(), dir+"/", "")
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"unknown key", "kafka:\n  topicPrefx: x\n", "assay.yaml:2:3: there is no key kafka.topicPrefx; did you mean kafka.topicPrefix?"},
		{"key of another section", "demo: true\nbrokers: [a]\n", "assay.yaml:2:1: there is no key brokers; did you mean kafka.brokers?"},
		{"nothing near", "kafka:\n  zzzzzzzz: 1\n", "assay.yaml:2:3: there is no key kafka.zzzzzzzz; there are brokers, topicPrefix, password, passwordFile, retries, timeout"},
		{"wrong case", "kafka: {topicprefix: x}\n", "assay.yaml:1:9: there is no key kafka.topicprefix; did you mean kafka.topicPrefix?"},
		{"wrong type", "kafka:\n  retries: many\n", "assay.yaml:2:12: kafka.retries wants a whole number, not a text"},
		{"fraction", "kafka:\n  retries: 1.5\n", "assay.yaml:2:12: kafka.retries wants a whole number, not a number"},
		{"too large", "kafka:\n  retries: 99999999999999999999\n", "assay.yaml:2:12: kafka.retries wants a whole number, not a number"},
		{"out of range", "kafka:\n  retries: 9223372036854775808\n", "assay.yaml:2:12: kafka.retries is out of range"},
		{"list for text", "kafka:\n  topicPrefix: [a]\n", "assay.yaml:2:16: kafka.topicPrefix wants a text, not a list"},
		{"text for list", "kafka:\n  brokers: a:9092\n", "assay.yaml:2:12: kafka.brokers wants a list, not a text"},
		{"text for section", "kafka: on\n", "assay.yaml:1:8: kafka wants keys and values, not a text"},
		{"list at the top", "- a\n", "assay.yaml:1:1: the configuration wants keys and values, not a list"},
		{"bad duration", "kafka:\n  timeout: 5\n", "assay.yaml:2:12: kafka.timeout wants a duration such as 30s or 5m, not a number"},
		{"own words", "level: loud\n", `assay.yaml:1:8: level: "loud" is neither info nor debug`},
		{"no value", "kafka:\n  topicPrefix:\n", "assay.yaml:2:15: kafka.topicPrefix has no value; it wants a text"},
		{"duplicate", "demo: true\nkafka: {}\ndemo: false\n", "assay.yaml:3:1: demo is given twice, first on line 1"},
		{"duplicate in a map", "doors:\n  sources:\n    okta: {path: a}\n    okta: {path: b}\n", "assay.yaml:4:5: doors.sources.okta is given twice, first on line 3"},
		{"unknown key in a map", "doors:\n  sources:\n    okta: {pth: a}\n", "assay.yaml:3:12: there is no key doors.sources.okta.pth; did you mean doors.sources.okta.path?"},
		{"unknown key in a list", "doors:\n  limits:\n    - rate: 1\n    - rat: 2\n", "assay.yaml:4:7: there is no key doors.limits[1].rat; did you mean doors.limits[1].rate?"},
		{"secret of another type", "kafka:\n  password: [hunter2]\n", "assay.yaml:2:13: kafka.password wants a text, not a list"},
		{"merge key", "x: &x {demo: true}\n<<: *x\n", "assay.yaml:1:1: there is no key x; there are demo, kafka, doors, level, extra\nassay.yaml:2:1: a key below the configuration is not a plain word; merge keys are not supported"},
		{"two documents", "demo: true\n---\ndemo: false\n", "assay.yaml:2:1: a second document begins; the configuration is one"},
		{"not YAML", "kafka:\n  a: [\n", "assay.yaml:2: this is not YAML: did not find expected node content"},
		{"tab", "kafka:\n\tbrokers: []\n", "assay.yaml:2: this is not YAML: found character that cannot start any token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, got := load(t, c.file, settings.Source{})
			require.Equal(t, c.want, got)
		})
	}
}

func TestFaultsOfVariablesAndFlags(t *testing.T) {
	_, _, got := load(t, "kafka:\n  retires: 1\n", settings.Source{
		Env: []string{"ASSAY_KAFKA_TOPICPREFIX=x", "ASSAY_KAFKA_RETRIES=many", "ASSAY_CONFIG=file", "ASSAY_TEST_SEED=1", "HOME=/", "ASSAY_QQQQQQQQQQ=1"},
		Set: []string{"kafka.timout=1s", "demo", "demo.x=1", "kafka.timeout=soon", "doors.limits={"}, Reserved: []string{"ASSAY_CONFIG", "ASSAY_TEST_*"},
	})
	require.Equal(t, strings.Split(strings.TrimSpace(`
assay.yaml:2:3: there is no key kafka.retires; did you mean kafka.retries?
env ASSAY_KAFKA_RETRIES: kafka.retries wants a whole number, not a text
env ASSAY_KAFKA_TOPICPREFIX: there is no such key; did you mean ASSAY_KAFKA_TOPIC_PREFIX?
env ASSAY_QQQQQQQQQQ: there is no such key; `+"`assay config show`"+` lists the keys
flag --set kafka.timout: there is no key kafka.timout; did you mean kafka.timeout?
flag --set: "demo" has no '='; write key=value
flag --set demo.x: demo has no keys below it
flag --set kafka.timeout: kafka.timeout wants a duration such as 30s or 5m, not a text
flag --set doors.limits: doors.limits wants a list
`), "\n"), strings.Split(got, "\n"))
}

func TestPrecedenceAndOrigins(t *testing.T) {
	cfg, s, faults := load(t, `
kafka:
  brokers: [file-1:9092, file-2:9092]
  topicPrefix: file.
  retries: 5
doors:
  sources:
    okta: {secret: hunter2, path: /okta}
  tokens: {alice: hunter2}
`, settings.Source{
		Env: []string{"ASSAY_KAFKA_BROKERS=env-1:9092, env-2:9092", "ASSAY_KAFKA_TOPIC_PREFIX=env.", "ASSAY_KAFKA_TIMEOUT=", "ASSAY_EXTRA_ON=true"},
		Set: []string{"kafka.topicPrefix=", "doors.sources.github.path=/github", "kafka.password=yes: it is", "level=debug"},
	})
	require.Empty(t, faults)
	require.Equal(t, []string{"env-1:9092", "env-2:9092"}, cfg.Kafka.Brokers)
	require.Equal(t, settings.Secret("yes: it is"), cfg.Kafka.Password)
	require.Equal(t, time.Second, cfg.Kafka.Timeout)

	var lines []string
	for _, e := range s.Show() {
		at := e.Origin
		if strings.Contains(at, "assay.yaml") {
			at = at[strings.LastIndex(at, "/")+1:]
		}
		lines = append(lines, fmt.Sprintf("%s=%s (%s)", e.Key, e.Value, at))
	}
	require.Equal(t, strings.Split(strings.TrimSpace(`
demo=false (default)
kafka.brokers=['env-1:9092', 'env-2:9092'] (env ASSAY_KAFKA_BROKERS)
kafka.topicPrefix= (flag --set kafka.topicPrefix)
kafka.password=[redacted] (flag --set kafka.password)
kafka.passwordFile= (default)
kafka.retries=5 (assay.yaml:5)
kafka.timeout=1s (default)
doors.sources.github.secret= (assay.yaml:8)
doors.sources.github.path=/github (flag --set doors.sources.github.path)
doors.sources.okta.secret=[redacted] (assay.yaml:8)
doors.sources.okta.path=/okta (assay.yaml:8)
doors.tokens.alice=[redacted] (assay.yaml:9)
doors.limits=[] (default)
level=debug (flag --set level)
extra.on=true (env ASSAY_EXTRA_ON)
`), "\n"), lines)
}

// A list or map that a source gives replaces the one below it, and the defaults
// of another Load stay as they are.
func TestSourcesReplaceLists(t *testing.T) {
	base := defaults()
	cfg, _, faults := load(t, "kafka: {brokers: [a:1]}\ndoors: {tokens: {alice: x}}\n", settings.Source{
		Set: []string{"kafka.brokers=[b:2, c:3]", "doors.tokens={bob: y}", "doors.limits=[{rate: 2}]"},
	})
	require.Empty(t, faults)
	require.Equal(t, []string{"b:2", "c:3"}, cfg.Kafka.Brokers)
	require.Equal(t, map[string]string{"bob": "y"}, cfg.Doors.Tokens)
	require.Equal(t, []limit{{Rate: 2}}, cfg.Doors.Limits)
	require.Equal(t, []string{"127.0.0.1:9092"}, base.Kafka.Brokers)
}

func TestAliasesAndEmptySections(t *testing.T) {
	cfg, _, faults := load(t, "kafka:\ndoors:\n  sources:\n    a: &s {path: /x}\n    b: *s\n", settings.Source{})
	require.Empty(t, faults)
	require.Equal(t, defaults().Kafka, cfg.Kafka)
	require.Equal(t, "/x", cfg.Doors.Sources["b"].Path)
	for _, empty := range []string{" ", "# nothing\n", "---\n", "null\n"} {
		cfg, _, faults := load(t, empty, settings.Source{})
		require.Empty(t, faults, empty)
		require.Equal(t, defaults(), cfg)
	}
}

// Kubernetes puts such variables into each pod of a namespace that has a
// Service named assay or assay-kafka.
func TestServiceLinksAreNoKeys(t *testing.T) {
	_, _, faults := load(t, "", settings.Source{Env: []string{
		"ASSAY_SERVICE_HOST=10.0.0.1", "ASSAY_SERVICE_PORT=80", "ASSAY_SERVICE_PORT_HTTP=80", "ASSAY_PORT=tcp://10.0.0.1:80",
		"ASSAY_KAFKA_PORT_80_TCP=tcp://10.0.0.1:80", "ASSAY_PORT_80_TCP_PROTO=tcp", "ASSAY_PORT_80_TCP_PORT=80", "ASSAY_PORT_80_TCP_ADDR=10.0.0.1",
	}})
	require.Empty(t, faults)
}

func TestMissingFile(t *testing.T) {
	cfg := defaults()
	_, err := settings.Load(&cfg, settings.Source{File: "absent.yaml"})
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	require.ErrorContains(t, err, "reading the configuration: open absent.yaml")
}

func TestValidateSaysWhereTheKeyWasSet(t *testing.T) {
	_, s, faults := load(t, "kafka:\n  retries: -1\n  brokers: []\n", settings.Source{Env: []string{"ASSAY_KAFKA_TIMEOUT=0s"}})
	require.Empty(t, faults)
	err := s.Validate()
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	var lines []string
	for line := range strings.Lines(err.Error()) {
		lines = append(lines, strings.TrimSpace(line[strings.LastIndex(line, "/")+1:]))
	}
	require.Equal(t, []string{
		"assay.yaml:2:12: kafka.retries: -1 is below 0",
		"env ASSAY_KAFKA_TIMEOUT: kafka.timeout: it must be above 0",
		"assay.yaml:3:12: kafka: there are no brokers",
		"assay.yaml:3:12: kafka.brokers is empty",
		"assay.yaml:3:12: kafka: «all» is wrong",
	}, lines)
	require.NoError(t, s.Validate("doors"), "only what is asked for")
	require.EqualError(t, s.Validate("door"), "there is no section door; did you mean doors?")
}

func TestHiddenPartsAreNoKeys(t *testing.T) {
	_, s, got := load(t, "doors: {}\nkafka: {brokers: [a], retries: 1}\n", settings.Source{
		Hidden: []string{"kafka.brokers", "doors"}, Env: []string{"ASSAY_KAFKA_BROKERS=b"}, Set: []string{"kafka.brokers=c"},
	})
	require.Equal(t, strings.Split(strings.TrimSpace(`
assay.yaml:1:1: there is no key doors; there are demo, kafka, level, extra
assay.yaml:2:9: there is no key kafka.brokers; there are topicPrefix, password, passwordFile, retries, timeout
env ASSAY_KAFKA_BROKERS: there is no such key; did you mean ASSAY_KAFKA_RETRIES?
flag --set kafka.brokers: there is no key kafka.brokers; there are topicPrefix, password, passwordFile, retries, timeout
`), "\n"), strings.Split(got, "\n"))
	for _, e := range s.Show() {
		require.False(t, e.Key == "kafka.brokers" || strings.HasPrefix(e.Key, "doors"), e.Key)
	}
}

func TestKeysMayNotShareAVariable(t *testing.T) {
	var cfg struct {
		A struct {
			BC int `yaml:"bC"`
		} `yaml:"a"`
		AB struct {
			C int `yaml:"c"`
		} `yaml:"aB"`
	}
	_, err := settings.Load(&cfg, settings.Source{Prefix: "ASSAY_"})
	require.ErrorContains(t, err, "ASSAY_A_B_C: the keys a.bC and aB.c share this variable")
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"kafka: {brokers: [a]}", "a: &a [*a]", "<<: {}", "? [a]\n: b", "doors: {sources: {a: {b: c}}}", "extra: ~", "level: !!binary aW5mbw=="} {
		f.Add(seed)
	}
	file := filepath.Join(f.TempDir(), "assay.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		cfg := defaults()
		s, err := settings.Load(&cfg, settings.Source{File: file, Set: []string{text}})
		require.NotNil(t, s)
		require.NotEmpty(t, s.Show())
		if err != nil {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
		}
		_ = s.Validate()
	})
}
