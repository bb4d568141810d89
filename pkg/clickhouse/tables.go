package clickhouse

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"
)

// tablesFile says of tables what SQL doesn't. Migrations without it have none of that.
const tablesFile = "tables.yaml"

// table is an entry of it.
type table struct {
	// Shard are the columns by which rows are told apart on a cluster.
	Shard []string `yaml:"shard"`
}

func readTables(files fs.FS) (map[string]table, error) {
	raw, err := fs.ReadFile(files, tablesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]table{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", tablesFile, err)
	}
	tables := map[string]table{}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&tables); err != nil {
		return nil, fmt.Errorf("reading %s: %w", tablesFile, err)
	}
	return tables, nil
}
