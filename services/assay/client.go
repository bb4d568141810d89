package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/settings"
)

// clientConfigFile is what `assay up` leaves for tools on the same machine.
const clientConfigFile = "client.yaml"

func clientConfigPath(cfg Config) string {
	return filepath.Join(cfg.Embedded.DataDir, clientConfigFile)
}

// loadForReading is load for tools that only read. Where nobody says which
// ClickHouse is meant, it is that of the last `assay up` or `assay demo` here.
func (a *app) loadForReading(sections ...string) (Config, *settings.Settings, error) {
	if a.configFile == "" && !a.namesClickHouse() {
		if a.configFile = newestClientConfig(defaultConfig().Embedded.DataDir); a.configFile != "" {
			_, _ = fmt.Fprintf(a.err, "using the addresses in %s\n", a.configFile)
		}
	}
	return a.load(sections...)
}

func (a *app) namesClickHouse() bool {
	return slices.ContainsFunc(a.set, func(s string) bool { return strings.HasPrefix(s, "clickhouse.") }) ||
		slices.ContainsFunc(a.env, func(s string) bool { return strings.HasPrefix(s, "ASSAY_CLICKHOUSE_") })
}

func newestClientConfig(dir string) (newest string) {
	var at time.Time
	for _, path := range []string{filepath.Join(dir, clientConfigFile), filepath.Join(dir, demoDir, clientConfigFile)} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			newest, at = path, info.ModTime()
		}
	}
	return newest
}
