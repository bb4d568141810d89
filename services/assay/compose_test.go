package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestComposeFitsTheBinary holds docker-compose.yml to this binary: each command
// is there, and each variable is a key of the configuration.
func TestComposeFitsTheBinary(t *testing.T) {
	text, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	var file struct {
		Services map[string]struct {
			Image       string            `yaml:"image"`
			Command     []string          `yaml:"command"`
			Environment map[string]string `yaml:"environment"`
		} `yaml:"services"`
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	checked := 0
	for name, service := range file.Services {
		if !strings.HasPrefix(service.Image, "assay:") {
			continue
		}
		checked++
		a := &app{stdio: stdio{out: &bytes.Buffer{}, err: &bytes.Buffer{}}}
		for key, value := range service.Environment {
			if strings.Contains(value, "${") { // the user's; an empty one would pass unseen
				value = "true"
			}
			a.env = append(a.env, key+"="+value)
		}
		if _, _, err := a.load(); err != nil {
			require.NotContains(t, err.Error(), "there is no such key", name)
		}
		command, rest, err := a.rootCommand().Find(service.Command)
		require.NoError(t, err, name)
		require.Empty(t, rest, name)
		require.Nil(t, command.Commands(), "%s runs %s, which needs a subcommand", name, command.CommandPath())
	}
	require.GreaterOrEqual(t, checked, 5)
}
