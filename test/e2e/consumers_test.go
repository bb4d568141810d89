//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// consumerIdle is how long the examples wait for more, in seconds.
const consumerIdle = "6"

// TestForeignConsumers has the examples of docs/examples read the topic as their
// readers would: each tells every change once, in the order of each item.
func TestForeignConsumers(t *testing.T) {
	f := newFleet(t, smallStory)
	want := f.publishViolations(200)
	for name, command := range map[string]func(*testing.T) *exec.Cmd{"python": pythonConsumer, "java": javaConsumer} {
		t.Run(name, func(t *testing.T) {
			c := command(t)
			c.Args = append(c.Args, f.kafka.Brokers[0], f.kafka.Topic("violations"), f.kafka.TopicPrefix+name, consumerIdle)
			out, err := c.Output()
			require.NoError(t, err, "%s", stderrOf(err))
			requireTold(t, want, strings.Split(strings.TrimSpace(string(out)), "\n"))
		})
	}
}

func stderrOf(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(exit.Stderr)
	}
	return ""
}

// requireTold: every change once, those of an item in order.
func requireTold(t *testing.T, want, got []string) {
	t.Helper()
	order := func(list []string) map[string][]string {
		items := map[string][]string{}
		for _, line := range list {
			episode, _, _ := strings.Cut(strings.Fields(line)[1], "#")
			items[episode] = append(items[episode], line)
		}
		return items
	}
	require.Equal(t, order(want), order(got))
}

// publishViolations writes what a publisher writes that is killed now and then:
// runs of records come again.
func (f *fleet) publishViolations(items int) (told []string) {
	cl := f.client(kgo.ProducerBatchCompression(kgo.GzipCompression())) // as the publisher does
	var records []*kgo.Record
	for i := range items {
		for n, change := range []record.Change{record.Opened, record.Updated, record.Corrected}[:1+i%3] {
			v := record.Violation{Schema: record.ViolationSchema, Change: change, Severity: "high", Title: "t", Criteria: []string{"CC8.1"}}
			v.Episode = record.ItemKey("default", "CH-01", fmt.Sprintf("d-%d", i))
			v.ID = fmt.Sprintf("%s#%d", v.Episode, n+2)
			v.Verdict.Tenant, v.Verdict.Control, v.Verdict.Number, v.Verdict.Item.ID = "default", "CH-01", n+2, fmt.Sprintf("d-%d", i)
			if v.Verdict.Outcome = compliance.Deviation; change == record.Corrected {
				v.Verdict.Outcome = compliance.Pass
			}
			value, err := json.Marshal(v)
			require.NoError(f.t, err)
			records = append(records, &kgo.Record{Topic: f.kafka.Topic("violations"), Key: []byte(v.Episode), Value: value})
			told = append(told, string(change)+" "+v.ID)
		}
	}
	for from := 0; from < len(records); from += 50 {
		for _, again := range []int{from, max(0, from-20)} {
			for _, r := range records[again:min(len(records), from+50)] {
				require.NoError(f.t, cl.ProduceSync(f.t.Context(), &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value}).FirstErr())
			}
		}
	}
	return told
}

// pythonConsumer installs the example's client into a folder of the test's. Where no
// package index can be reached it skips, and says so.
func pythonConsumer(t *testing.T) *exec.Cmd {
	python, err := exec.LookPath("python3")
	if err != nil {
		skipLoudly(t, "there is no python3")
	}
	folder := filepath.Join(t.TempDir(), "venv")
	if out, err := exec.Command(python, "-m", "venv", folder).CombinedOutput(); err != nil {
		skipLoudly(t, "python3 -m venv: %s", out)
	}
	example := filepath.Join(root, "docs/examples/consumers/python")
	install := exec.CommandContext(t.Context(), filepath.Join(folder, "bin/pip"), "install", "--quiet", "--disable-pip-version-check",
		"-r", filepath.Join(example, "requirements.txt"))
	if out, err := install.CombinedOutput(); err != nil {
		skipLoudly(t, "pip can't install kafka-python: %s", out)
	}
	return exec.Command(filepath.Join(folder, "bin/python"), filepath.Join(example, "consumer.py"))
}

// javaConsumer runs the example with the client of Kafka's own jars, which
// scripts/kafka-up.sh has cached.
func javaConsumer(t *testing.T) *exec.Cmd {
	java, err := exec.LookPath("java")
	if err != nil {
		skipLoudly(t, "there is no java")
	}
	cache := os.Getenv("ASSAY_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		require.NoError(t, err)
		cache = filepath.Join(home, ".cache/assay")
	}
	jars, err := filepath.Glob(filepath.Join(cache, "kafka/*/libs/kafka-clients-*.jar"))
	require.NoError(t, err)
	if len(jars) == 0 {
		skipLoudly(t, "scripts/kafka-up.sh has cached no kafka-clients jar below %s", cache)
	}
	libs := filepath.Dir(slices.Max(jars))
	return exec.Command(java, "-Xmx256m", "-cp", filepath.Join(libs, "*"), filepath.Join(root, "docs/examples/consumers/java/Consumer.java"))
}

// skipLoudly has the end of the run tell of what was not tested.
func skipLoudly(t *testing.T, format string, args ...any) {
	t.Helper()
	say(t, "SKIPPED, so this consumer was not tested: "+format, args...)
	t.SkipNow()
}

// TestNotifier runs the notifier as a process on real Kafka, kills it again and
// again, and holds what a webhook got against what was published: everything came,
// nothing out of order, and deliveries tell of each.
func TestNotifier(t *testing.T) {
	f := newFleet(t, smallStory)
	var mu sync.Mutex
	var got []string
	gate := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-gate
		body, _ := io.ReadAll(r.Body)
		var m struct {
			Data struct{ Violations []record.Violation }
		}
		mu.Lock()
		defer mu.Unlock()
		if json.Unmarshal(body, &m) == nil {
			for _, v := range m.Data.Violations {
				got = append(got, string(v.Change)+" "+v.ID)
			}
		}
	}))
	defer hook.Close()
	come := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(once(got))
	}
	p := f.service("notifier", "notifier",
		"--set", "notifier.targets=[{name: hook, kind: webhook, url: '"+hook.URL+"', secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], allowHTTP: true, allowPrivate: [127.0.0.0/8]}]",
		"--set", "notifier.routes=[{name: all, targets: [hook], groupWait: 0s}]", "--set", "notifier.sessionTimeout=6s",
		"--set", "notifier.group="+f.kafka.TopicPrefix+"notifier")
	require.NoError(t, p.awaitReady())
	want := f.publishViolations(600)
	close(gate)
	for i := range 3 {
		require.Eventually(t, func() bool { return come() > 200*(i+1) }, time.Minute, time.Millisecond)
		p.kill()
		require.NoError(t, p.start())
		require.NoError(t, p.awaitReady())
	}
	require.Eventually(t, func() bool { return come() == len(want) }, time.Minute, 100*time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	requireTold(t, want, once(got))
	say(t, "notifier: %d violations, %d repeated after 3 kills", len(want), len(got)-len(want))
}

// once leaves the first of each.
func once(list []string) (first []string) {
	seen := map[string]bool{}
	for _, line := range list {
		if !seen[line] {
			first = append(first, line)
		}
		seen[line] = true
	}
	return first
}
