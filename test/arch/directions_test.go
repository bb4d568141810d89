package arch

import (
	"slices"
	"strings"
	"testing"
)

// isolation bans a dependency, however indirect. The product's code is held to
// it; its tests may lean on more (the engine's do on the oracle).
type isolation struct {
	who string // this package and all below it
	not string // this import path and all below it
	why string
}

var isolations = []isolation{
	{"pkg", module + "/services", "libraries serve programs, not the other way round"},
	{"schemas", module + "/pkg", "contracts depend on nothing of ours"},
	{"schemas", module + "/services", "contracts depend on nothing of ours"},
	{"pkg/dictionary", "github.com/twmb/franz-go", "what an event type says doesn't depend on how it travels"},
	{"pkg/control", "github.com/twmb/franz-go", "controls are pure: they see events, not records"},
	{"pkg/document", "github.com/twmb/franz-go", "a file's text alone says what is wrong with it"},
	{"pkg/oracle", "github.com/twmb/franz-go", "the oracle is pure: it sees events, not records"},
	{"pkg/ledger", "github.com/twmb/franz-go", "a leaf's bytes depend on the record's content alone"},
	{"pkg/ledger", "net/http", "proofs are checked offline"},
	{"services/evaluator", "github.com/ClickHouse", "verdicts come from the log alone; ClickHouse may be away"},
	{"pkg/engine", "github.com/twmb/franz-go", "the engine is pure: the same facts give the same verdicts"},
	{"pkg/engine", module + "/pkg/oracle", "the oracle checks the engine, so the engine must not lean on it"},
	{"pkg/oracle", module + "/services", "the oracle must not share the engine's mistakes"},
	{"services/collector", "github.com/ClickHouse", "the doors stay open while ClickHouse is away"},
	{"services/collector", module + "/pkg/control", "the doors know event types, not controls"},
	{"pkg/source", "github.com/twmb/franz-go", "mappings are pure: they see payloads, not records"},
	{"pkg/drift", module + "/pkg/control", "drift counts; it knows no rule"},
	{"pkg/drift", "github.com/ClickHouse", "drift follows from counts alone, wherever they were read"},
	{"pkg/boundary", "github.com/ClickHouse", "where data may go follows from what is declared and seen, wherever that was read"},
	{"pkg/ask", module + "/pkg/report", "a report is made of answers; no answer is made of a report"},
	{"pkg/completeness", "github.com/ClickHouse", "what facts prove follows from them alone, wherever they were read"},
	{"pkg/sampling", "github.com/ClickHouse", "a draw follows from the population alone, wherever it was read"},
}

// services are the programs. services/assay is the binary that holds them all,
// so it may import each of them.
var services = []string{"collector", "evaluator", "recorder", "notifier", "console"}

func serviceIsolations() []isolation {
	var bans []isolation
	for _, a := range services {
		bans = append(bans, isolation{"services/" + a, module + "/services/assay", "the binary imports the services"})
		for _, b := range services {
			if a != b {
				bans = append(bans, isolation{"services/" + a, module + "/services/" + b, "services talk through Kafka and ClickHouse, not imports"})
			}
		}
	}
	return bans
}

func TestIsolations(t *testing.T) {
	list, graph := ours(t)
	for _, ban := range slices.Concat(isolations, serviceIsolations()) {
		members := 0
		for _, p := range list {
			if !within(p.path(), ban.who) {
				continue
			}
			members++
			for _, dep := range p.Deps {
				if within(dep, ban.not) {
					t.Errorf("%s depends on %s: %s", p.path(), dep, ban.why)
				}
			}
		}
		if members > 0 && stale(ban.not, graph) {
			t.Errorf("%s must not depend on %s, which nothing depends on: is the ban out of date?", ban.who, ban.not)
		}
	}
}

