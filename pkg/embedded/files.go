package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"assay.example/assay/pkg/compliance"
)

// Users of the embedded ClickHouse. Passwords are new at each start.
const (
	writerName = "assay"
	readerName = "assay_reader"
)

// serverConfig suits two cores and two gigabytes. The log tables of `system`
// stay away because nothing here asks for them. A stop waits for idle connections
// to time out, so these are short.
const serverConfig = `<clickhouse>
  <users_config>{{.Users}}</users_config>
  <path>{{.Path}}/</path>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{{.Port}}</http_port>
  <default_database>default</default_database>
  <logger><level>warning</level><console>1</console></logger>
  <keep_alive_timeout>3</keep_alive_timeout>
  <max_server_memory_usage>{{.MaxMemory}}</max_server_memory_usage>
  <max_concurrent_queries>64</max_concurrent_queries>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <mmap_cache_size>256</mmap_cache_size>
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <background_common_pool_size>4</background_common_pool_size>
{{- with .Shards}}{{if .Cluster}}
  <tcp_port>{{.This}}</tcp_port>
  <remote_servers><{{.Cluster}}><secret>one machine</secret>
  {{- range .Ports}}
    <shard><replica><host>127.0.0.1</host><port>{{.}}</port></replica></shard>
  {{- end}}
  </{{.Cluster}}></remote_servers>
{{- end}}{{end}}
  <backups><allowed_path>{{.Backups}}/</allowed_path></backups>
  <merge_tree>
    <max_bytes_to_merge_at_max_space_in_pool>8589934592</max_bytes_to_merge_at_max_space_in_pool>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`

// usersConfig locks the user default: the engine itself must log in as default
// without a password, from this machine. It may do what the start needs, and a
// quota is spent by the two queries that the start makes; what is left to others
// is SELECT 1. The interval is the longest that a quota knows (68 years).
const usersConfig = `<clickhouse>
  <profiles>
    <default>
      <max_threads>2</max_threads>
      <max_insert_threads>1</max_insert_threads>
      <max_memory_usage>{{.MaxQueryMemory}}</max_memory_usage>
      <max_bytes_before_external_group_by>{{.SpillAt}}</max_bytes_before_external_group_by>
      <max_bytes_before_external_sort>{{.SpillAt}}</max_bytes_before_external_sort>
      <log_queries>0</log_queries>
    </default>
    <reader>
      <profile>default</profile>
      <readonly>2</readonly>
    </reader>
  </profiles>
  <quotas>
    <default/>
    <spent><interval><duration>2147483647</duration><queries>{{.StartQueries}}</queries></interval></spent>
  </quotas>
  <users>
    <default>
      <password></password>
      <networks><host>localhost</host><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>spent</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT READ ON FILE</query>
        <query>GRANT CREATE TEMPORARY TABLE ON *.*</query>
      </grants>
    </default>
    <{{.Writer}}>
      <password_sha256_hex>{{.WriterHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT {{with .Shards.Cluster}}REMOTE, CLUSTER, {{end}}SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE, SHOW, KILL QUERY, dictGet, SYSTEM MERGES, SYSTEM FLUSH, SYSTEM VIEWS, SYSTEM DROP CACHE, BACKUP ON *.*</query>
        <query>GRANT TABLE ENGINE ON *</query>
      </grants>
    </{{.Writer}}>
    <{{.Reader}}>
      <password_sha256_hex>{{.ReaderHash}}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>reader</profile>
      <quota>default</quota>
      <grants><query>GRANT SELECT, SHOW, dictGet ON *.*</query></grants>
    </{{.Reader}}>
  </users>
</clickhouse>
`

// layout is where one engine keeps its files: data apart from configuration, so
// that nothing of ours stands in ClickHouse's own folder.
type layout struct {
	root, data, backups, config, users, log, kind, locks string
}

