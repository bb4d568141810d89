package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"

	"assay.example/assay/bench/sidebyside"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
)

// densities are how many changes the events are of: in the ten minutes that the control looks
// back there are 600, 60, 6, one or none approvals of the same change.
var densities = []int{5, 50, 500, 5_000, 100_000}

// What MonPoly is asked. It reads the log from a file; that takes as long as it takes to find
// that nothing is both at one time, which no event is.
const (
	signature = "deployed(change:string, deploy:string)\napproved(change:string)\n"
	formula   = "deployed(c, d) AND NOT ONCE[0,%d] approved(c)\n"
	nothing   = "deployed(c, d) AND approved(c)\n"
)

// beside prints the engine beside MonPoly, a monitor for logs that are in order, in turns.
func beside(out io.Writer, bundle *control.Bundle, program string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		_, err := fmt.Fprintf(out, "\nbeside MonPoly: not reached, as %s isn't installed\n", program)
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nbeside MonPoly, in order\tevents/s (min median max)\tMonPoly, without reading\tratio\tMonPoly, reading too\tratio\theap at its largest, MiB\tdeviations")
	for _, changes := range densities {
		d, err := compare(bundle, path, life(bundle, changes))
		if err != nil {
			return fmt.Errorf("%d changes: %w", changes, err)
		}
		_, _ = fmt.Fprintf(w, "%d changes\t%s\t%s\t%.2f\t%s\t%.2f\t%d\t%d\n", changes, sidebyside.Spread(d.ours),
			sidebyside.Spread(d.judging), sidebyside.Median(d.ours)/sidebyside.Median(d.judging), sidebyside.Spread(d.reading), sidebyside.Median(d.ours)/sidebyside.Median(d.reading), d.heap>>20, d.deviations)
	}
	return w.Flush()
}

// compared are the rates of both, a turn each.
type compared struct {
	ours, judging, reading []float64
	heap                   uint64
	deviations             int
}

func compare(bundle *control.Bundle, program string, facts []engine.Fact) (d compared, err error) {
	dir, err := os.MkdirTemp("", "assay-bench-judge-")
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeLog(dir, facts); err != nil {
		return d, err
	}
	d.heap = largest(bundle, facts)
	n := float64(len(facts))
	for range runs {
		runtime.GC()
		began := time.Now()
		_, d.deviations = judge(engine.New(bundle, 0, 1).Unlogged(), facts, func(int) {})
		d.ours = append(d.ours, n/time.Since(began).Seconds())
		idle, err := monitor(program, dir, "nothing")
		if err != nil {
			return d, err
		}
		busy, err := monitor(program, dir, "formula")
		if err != nil {
			return d, err
		}
		if busy.lines != d.deviations || idle.lines != 0 {
			return d, fmt.Errorf("the engine finds %d deviations, MonPoly %d", d.deviations, busy.lines)
		}
		d.judging = append(d.judging, n/(busy.took-idle.took).Seconds())
		d.reading = append(d.reading, n/busy.took.Seconds())
	}
	return d, nil
}

// largest is how large the heap grows over what it held before, in a turn that isn't timed.
func largest(bundle *control.Bundle, facts []engine.Fact) (most uint64) {
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	judge(engine.New(bundle, 0, 1).Unlogged(), facts, growth(before.HeapAlloc, &most))
	return most
}

// writeLog writes what MonPoly reads: a tick is a pace, and every event has its own.
func writeLog(dir string, facts []engine.Fact) error {
	var log bytes.Buffer
	for i := range facts {
		ev := &facts[i].Event
		tick := int64(ev.Time.Sub(start) / pace)
		if ev.Type == deployed {
			fmt.Fprintf(&log, "@%d deployed (%q, %q)\n", tick, ev.Data["change_id"], ev.Data["deploy_id"])
		} else {
			fmt.Fprintf(&log, "@%d approved (%q)\n", tick, ev.Data["change_id"])
		}
	}
	for name, text := range map[string]string{
		"log": log.String(), "sig": signature, "formula": fmt.Sprintf(formula, 10*time.Minute/pace), "nothing": nothing,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// monitored is a run of MonPoly: it prints a line for each deviation.
type monitored struct {
	took  time.Duration
	lines int
}

func monitor(program, dir, formula string) (monitored, error) {
	cmd := exec.Command(program, "-sig", "sig", "-formula", formula, "-log", "log") //nolint:gosec,noctx // the caller's own program; a turn is a few seconds
	cmd.Dir = dir
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	began := time.Now()
	said, err := cmd.Output()
	if err != nil {
		return monitored{}, fmt.Errorf("%s: %w: %s", program, err, complaint.String())
	}
	return monitored{time.Since(began), bytes.Count(said, []byte("\n"))}, nil
}
