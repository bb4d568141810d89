package clickhouse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

// migratorEnv makes this program a migrator of the database that it names, and no test.
const migratorEnv = "ASSAY_TEST_MIGRATOR"

func TestMain(m *testing.M) {
	embedded.MaybeRunEngine()
	if config := os.Getenv(migratorEnv); config != "" {
		if err := migrator(context.Background(), config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(clickhousetest.Main(m))
}

func migrator(ctx context.Context, text string) error {
	var told struct{ Address, Database, Username, Password string }
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		return err
	}
	c := clickhouse.Config{Address: told.Address, Database: told.Database, Username: told.Username, PasswordFile: told.Password}
	conn, err := clickhouse.Open(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(clickhouse.Migrate(ctx, conn, c, zerolog.Nop()), conn.Close())
}
