// Command judge measures the engine alone, in one process and without Kafka: a control
// that looks back, over events in order and over the same ones late and repeated. If MonPoly
// is installed, it takes turns with that over the same log in order.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing/fstest"
	"text/tabwriter"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/engine"
)

// What is measured: events of many changes, each approved before it is deployed, for
// the most part; ten events a second, and a watermark every ten seconds.
const (
	events  = 200_000
	changes = 5_000 // unless it says otherwise
	pace    = time.Second / 10
	marks   = 100
	runs    = 5
)

// The types of its events.
const (
	approved = "change.approved"
	deployed = "deploy.completed"
)

// past is G (deployed(c) → ONCE[0,10m] approved(c)), over one occurrence each.
const past = `
id: CH-01
title: What is deployed was approved in the ten minutes before
criteria: [CC8.1]
lateness: {correct_until: 10m}
population: {event: deploy.completed, item: event.deploy_id}
expect:
  approval: {event: change.approved, on: {event.change_id: item.change_id}, between: "[-10m, 0s]"}
assert: approval.count >= 1
`

var start = compliance.InstantOf(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))

func main() {
	profile := flag.String("cpuprofile", "", "write a CPU profile to this `file`")
	monpoly := flag.String("monpoly", "monpoly", "MonPoly's `program`")
	allocs := flag.String("memprofile", "", "write what was allocated to this `file`")
	flag.Parse()
	if *allocs != "" {
		runtime.MemProfileRate = 4096
	}
	if err := errors.Join(profiled(*profile, func() error { return run(os.Stdout, *monpoly) }), writeAllocs(*allocs)); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

// profiled writes a profile of what work does to file, if there is one.
func profiled(file string, work func() error) error {
	if file == "" {
		return work()
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	err = work()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// writeAllocs writes a profile of what was allocated to file, if there is one.
func writeAllocs(file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

func run(out io.Writer, monpoly string) error {
	types, err := dictionary.Default()
	if err != nil {
		return err
	}
	bundle, err := control.Load(fstest.MapFS{
		control.BoundaryFile: {Data: []byte("effective_from: 2026-07-01T00:00:00Z\n")}, "CH-01.yaml": {Data: []byte(past)},
	}, types)
	if err != nil {
		return err
	}
	if err := alone(out, bundle); err != nil {
		return err
	}
	return beside(out, bundle, monpoly)
}

// alone measures the engine by itself.
func alone(out io.Writer, bundle *control.Bundle) error {
	ordered := life(bundle, changes)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "one control that looks back\tevents/s (min median max)\tCPU µs an event\tallocations, bytes an event\theap at its largest, kept at the end, MiB\tverdicts")
	for _, row := range []struct {
		name  string
		facts []engine.Fact
	}{{"in order", ordered}, {"up to a minute late, one in 100 twice", late(ordered)}} {
		m := measure(bundle, row.facts)
		slices.Sort(m.rates)
		slices.Sort(m.cpu)
		_, _ = fmt.Fprintf(w, "%s\t%.0f %.0f %.0f\t%.2f\t%.1f %.0f\t%d %d\t%d\n", row.name,
			m.rates[0], m.rates[len(m.rates)/2], m.rates[len(m.rates)-1], m.cpu[len(m.cpu)/2], m.allocs, m.bytes, m.heap>>20, m.kept>>20, m.verdicts)
		if n := runtime.GOMAXPROCS(0); n > 1 {
			rates, verdicts := side(bundle, row.facts, n)
			_, _ = fmt.Fprintf(w, "%s, %d partitions at once\t%.0f %.0f %.0f\t\t\t\t%d\n", row.name, n, rates[0], rates[len(rates)/2], rates[len(rates)-1], verdicts)
		}
	}
	return w.Flush()
}

// side has as many engines as there are processors judge a partition each, as the router
// would have parted the facts.
func side(bundle *control.Bundle, facts []engine.Fact, n int) (rates []float64, verdicts int) {
	parts := make([][]engine.Fact, n)
	for i := range facts {
		f := &facts[i]
		p := control.Partition(f.Tenant, f.Control, f.Key, int32(n))
		parts[p] = append(parts[p], *f)
	}
	for turn := range runs + 1 {
		runtime.GC()
		said, began := make([]int, n), time.Now()
		var all sync.WaitGroup
		for p := range parts {
			all.Go(func() { said[p], _ = judge(engine.New(bundle, int32(p), int32(n)).Unlogged(), parts[p], func(int) {}) })
		}
		all.Wait()
		if turn > 0 { // the first turn is not timed
			rates = append(rates, float64(len(facts))/time.Since(began).Seconds())
		}
		verdicts = 0
		for _, count := range said {
			verdicts += count
		}
	}
	slices.Sort(rates)
	return rates, verdicts
}

// judge takes all facts and counts the verdicts, and the deviations among them; between is
// called behind each fact.
func judge(e *engine.Engine, facts []engine.Fact, between func(i int)) (verdicts, deviations int) {
	count := func(revisions []compliance.Revision) {
		verdicts += len(revisions)
		for i := range revisions {
			if revisions[i].Outcome == compliance.Deviation {
				deviations++
			}
		}
	}
	var w compliance.Instant
	for i := range facts {
		e.Add(&facts[i])
		if w = max(w, facts[i].Event.Time); i%marks == marks-1 {
			count(e.Advance(w.Add(-time.Minute)))
		}
		between(i)
	}
	count(e.Advance(w.Add(time.Hour)))
	return verdicts, deviations
}

// life are the facts in the order of their times, of so many changes: each has its turn again
// when all others had theirs.
func life(bundle *control.Bundle, changes int) []engine.Fact {
	facts := make([]engine.Fact, 0, events)
	for i := range events {
		change := "c-" + strconv.Itoa(i/2%changes)
		ev := compliance.Event{
			Tenant: "default", Source: "/ci", ID: strconv.Itoa(i), Time: start.Add(time.Duration(i) * pace), Type: approved,
			Data: map[string]any{"change_id": change, "approver": "u-bob", "commit": "9fceb02"},
		}
		ev.Ref.Offset = int64(i)
		if i%2 == 1 {
			ev.Type = deployed
			ev.Data = map[string]any{"change_id": change, "deploy_id": "d-" + strconv.Itoa(i), "environment": "production"}
		} else if i%200 == 0 {
			continue // and isn't approved
		}
		for _, r := range bundle.Route(&ev) {
			facts = append(facts, engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: ev})
		}
	}
	return facts
}

// late has the facts arrive up to a minute after their times, and some twice.
func late(ordered []engine.Fact) []engine.Fact {
	r := rand.New(rand.NewPCG(1, 2))
	type arrival struct {
		fact engine.Fact
		at   compliance.Instant
	}
	arrivals := make([]arrival, 0, len(ordered)+len(ordered)/100)
	for i := range ordered {
		for range 1 + 100/(100+r.IntN(100)*100) {
			arrivals = append(arrivals, arrival{ordered[i], ordered[i].Event.Time.Add(time.Duration(r.IntN(60_000)) * time.Millisecond)})
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.at - b.at) })
	facts := make([]engine.Fact, len(arrivals))
	for i := range arrivals {
		facts[i] = arrivals[i].fact
	}
	return facts
}

// measured is what one row says: per turn, or per event.
type measured struct {
	rates, cpu    []float64
	allocs, bytes float64
	heap, kept    uint64 // with garbage, and without at the end
	verdicts      int
}

func measure(bundle *control.Bundle, facts []engine.Fact) (m measured) {
	for turn := range runs + 1 {
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		e, began, used := engine.New(bundle, 0, 1).Unlogged(), time.Now(), cpuTime()
		between := func(int) {}
		if turn == 0 { // which is not timed
			between = growth(before.HeapAlloc, &m.heap)
		}
		m.verdicts, _ = judge(e, facts, between)
		if turn == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			m.kept = now.HeapAlloc - before.HeapAlloc
			runtime.KeepAlive(e)
		} else {
			n := float64(len(facts))
			m.rates = append(m.rates, n/time.Since(began).Seconds())
			m.cpu = append(m.cpu, float64((cpuTime()-used).Microseconds())/n)
			runtime.ReadMemStats(&now)
			m.allocs, m.bytes = float64(now.Mallocs-before.Mallocs)/n, float64(now.TotalAlloc-before.TotalAlloc)/n
		}
	}
	return m
}

// growth looks at times how much larger than before the heap is, and keeps the most.
func growth(before uint64, most *uint64) func(i int) {
	return func(i int) {
		if i%(events/20) == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			*most = max(*most, now.HeapAlloc-min(before, now.HeapAlloc))
		}
	}
}

// cpuTime is what the process has computed so far, which others on the machine disturb less
// than the time that went by.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // of oneself it can't fail
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
