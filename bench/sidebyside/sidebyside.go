// Package sidebyside measures two ways to do one thing in one run: warm, taking
// turns, so that whatever else the machine does hits both, and compares medians.
package sidebyside

import (
	"context"
	"fmt"
	"io"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

// Way is one of the two: Run does its work until ctx ends or it is done, and says how much
// it did. Before, if there is one, makes ready for a turn and isn't measured.
type Way struct {
	Name   string
	Before func(ctx context.Context) error
	Run    func(ctx context.Context) (done int64, err error)
}

// Row is a comparison and its result, in units of work a second.
type Row struct {
	Name, Unit   string
	Ours, Peer   Way
	AtLeast      float64 // the ratio to reach, ours to the peer's
	ours, theirs turns
}

// turns are what the turns of a way gave: its rates, and the microseconds of this
// process's CPU that a unit took, which say less of what else the machine did.
type turns struct{ rate, cpu []float64 }

// Plan says how long each turn takes and how often each way has one. A first turn
// of each is not counted.
type Plan struct {
	Turns int
	Turn  time.Duration
}

// Measure fills the row.
func (r *Row) Measure(ctx context.Context, p Plan) error {
	for turn := range p.Turns + 1 {
		for _, w := range []struct {
			way  Way
			into *turns
		}{{r.Ours, &r.ours}, {r.Peer, &r.theirs}} {
			rate, cpu, err := one(ctx, w.way, p.Turn)
			if err != nil {
				return fmt.Errorf("measuring %s: %w", w.way.Name, err)
			}
			if turn > 0 {
				w.into.rate, w.into.cpu = append(w.into.rate, rate), append(w.into.cpu, cpu)
			}
		}
	}
	return nil
}

func one(ctx context.Context, w Way, turn time.Duration) (rate, cpu float64, err error) {
	if w.Before != nil {
		if err := w.Before(ctx); err != nil {
			return 0, 0, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, turn)
	defer cancel()
	began, used := time.Now(), processor()
	done, err := w.Run(ctx)
	return float64(done) / time.Since(began).Seconds(), float64((processor() - used).Microseconds()) / float64(max(done, 1)), err
}

// processor is the CPU time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Ratio is ours to the peer's, of the medians.
func (r *Row) Ratio() float64 { return Median(r.ours.rate) / Median(r.theirs.rate) }

// Median is the middle one; 0 of none.
func Median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

// Print writes the rows as a table.
func Print(out io.Writer, rows []*Row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "row\tunit\tours (min median max)\tpeer (min median max)\tratio\ttarget\tCPU of one, µs: ours, peer")
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\t≥ %.2f\t%.2f, %.2f\n",
			r.Name, r.Unit, Spread(r.ours.rate), Spread(r.theirs.rate), r.Ratio(), r.AtLeast, Median(r.ours.cpu), Median(r.theirs.cpu))
	}
	return w.Flush()
}

// Spread is the least, the median and the most.
func Spread(list []float64) string {
	if len(list) == 0 {
		return "not reached"
	}
	return fmt.Sprintf("%.0f %.0f %.0f", slices.Min(list), Median(list), slices.Max(list))
}
