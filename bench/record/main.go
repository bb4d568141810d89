// Command record compares the way of a recorder from decoded verdicts to rows that
// ClickHouse has acknowledged with a bare columnar insert of the same rows by clickhouse-go,
// whose columns lie ready. Both go to a ClickHouse of this command's own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"time"

	"github.com/rs/zerolog"

	"assay.example/assay/bench/sidebyside"
	"assay.example/assay/pkg/embedded"
)

func main() {
	embedded.MaybeRunEngine()
	plan := sidebyside.Plan{Turn: time.Minute}
	flag.IntVar(&plan.Turns, "turns", 5, "how often each way is measured")
	var o options
	flag.IntVar(&o.batches, "batches", 10, "how many batches a turn has")
	flag.IntVar(&o.rows, "rows", 20_000, "how many rows a batch has")
	profile := flag.String("cpuprofile", "", "write a CPU profile to this `file`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "record:", err)
			os.Exit(1) //nolint:gocritic // exitAfterDefer: stop has nothing left to do
		}
		defer pprof.StopCPUProfile()
	}
	if err := run(ctx, o, plan); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

type options struct{ batches, rows int }

func run(ctx context.Context, o options, plan sidebyside.Plan) (err error) {
	log := zerolog.New(os.Stderr).Level(zerolog.ErrorLevel)
	library, err := embedded.FindEngine(ctx, log, nil)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "assay-bench-record-")
	if err != nil {
		return err
	}
	engine, err := embedded.StartClickHouse(ctx, embedded.ClickHouseOptions{DataDir: dir, Engine: library, MaxMemory: 4 << 30, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Stop(), os.RemoveAll(dir)) }()
	rows, err := comparisons(ctx, engine, o)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := r.Measure(ctx, plan); err != nil {
			return err
		}
	}
	return sidebyside.Print(os.Stdout, rows)
}

// comparisons are the rows of the table. Each has a database of its own on either side.
func comparisons(ctx context.Context, engine *embedded.ClickHouse, o options) ([]*sidebyside.Row, error) {
	var rows []*sidebyside.Row
	for _, c := range []struct {
		name        string
		ours, peers kind
		atLeast     float64
	}{
		{"recorder / bare insert, both into a table that feeds nothing", withoutFeeds, bare, 0.8},
		{"recorder / bare insert, both into the product's tables", product, product, 0.8},
		{"recorder into the product's tables / bare insert into one that feeds nothing", product, bare, 0},
	} {
		ours, err := newSide(ctx, engine, o, fmt.Sprintf("ours_%d", len(rows)), c.ours)
		if err != nil {
			return nil, err
		}
		peers, err := newSide(ctx, engine, o, fmt.Sprintf("peers_%d", len(rows)), c.peers)
		if err != nil {
			return nil, err
		}
		rows = append(rows, &sidebyside.Row{
			Name: c.name, Unit: "rows/s", AtLeast: c.atLeast,
			Ours: sidebyside.Way{Name: "recorder", Before: ours.decode, Run: ours.record},
			Peer: sidebyside.Way{Name: "clickhouse-go", Before: peers.columns, Run: peers.insert},
		})
	}
	return rows, nil
}