// TestServiceTests holds tests to the two directions that they don't bend.
func TestServiceTests(t *testing.T) {
	list, _ := ours(t)
	bans := append(serviceIsolations(), isolations[0])
	for _, p := range list {
		for _, ban := range bans {
			for _, dep := range slices.Concat(p.TestImports, p.XTestImports) {
				if within(p.path(), ban.who) && within(dep, ban.not) {
					t.Errorf("a test of %s imports %s: %s; test/pipeline runs services together", p.path(), dep, ban.why)
				}
			}
		}
	}
}

// TestDomain: pkg/compliance stands on the standard library alone, and on no
// part of it that does I/O. (fmt brings os with it, so imports are what counts.)
func TestDomain(t *testing.T) {
	list, graph := ours(t)
	forbidden := []string{"net", "os", "io/fs", "database", "log", "syscall", "crypto/rand", "math/rand"}
	for _, p := range list {
		if !within(p.path(), "pkg/compliance") {
			continue
		}
		for _, dep := range p.Imports {
			if !graph[dep].Standard {
				t.Errorf("%s imports %s: the domain imports the standard library only", p.path(), dep)
			}
			for _, f := range forbidden {
				if within(dep, f) {
					t.Errorf("%s imports %s: the domain reads no clock and does no I/O", p.path(), dep)
				}
			}
		}
	}
}

// home is the one place of a heavy library. What serves tests may use all.
type home struct {
	library string
	folders []string
	why     string
}

var homes = []home{
	{"cel.dev/cel-go", []string{"pkg/control", "pkg/source"}, "controls and mappings are CEL, and nobody else knows"},
	{"github.com/ClickHouse", []string{"pkg/clickhouse", "services/recorder"}, "ask pkg/clickhouse; only the recorder builds column batches itself"},
	{"github.com/segmentio/kafka-go", []string{"services/notifier"}, "it hands out aborted records; use franz-go through pkg/stream"},
	{"github.com/twmb/franz-go/pkg/kfake", []string{"pkg/embedded"}, "only pkg/embedded runs a broker"},
	{"github.com/ebitengine/purego", []string{"pkg/embedded"}, "only pkg/embedded loads a library"},
	{"github.com/santhosh-tekuri/jsonschema", []string{"pkg/dictionary"}, "only pkg/dictionary checks data against schemas"},
	{"gonum.org/v1/gonum", []string{"pkg/sampling"}, "only bounds of samples need the incomplete beta function"},
	{"github.com/xuri/excelize", []string{"pkg/report/table"}, "only a report's tables are written as workbooks"},
	{"github.com/spf13/cobra", []string{"services/assay"}, "only the binary has a command line"},
	{"github.com/cockroachdb/pebble", []string{"services/evaluator/internal/state"}, "only the evaluator keeps state on disk"},
}

func TestHomes(t *testing.T) {
	list, _ := ours(t)
	for _, h := range homes {
		exists, used := false, false
		for _, p := range list {
			athome := slices.ContainsFunc(h.folders, func(f string) bool { return within(p.path(), f) })
			uses := slices.ContainsFunc(p.Imports, func(dep string) bool { return within(dep, h.library) })
			exists, used = exists || slices.Contains(h.folders, p.path()), used || athome && uses
			if uses && !athome && !forTests(p) {
				t.Errorf("%s imports %s: %s", p.path(), h.library, h.why)
			}
		}
		if exists && !used {
			t.Errorf("%v exists and doesn't import %s: is the rule out of date?", h.folders, h.library)
		}
	}
}

// forTests: below test/, or named as net/http/httptest is.
func forTests(p *pkg) bool {
	return within(p.path(), "test") || strings.HasSuffix(p.path(), "test")
}

// stale says whether a ban's object can't be met any more: a ban on a name that
// nobody uses holds nothing. What is still to be written may be missing.
func stale(path string, graph map[string]*pkg) bool {
	if within(path, module) {
		return false
	}
	for name := range graph {
		if within(name, path) {
			return false
		}
	}
	for _, h := range homes {
		if within(path, h.library) {
			return false // TestHomes sees to it
		}
	}
	return true
}
