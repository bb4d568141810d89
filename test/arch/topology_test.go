package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/stream"
	"assay.example/assay/schemas"
)

// topicsIn finds the topics that code names: "x" in cfg.Topic("x") or e.topic("x"),
// and all of events.* in stream.EventTopics() and Topic("events." + family).
func topicsIn(file *ast.File) []string {
	var topics []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		switch {
		case ok && selector.Sel.Name == "EventTopics":
			topics = append(topics, stream.EventTopics()...)
		case ok && strings.EqualFold(selector.Sel.Name, "topic") && len(call.Args) == 1:
			topics = append(topics, named(call.Args[0])...)
		}
		return true
	})
	return topics
}

func named(arg ast.Expr) []string {
	if sum, ok := arg.(*ast.BinaryExpr); ok && slices.Equal(named(sum.X), []string{"events."}) {
		return stream.EventTopics()
	}
	literal, ok := arg.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return nil // a variable; it got its name elsewhere
	}
	name, err := strconv.Unquote(literal.Value)
	if err != nil {
		return nil
	}
	return []string{name}
}

// topicUsers maps each topic that the code of a service names to those services.
func topicUsers(t *testing.T) map[string]map[string]bool {
	t.Helper()
	users := map[string]map[string]bool{}
	for _, service := range programs(t) {
		err := filepath.WalkDir(filepath.Join(root, "services", service), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, topic := range topicsIn(file) {
				if users[topic] == nil {
					users[topic] = map[string]bool{}
				}
				users[topic][service] = true
			}
			return nil
		})
		require.NoError(t, err)
	}
	return users
}

// TestTopologyIsWhatTheCodeDoes holds topology.yaml and the services to each
// other: a topic that code names is there, a service that names it is one of its
// writers or readers, and each writer or reader that is a service names it.
func TestTopologyIsWhatTheCodeDoes(t *testing.T) {
	topology, err := stream.Topology()
	require.NoError(t, err)
	require.Empty(t, disagreements(topology, topicUsers(t), programs(t)))
}

func disagreements(topology *schemas.Topology, users map[string]map[string]bool, services []string) []string {
	var faults []string
	for _, topic := range slices.Sorted(maps.Keys(users)) {
		spec, ok := topology.Topics[topic]
		if !ok {
			faults = append(faults, "code names the topic "+topic+", which topology.yaml doesn't have")
			continue
		}
		for _, service := range slices.Sorted(maps.Keys(users[topic])) {
			if !slices.Contains(slices.Concat(spec.Writers, spec.Readers), service) {
				faults = append(faults, service+" names "+topic+", but topology.yaml has it neither as writer nor as reader")
			}
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(topology.Topics)) {
		spec := topology.Topics[topic]
		declared := slices.Concat(spec.Writers, spec.Readers)
		slices.Sort(declared)
		for _, service := range slices.Compact(declared) {
			if slices.Contains(services, service) && !spec.Later && !users[topic][service] {
				faults = append(faults, "topology.yaml says that "+service+" uses "+topic+", but its code doesn't name it")
			}
		}
		if len(users[topic]) == 0 && !spec.Later {
			faults = append(faults, "no code names "+topic+"; mark it `later: true` or remove it")
		}
	}
	return faults
}

// TestDisagreementsAreFound plants one of each kind.
func TestDisagreementsAreFound(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
func f() { cfg.Topic("a"); e.topic("b"); d.Topic("events." + string(family)); stream.EventTopics(); cfg.Topic(name); Topic("no") }`, 0)
	require.NoError(t, err)
	require.Equal(t, slices.Concat([]string{"a", "b"}, stream.EventTopics(), stream.EventTopics()), topicsIn(file))

	topology := &schemas.Topology{Topics: map[string]schemas.Topic{
		"a":     {Writers: []string{"collector"}, Readers: []string{"evaluator"}},
		"b":     {Writers: []string{"collector"}, Readers: []string{"anyone"}},
		"later": {Writers: []string{"collector"}, Readers: []string{"console"}, Later: true},
	}}
	users := map[string]map[string]bool{"a": {"collector": true, "recorder": true}, "c": {"collector": true}}
	require.Equal(t, []string{
		"recorder names a, but topology.yaml has it neither as writer nor as reader",
		"code names the topic c, which topology.yaml doesn't have",
		"topology.yaml says that evaluator uses a, but its code doesn't name it",
		"topology.yaml says that collector uses b, but its code doesn't name it",
		"no code names b; mark it `later: true` or remove it",
	}, disagreements(topology, users, []string{"collector", "evaluator", "recorder"}))
}
