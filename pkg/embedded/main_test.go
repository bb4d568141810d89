package embedded_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"assay.example/assay/pkg/embedded"
)

// helperEnv makes this binary a process for a test to kill.
const helperEnv = "EMBEDDED_TEST_HELPER"

func TestMain(m *testing.M) {
	embedded.MaybeRunEngine()
	switch os.Getenv(helperEnv) {
	case "clickhouse":
		os.Exit(helpClickHouse(os.Args[1]))
	case "server":
		os.Exit(helpServer(os.Args[1]))
	case "kafka":
		os.Exit(helpKafka(os.Args[1]))
	}
	goleak.VerifyTestMain(m)
}

// helpClickHouse says where its engine is, and blocks.
func helpClickHouse(dir string) int {
	library, _ := embedded.LibraryCached()
	c, err := embedded.StartClickHouse(context.Background(), embedded.ClickHouseOptions{
		DataDir: dir, Engine: embedded.Engine{Library: library}, Log: zerolog.Nop(),
	})
	if err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	fmt.Println(c.PID())
	select {}
}

// helpKafka says where its broker is, and blocks.
func helpKafka(dir string) int {
	k, err := embedded.StartKafka(context.Background(), embedded.KafkaOptions{DataDir: dir, Log: zerolog.Nop()})
	if err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	fmt.Println(k.Address())
	select {}
}
