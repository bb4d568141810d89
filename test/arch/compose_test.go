package arch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/stream"
)

// composeProject loads a compose file as `docker compose` does, with variables
// from env alone.
func composeProject(t *testing.T, file string, env ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(root), cli.WithEnv(env))
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

// demoEnv reads deploy/demo.env.
func demoEnv(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/demo.env"))
	require.NoError(t, err)
	var env []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			env = append(env, strings.ReplaceAll(line, `"`, ""))
		}
	}
	return env
}

func demoProject(t *testing.T) *types.Project {
	t.Helper()
	project, err := composeProject(t, filepath.Join(root, "docker-compose.yml"), demoEnv(t)...)
	require.NoError(t, err)
	return project
}

// programs lists the services that have a folder, apart from the binary that
// holds them all.
func programs(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "services"))
	require.NoError(t, err)
	var list []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "assay" {
			list = append(list, e.Name())
		}
	}
	require.NotEmpty(t, list)
	return list
}

func TestComposeRunsEveryService(t *testing.T) {
	project := demoProject(t)
	for _, name := range programs(t) {
		require.Contains(t, project.ServiceNames(), name, "docker-compose.yml runs every service in services/")
		require.Equal(t, types.ShellCommand{name}, project.Services[name].Command)
	}
	topology, err := stream.Topology()
	require.NoError(t, err)
	for topic, spec := range topology.Topics {
		for _, user := range slices.Concat(spec.Writers, spec.Readers) {
			if slices.Contains(programs(t), user) {
				require.Contains(t, project.Services[user].DependsOn, "topics", "%s uses %s, so it waits for the topics", user, topic)
			}
		}
	}
}

// TestComposeHoldsNoSecret lets nothing start on a secret that nobody chose.
func TestComposeHoldsNoSecret(t *testing.T) {
	file := filepath.Join(root, "docker-compose.yml")
	for i, removed := range demoEnv(t) {
		if strings.HasPrefix(removed, "ASSAY_DEMO=") {
			continue
		}
		name, value, _ := strings.Cut(removed, "=")
		_, err := composeProject(t, file, slices.Delete(demoEnv(t), i, i+1)...)
		require.ErrorContains(t, err, name, "without %s it must not start", name)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), value)
	}
	require.Contains(t, demoEnv(t), "ASSAY_DEMO=true", "a file with known secrets says that it is a demonstration")
	for _, s := range demoProject(t).Services {
		for key, value := range s.Environment {
			known := value == nil || *value == "" || strings.HasSuffix(key, "_FILE")
			require.False(t, strings.Contains(key, "PASSWORD") && !known, "%s gives %s as a variable; use a secret's file", s.Name, key)
		}
	}
}

func TestComposeIsReachableFromThisMachineAlone(t *testing.T) {
	for _, s := range demoProject(t).Services {
		require.Empty(t, s.NetworkMode, s.Name)
		require.False(t, s.Privileged, s.Name)
		for _, p := range s.Ports {
			require.Equal(t, "127.0.0.1", p.HostIP, "port %s of %s", p.Published, s.Name)
		}
	}
}

func TestComposeContainersAreConfined(t *testing.T) {
	project := demoProject(t)
	for _, s := range project.Services {
		require.False(t, s.Image == "" || strings.HasSuffix(s.Image, ":latest"), "%s names a version", s.Name)
		oneShot := s.Restart == types.RestartPolicyNo
		require.True(t, oneShot || (s.HealthCheck != nil && len(s.HealthCheck.Test) > 0), "%s has a health check", s.Name)
		if s.Build == nil {
			continue
		}
		require.True(t, s.ReadOnly, s.Name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, s.Name)
		require.Contains(t, s.SecurityOpt, "no-new-privileges:true", s.Name)
	}
	require.Equal(t, "false", *project.Services["kafka"].Environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"])
}

// TestComposeIsReadStrictly plants faults: the loader must find each, or the
// tests above hold less than they seem to.
func TestComposeIsReadStrictly(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	require.NoError(t, err)
	for _, c := range []struct{ old, planted, want string }{
		{"    ports: [\"127.0.0.1:8081:8081\"]\n", "    prots: [\"127.0.0.1:8081:8081\"]\n", "prots"},
		{"service_healthy", "service_healty", "condition"},
		{"      topics: {", "      topcis: {", "topcis"},
		{"retries: 12", "retries: many", "retries"},
	} {
		require.Contains(t, string(text), c.old)
		file := filepath.Join(t.TempDir(), "docker-compose.yml")
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), c.old, c.planted, 1)), 0o600))
		_, err := composeProject(t, file, demoEnv(t)...)
		require.ErrorContains(t, err, c.want)
	}
}
