package clickhouse

import "io/fs"

// StatementsOf are what MigrateFS runs of files, for tests.
func StatementsOf(c Config, files fs.FS) (statements []string, err error) {
	migrations, err := readMigrations(files)
	if err == nil {
		err = forCluster(migrations, files, c)
	}
	for _, m := range migrations {
		statements = append(statements, m.statements...)
	}
	return statements, err
}

// OfAllShards is for tests.
var OfAllShards = ofAllShards
