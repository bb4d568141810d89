package recorder

import (
	"context"
	"fmt"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/recount"
)

// settle is how long a difference must last before it is put right.
const settle = time.Minute

// nightly recounts once a day until ctx ends. Where several recorders do it at the same
// time, each difference is put right once.
func nightly(ctx context.Context, w *worker, conn clickhouse.Conn) {
	at, err := parseTimeOfDay(w.cfg.RecountAt)
	if err != nil || w.cfg.RecountAt == "" {
		return // Validate has refused the former
	}
	counts := &recount.Counts{Conn: conn, Verdicts: w.cfg.Kafka.Topic("verdicts"), Settle: settle}
	for {
		timer := time.NewTimer(time.Until(nextAt(time.Now(), at)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		w.recountAll(ctx, counts)
	}
}

// recountAll puts right what differs, and says so loudly.
func (w *worker) recountAll(ctx context.Context, counts *recount.Counts) {
	log := w.deps.Log
	began := time.Now()
	tenants, err := counts.Tenants(ctx)
	found := &recount.Found{}
	if err == nil {
		found, err = counts.Repair(ctx, tenants, compliance.InstantOf(began))
	}
	for _, d := range found.Differences {
		w.metrics.repairs.Inc()
		log.Error().Str("tenant", d.Tenant).Str("control", d.Control).Str("day", d.Day.Format(time.DateOnly)).
			Str("outcome", string(d.Outcome)).Str("reason", d.Reason).Bool("remediated", d.Remediated).
			Int64("counted", d.Counted).Int64("recounted", d.Recounted).Msg("a count was wrong, and is put right")
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.metrics.retries.WithLabelValues("recount").Inc()
		log.Error().Err(err).Msg("the nightly recount failed; it is made again tomorrow, or by assay recount")
	default:
		w.metrics.recounted.SetToCurrentTime()
		log.Info().Int("controls", found.Controls).Int("repaired", len(found.Differences)).Int64("items_behind", found.Behind).
			Dur("took", time.Since(began)).Msg("recounted")
	}
}

// parseTimeOfDay reads 03:00 as the time since midnight.
func parseTimeOfDay(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day; write it as 03:00, UTC", text)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// nextAt is the next instant after now at a time of day, UTC.
func nextAt(now time.Time, at time.Duration) time.Time {
	next := now.UTC().Truncate(24 * time.Hour).Add(at)
	if !next.After(now) {
		next = next.Add(24 * time.Hour)
	}
	return next
}
