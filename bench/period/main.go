// Command period measures the questions about a period, in a ClickHouse of its own, over
// 20 tenants × 60 controls × six months of verdicts: ten million and a hundred million.
//
// Each row is the product's own question beside the least that would do, in turns. The
// data stay in a folder, so that a run that is stopped goes on where it was; what it
// doesn't reach it says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded"
)

// memory is what queries and merges may take together.
const memory = 6 << 30

type options struct {
	data  string
	sizes []int
	turns int
}

func main() {
	embedded.MaybeRunEngine()
	var o options
	var sizes string
	flag.StringVar(&o.data, "data", filepath.Join(os.TempDir(), "assay-bench-period"), "the `folder` that keeps the data")
	flag.StringVar(&sizes, "sizes", "10000000,100000000", "how many verdicts, the least first")
	flag.IntVar(&o.turns, "turns", 5, "turns of each")
	flag.Parse()
	for _, text := range strings.Split(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < tenants*controls {
			fmt.Fprintf(os.Stderr, "period: -sizes: %q is no number from %d on\n", text, tenants*controls)
			os.Exit(2)
		}
		o.sizes = append(o.sizes, n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "period:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: stop has nothing left to do
	}
}

// run measures each size in a database of its own, within one engine.
func run(ctx context.Context, o options) (err error) {
	log := zerolog.New(os.Stderr).Level(zerolog.ErrorLevel)
	library, err := embedded.FindEngine(ctx, log, nil)
	if err != nil {
		return err
	}
	engine, err := embedded.StartClickHouse(ctx, embedded.ClickHouseOptions{DataDir: o.data, Engine: library, MaxMemory: memory, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Stop()) }()
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, "verdicts\trow\tours (min median max)\tpeer (min median max)\tratio\ttarget")
	var censuses []float64
	for _, size := range o.sizes {
		b := &bench{options: o, size: size}
		if err := b.open(ctx, engine); err != nil {
			return err
		}
		census, err := b.measure(ctx, out)
		err = errors.Join(err, b.conn.Close())
		if err != nil {
			_, _ = fmt.Fprintf(out, "%d\tnot reached: %v\n", size, err)
			break
		}
		censuses = append(censuses, census)
	}
	if len(censuses) > 1 {
		_, _ = fmt.Fprintf(out, "%d\tcensus / the same at %d\t\t\t%.2f\t≤ 1.50\n", o.sizes[len(censuses)-1], o.sizes[0], censuses[len(censuses)-1]/censuses[0])
	}
	return out.Flush()
}

// bench is one size.
type bench struct {
	options
	size int
	conn clickhouse.Conn
}

func (b *bench) open(ctx context.Context, engine *embedded.ClickHouse) error {
	c := engine.Config()
	c.Database = fmt.Sprintf("bench_%d", b.size)
	var err error
	if b.conn, err = clickhouse.Open(ctx, c); err != nil {
		return err
	}
	if err := clickhouse.Migrate(ctx, b.conn, c, zerolog.Nop()); err != nil {
		return err
	}
	return b.fill(ctx)
}
