package notifier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/lane"
	"assay.example/assay/services/notifier/internal/message"
)

// Answer is what a target said to a test message. It holds no secret.
type Answer struct {
	Action  record.Action          `json:"action"`
	Outcome record.DeliveryOutcome `json:"outcome"`
	Status  int                    `json:"status"`
	Body    string                 `json:"body"`
	Error   string                 `json:"error"`
}

// testControl is no control's id.
const testControl = "ASSAY-TEST"

// Test sends a marked message to a target, as a violation's is sent, once. Targets
// that open and resolve get both, so that nothing stays open. It needs no Kafka and
// writes no delivery.
func Test(ctx context.Context, cfg Config, target string, now time.Time, deps Deps) ([]Answer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t, ok := cfg.target(target)
	if !ok {
		return nil, cfg.unknownTarget(target)
	}
	l, err := cfg.lane(t, lane.Deps{
		Metrics: lane.NewMetrics(deps.Metrics), Log: deps.Log,
		Record: func(context.Context, *record.Delivery) error { return errors.New("a test is not recorded") },
	})
	if err != nil {
		return nil, err
	}
	opened := testViolation(now)
	if !t.incidents() {
		return []Answer{answer(record.Notify, l.Send(ctx, testMessage(opened, nil)))}, nil
	}
	answers := []Answer{answer(record.Trigger, l.Send(ctx, testMessage(opened, nil)))}
	closed := *opened
	closed.Change, closed.Verdict.Outcome, closed.Verdict.Number, closed.Supersedes = record.Corrected, compliance.Pass, 2, 1
	closed.ID = closed.Episode + "#2"
	return append(answers, answer(record.Resolve, l.Send(ctx, testMessage(&closed, opened)))), nil
}

func (c Config) unknownTarget(name string) error {
	known := make([]string, 0, len(c.Targets))
	for _, t := range c.Targets {
		known = append(known, t.Name)
	}
	slices.Sort(known)
	if len(known) == 0 {
		return compliance.Errorf(compliance.NotFound, "there is no target %q: notifier.targets is empty", name)
	}
	return compliance.Errorf(compliance.NotFound, "there is no target %q; choose one of %s", name, strings.Join(known, ", "))
}

func testViolation(now time.Time) *record.Violation {
	at := compliance.InstantOf(now)
	item := "test-" + strconv.FormatInt(now.UnixMicro(), 36)
	episode := record.ItemKey(record.DefaultTenant, testControl, item)
	return &record.Violation{
		Schema: record.ViolationSchema, ID: episode + "#1", Episode: episode, Change: record.Opened,
		Severity: "info", Title: "This is a test of notifications; nothing is wrong", Criteria: []string{},
		Verdict: compliance.Revision{
			Tenant: record.DefaultTenant, Control: testControl, Number: 1, KnownAt: at, FinalAt: at,
			Verdict: compliance.Verdict{Item: compliance.Item{ID: item, Time: at}, Outcome: compliance.Deviation, Reason: "test", Due: at},
		},
	}
}

func testMessage(v, opened *record.Violation) *message.Message {
	return &message.Message{
		Tenant: v.Verdict.Tenant, Control: v.Verdict.Control, Route: "test", Test: true,
		Entries: []message.Entry{{Violation: v, Opened: opened}},
	}
}

func answer(action record.Action, a lane.Answer) Answer {
	text := a.Error
	if text == "" && a.Outcome != record.Delivered {
		text = fmt.Sprintf("answered %d", a.Status)
	}
	return Answer{Action: action, Outcome: a.Outcome, Status: a.Status, Body: a.Body, Error: text}
}
