// Command ingest compares the collector's doors with the least that a program must
// do to put the same bytes into Kafka: plain franz-go, and net/http with an HMAC.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"assay.example/assay/bench/sidebyside"
	"assay.example/assay/services/collector"
)

func main() {
	brokers := flag.String("brokers", "", "Kafka's `addresses`, with commas; empty runs one in memory")
	plan := sidebyside.Plan{}
	flag.IntVar(&plan.Turns, "turns", 5, "how often each way is measured")
	flag.DurationVar(&plan.Turn, "turn", 5*time.Second, "how long each time")
	profile := flag.String("cpuprofile", "", "write a CPU profile to this `file`")
	flag.Parse()
	if os.Getenv("GOGC") == "" { // for both ways; assay collector does so
		debug.SetGCPercent(collector.GCPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *profile != "" {
		stop, err := profiled(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "ingest:", err)
			os.Exit(1)
		}
		defer stop()
	}
	if err := run(ctx, strings.FieldsFunc(*brokers, func(r rune) bool { return r == ',' }), plan); err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, brokers []string, plan sidebyside.Plan) error {
	if err := sideBySide(ctx, brokers, plan); err != nil {
		return err
	}
	fmt.Println()
	return memory(ctx, os.Stdout, 4*plan.Turn)
}

func sideBySide(ctx context.Context, brokers []string, plan sidebyside.Plan) error {
	rig, err := newRig(ctx, brokers)
	if err != nil {
		return err
	}
	defer rig.close()
	rows := []*sidebyside.Row{
		{
			Name: "CloudEvents in batches of 100", Unit: "events/s", AtLeast: 0.5,
			Ours: sidebyside.Way{Name: "collector", Run: rig.postBatches},
			Peer: sidebyside.Way{Name: "franz-go", Run: rig.produceBatches},
		},
		{
			Name: "signed webhooks of 8 kB", Unit: "deliveries/s", AtLeast: 0.5,
			Ours: sidebyside.Way{Name: "collector", Run: rig.postDeliveries(rig.url + "/v1/sources/github")},
			Peer: sidebyside.Way{Name: "net/http, HMAC, franz-go", Run: rig.postDeliveries(rig.peer)},
		},
	}
	for _, r := range rows {
		if err := r.Measure(ctx, plan); err != nil {
			return err
		}
	}
	return sidebyside.Print(os.Stdout, rows)
}

func profiled(file string) (stop func(), err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
