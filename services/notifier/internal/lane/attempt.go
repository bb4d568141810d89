package lane

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/notifier/internal/guard"
	"assay.example/assay/services/notifier/internal/message"
)

// The limits of what is read of an answer, and kept of it.
const (
	bodyRead  = 4 << 10
	errorKept = 300
)

// recordWithin is how long writing an attempt down may outlive the session.
const recordWithin = 5 * time.Second

var errAgain = errors.New("it is attempted again")

// deliver attempts until the message is finished and written down; false if the
// session ended before.
func (s *Session) deliver(ctx context.Context, j *job) bool {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = s.cfg.FirstWait, s.cfg.LastWait
	n := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := s.turn(ctx); err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		defer func() { <-s.turns }()
		n++
		return struct{}{}, s.attempt(ctx, j, n)
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0))
	return err == nil
}

// attempt returns nil when the message is finished. An attempt under way outlives
// ctx: a request that was cut off might have arrived.
func (s *Session) attempt(ctx context.Context, j *job, n int) error {
	began := time.Now()
	a := s.Send(context.WithoutCancel(ctx), j.message)
	took := time.Since(began)
	if a.Outcome == record.Retried && time.Since(j.oldest()) > s.cfg.MaxAge {
		a.Outcome = record.Abandoned
	}
	s.deps.Metrics.Attempts.WithLabelValues(s.cfg.Target, string(a.Outcome)).Inc()
	s.deps.Metrics.Duration.WithLabelValues(s.cfg.Target).Observe(took.Seconds())
	s.tell(a.Outcome != record.Delivered, a.Outcome, a.Error)
	if err := s.write(ctx, s.delivery(j, n, a, began, took)); err != nil {
		return backoff.Permanent(err) // the session has ended; the next one does it again
	}
	switch {
	case a.Outcome != record.Retried:
		return nil
	case a.RetryAfter > 0:
		s.pauseFor(a.RetryAfter)
		return &backoff.RetryAfterError{Duration: a.RetryAfter}
	}
	return errAgain
}

// oldest is when the log took the first violation of the message.
func (j *job) oldest() time.Time {
	at := j.items[0].At
	for _, it := range j.items {
		if it.At.Before(at) {
			at = it.At
		}
	}
	return at
}

// write puts an attempt into the log, however long that takes: the message is not
// sent again because Kafka is away.
func (s *Session) write(ctx context.Context, d *record.Delivery) error {
	ctx, cancel := outlive(ctx, recordWithin)
	defer cancel()
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, s.deps.Record(ctx, d) },
		backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
			s.deps.Log.Warn().Err(err).Str("target", s.cfg.Target).Msg("an attempt can't be written down yet")
		}))
	if err != nil {
		return fmt.Errorf("recording an attempt: %w", err)
	}
	return nil
}

// outlive is a context that ends some time after ctx.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

func (s *Session) delivery(j *job, n int, a Answer, began time.Time, took time.Duration) *record.Delivery {
	m := j.message
	d := &record.Delivery{
		Schema: record.DeliverySchema, ID: uuid.Must(uuid.NewV7()).String(), Tenant: m.Tenant, Control: m.Control, Route: m.Route,
		Target: s.cfg.Target, Kind: s.cfg.Kind, Action: s.action(m.Entries[0].Violation), Group: m.ID(), Attempt: n, Outcome: a.Outcome,
		Status: a.Status, Error: a.Error, DurationMS: took.Milliseconds(), RequestSHA256: a.RequestSHA256, At: compliance.InstantOf(began),
	}
	for _, e := range m.Entries {
		d.Violations = append(d.Violations, e.Violation.ID)
		d.Items = append(d.Items, e.Violation.Verdict.Item.ID)
		d.Revisions = append(d.Revisions, e.Violation.Verdict.Number)
	}
	return d
}

// action is what a violation asks of the target; of a group, each asks the same.
func (s *Session) action(v *record.Violation) record.Action {
	switch {
	case !s.cfg.Incidents:
		return record.Notify
	case message.Open(v):
		return record.Trigger
	}
	return record.Resolve
}

// Answer is what one attempt led to.
type Answer struct {
	Outcome record.DeliveryOutcome
	Status  int
	// Body is the beginning of what the target said, and Error why it was no
	// success. Neither holds a secret of the request.
	Body          string
	Error         string
	RetryAfter    time.Duration
	RequestSHA256 compliance.Hash
}

// Send makes one attempt and writes nothing down.
func (l *Lane) Send(ctx context.Context, m *message.Message) Answer {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timeout)
	defer cancel()
	r, err := l.deps.Format.Request(m, time.Now())
	if err != nil { // a secret's file that may come back
		return Answer{Outcome: record.Retried, Error: clean(err.Error(), nil)}
	}
	a := l.exchange(ctx, r)
	a.RequestSHA256 = sha256.Sum256(r.Body)
	return a
}

func (l *Lane) exchange(ctx context.Context, r *message.Request) Answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{Outcome: record.Refused, Error: clean(cause(err), r.Secrets)}
	}
	req.Header = r.Header
	resp, err := l.deps.Client.Do(req)
	if err != nil {
		return failed(err, r.Secrets)
	}
	defer func() { _ = resp.Body.Close() }() // all that is wanted was read
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyRead))
	if err != nil && resp.StatusCode/100 != 2 {
		return failed(err, r.Secrets)
	}
	return l.judge(resp, clean(string(body), r.Secrets))
}

func failed(err error, secrets []string) Answer {
	a := Answer{Outcome: record.Retried, Error: clean(cause(err), secrets)}
	if errors.Is(err, guard.ErrForbidden) {
		a.Outcome = record.Refused
	}
	return a
}

// cause is err without the URL that net/http puts before it.
func cause(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// judge says what a status means. A redirect is a refusal: a target that moved is
// for the operator to follow.
func (l *Lane) judge(resp *http.Response, body string) Answer {
	a := Answer{Status: resp.StatusCode, Body: body}
	switch code := resp.StatusCode; {
	case code/100 == 2:
		a.Outcome = record.Delivered
		return a
	case code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500:
		a.Outcome = record.Retried
		a.RetryAfter = min(retryAfter(resp.Header.Get("Retry-After"), time.Now()), l.cfg.MaxRetryAfter)
	default:
		a.Outcome = record.Refused
	}
	a.Error = fmt.Sprintf("answered %d", a.Status)
	if a.Status/100 == 3 {
		a.Error += ", a redirect, which is not followed"
	}
	if body != "" {
		a.Error = cutText(a.Error+": "+body, errorKept)
	}
	return a
}

// retryAfter reads both forms of the header; 0 if there is none.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// clean takes out secrets and control characters, and keeps the beginning.
func clean(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, settings.Redacted)
		}
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return cutText(strings.TrimSpace(text), errorKept)
}

func cutText(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return text
}