func layoutOf(dir string) (layout, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return layout{}, fmt.Errorf("finding the folder %s: %w", dir, err)
	}
	in := func(name string) string { return filepath.Join(root, name) }
	return layout{root, in("store"), in("backups"), in("config.xml"), in("users.xml"), in("clickhouse.log"), in("engine"), in("lock")}, nil
}

// lock keeps other processes, and other engines of this one, out of the folder.
func (l layout) lock() (unlock func(), err error) {
	if err := os.MkdirAll(l.root, 0o700); err != nil {
		return nil, fmt.Errorf("making ClickHouse's folder: %w", err)
	}
	unlock, ok, err := tryLockFile(l.locks)
	if err == nil && !ok {
		err = compliance.Errorf(compliance.Conflict,
			"the embedded ClickHouse in %s is in use by another process: stop that one, or choose another folder", l.root)
	}
	return unlock, err
}

// write puts the configuration of this start into place; only this user reads it.
func (l layout) write(port int, writerPassword, readerPassword string, o ClickHouseOptions) error {
	queries := 2
	if o.Shards.Cluster != "" {
		queries++
	}
	values := map[string]any{
		"StartQueries": queries,
		"Users":        l.users, "Path": l.data, "Backups": l.backups, "Port": port, "Shards": o.Shards,
		"MaxMemory": o.MaxMemory, "MaxQueryMemory": o.MaxMemory * 2 / 3, "SpillAt": o.MaxMemory / 4,
		"Writer": writerName, "WriterHash": hexSHA256(writerPassword),
		"Reader": readerName, "ReaderHash": hexSHA256(readerPassword),
	}
	for file, text := range map[string]string{l.config: serverConfig, l.users: usersConfig} {
		var b bytes.Buffer
		if err := template.Must(template.New("").Parse(text)).Execute(&b, values); err != nil {
			return fmt.Errorf("writing %s: %w", file, err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			return fmt.Errorf("writing ClickHouse's configuration: %w", err)
		}
	}
	return nil
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// claim readies the folder for one kind of engine. The library keeps databases
// where a server wouldn't look for them, and the other way round.
func (l layout) claim(e Engine) error {
	if err := os.MkdirAll(l.data, 0o700); err != nil {
		return fmt.Errorf("making ClickHouse's folder: %w", err)
	}
	was, err := os.ReadFile(l.kind)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.WriteFile(l.kind, []byte(e.kind()+"\n"), 0o600); err != nil {
			return fmt.Errorf("marking ClickHouse's folder: %w", err)
		}
	case err != nil:
		return fmt.Errorf("reading the mark of ClickHouse's folder: %w", err)
	case strings.TrimSpace(string(was)) != e.kind():
		return compliance.Errorf(compliance.Conflict,
			"the data in %s was written by ClickHouse's %s, and the one found now is a %s: "+
				"use the former or another data folder", l.root, strings.TrimSpace(string(was)), e.kind())
	}
	if e.Binary != "" {
		return nil
	}
	// Here `system` lives in memory, so folders of its tables are orphans, and
	// ClickHouse would retry making them in a loop that fills the log.
	if err := os.RemoveAll(filepath.Join(l.data, "data", "system")); err != nil {
		return fmt.Errorf("removing what an earlier run left: %w", err)
	}
	return nil
}

// openLog starts a new log and keeps the last run's.
func (l layout) openLog() (*os.File, error) {
	if info, err := os.Stat(l.log); err == nil && info.Size() > 0 {
		if err := os.Rename(l.log, l.log+".previous"); err != nil {
			return nil, fmt.Errorf("keeping ClickHouse's last log: %w", err)
		}
	}
	f, err := os.OpenFile(l.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening ClickHouse's log: %w", err)
	}
	return f, nil
}

func (l layout) logTail() string {
	raw, err := os.ReadFile(l.log)
	if err != nil {
		return "(no log: " + err.Error() + ")"
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-tailLines):], []byte("\n")))
}
