package recorder

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestDefaultNeedsOnlyAKey(t *testing.T) {
	cfg := Default()
	require.ErrorContains(t, cfg.Validate(), "commitmentKey: is empty")
	cfg.CommitmentKey = "0123456789abcdef"
	require.NoError(t, cfg.Validate())
}

func TestValidateReportsEveryFault(t *testing.T) {
	cfg := Default()
	cfg.Group, cfg.BatchRows, cfg.BatchBytes, cfg.IdleAge, cfg.Inserts = "", 0, cfg.BufferBytes+1, 0, 0
	cfg.CommitmentKey, cfg.CommitmentKeyFile = "short", "also"
	cfg.Kafka.Brokers = nil
	err := cfg.Validate()
	for _, part := range []string{"brokers", "group:", "batchRows:", "batchBytes:", "batchAge, idleAge:", "inserts:", "keep one"} {
		require.ErrorContains(t, err, part)
	}
}

func TestCommitmentKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(s string) { require.NoError(t, os.WriteFile(file, []byte(s), 0o600)) }
	cfg := Default()
	cfg.CommitmentKeyFile = file
	require.NoError(t, cfg.Validate())

	_, err := cfg.keys()
	require.Error(t, err, "a file that isn't there")
	write("short\n")
	_, err = cfg.keys()
	require.ErrorContains(t, err, "at least 16")
	write(DemoCommitmentKey.Reveal() + "\n")
	_, err = cfg.keys()
	require.ErrorContains(t, err, "everybody knows")
	cfg.Demo = true
	_, err = cfg.keys()
	require.NoError(t, err)
	cfg.Demo = false
	write("0123456789abcdef\n")
	_, err = cfg.keys()
	require.NoError(t, err)
}

func TestRunRefusesAWrongConfig(t *testing.T) {
	err := Run(context.Background(), Default(), Deps{Log: zerolog.Nop(), Metrics: prometheus.NewRegistry(), Ready: func(string, error) {}})
	require.ErrorContains(t, err, "commitmentKey")
}
