package lane_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/notifier/internal/lane"
	"assay.example/assay/services/notifier/internal/message"
	"assay.example/assay/services/notifier/internal/receivertest"
)

func hookRig(t *testing.T, cfg lane.Config) (*rig, *receivertest.Webhook) {
	cfg.Incidents, cfg.Kind = false, "webhook"
	to := receivertest.NewWebhook(hookSecret)
	f := &message.Webhook{Address: message.Address{URL: "https://hook.example.com/x"}, Secrets: []settings.Secret{hookSecret}}
	return newRig(t, cfg, f, receivertest.Client{Handler: to}), to
}

// alertRig is one for alertmanagers, which are told again and again of what is open.
func alertRig(t *testing.T, cfg lane.Config) (*rig, *receivertest.Alertmanager) {
	cfg.Kind, cfg.Resend = "alertmanager", time.Minute
	to := receivertest.NewAlertmanager()
	f := &message.Alertmanager{Address: message.Address{URL: "https://am.example.com"}, HoldFor: 4 * time.Minute}
	return newRig(t, cfg, f, receivertest.Client{Handler: to}), to
}

// listed are the ids of each webhook.
func listed(t *testing.T, to *receivertest.Webhook) (all [][]string) {
	for _, got := range to.Taken() {
		var body struct {
			Data struct {
				Violations []struct{ ID string }
			}
		}
		require.NoError(t, json.Unmarshal(got.Body, &body))
		var ids []string
		for _, v := range body.Data.Violations {
			ids = append(ids, strings.TrimPrefix(v.ID, "default/CH-01/"))
		}
		all = append(all, ids)
	}
	return all
}

func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := hookRig(t, config())
		r.openWith(func(v *record.Violation) (string, time.Duration, bool) { return v.Severity, 10 * time.Second, true })
		defer r.end()
		r.take(violation("a", 1))
		wait(5 * time.Second)
		other := violation("z", 1)
		other.Severity = "low"
		r.take(violation("b", 1), other)
		wait(4 * time.Second)
		require.Empty(t, to.Got())
		wait(2 * time.Second)
		r.take(violation("c", 1))
		wait(time.Minute)
		require.Equal(t, [][]string{{"a#1", "b#1"}, {"z#1"}, {"c#1"}}, listed(t, to))
		require.Len(t, r.finished(), 4)
		require.Equal(t, record.Notify, r.last().Action)

		for i := range 250 {
			if i == 100 {
				wait(time.Millisecond)
			}
			go r.take(violation(fmt.Sprintf("m%d", i), 1))
			synctest.Wait()
		}
		wait(time.Minute)
		sizes := []int{}
		for _, ids := range listed(t, to)[3:] {
			sizes = append(sizes, len(ids))
		}
		require.Equal(t, []int{100, 100, 50}, sizes, "a message holds a hundred at most")
	})
}

// Also where routes wait differently, an episode's end doesn't overtake its opening.
func TestGroupsKeepTheOrderOfAnEpisode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := hookRig(t, config())
		r.openWith(func(v *record.Violation) (string, time.Duration, bool) {
			if v.Change == record.Opened {
				return "slow", time.Minute, true
			}
			return "fast", 0, true
		})
		defer r.end()
		to.Fail(3, http.StatusBadGateway, "a#1", nil)
		r.take(violation("a", 1), violation("b", 1), resolved("a", 2))
		wait(time.Hour)
		require.Equal(t, [][]string{{"a#1", "b#1"}, {"a#2"}}, listed(t, to))
	})
}

// An open alert is sent again before it would time out, a resolved one is not, and
// a restart goes on with what the log says is open.
func TestOpenAlertsAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := alertRig(t, config())
		r.open()
		r.take(violation("a", 1), violation("b", 1))
		wait(time.Hour)
		require.Equal(t, map[string]string{"a": "high", "b": "high"}, to.Firing())
		r.take(resolved("b", 2))
		wait(time.Second)
		require.Equal(t, map[string]string{"a": "high"}, to.Firing())
		wait(time.Hour)
		require.Equal(t, map[string]string{"a": "high"}, to.Firing())
		require.Len(t, r.deliveries, 3, "repetitions are not written down")

		r.end()
		wait(10 * time.Minute)
		require.Empty(t, to.Firing(), "without a notifier it times out")
		r.open()
		r.Restore(violation("a", 1))
		r.Restore(violation("b", 1))
		r.Restore(resolved("b", 2))
		wait(2 * time.Minute)
		require.Equal(t, map[string]string{"a": "high"}, to.Firing())
		r.take(resolved("a", 2))
		wait(time.Hour)
		require.Empty(t, to.Firing())
		r.end()
	})
}

// While an alert can't be delivered, its repetitions don't pile up behind it.
func TestRepetitionsDontPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := alertRig(t, config())
		to.Fail(20, http.StatusBadGateway, "", nil)
		r.open()
		defer r.end()
		r.take(violation("a", 1))
		wait(3 * time.Hour)
		got := to.Taken()
		require.Less(t, got[min(10, len(got)-1)].At.Sub(got[0].At), 11*time.Minute)
		require.Greater(t, got[10].At.Sub(got[0].At), 9*time.Minute)
	})
}

// A repetition that is slow doesn't open again what is resolved meanwhile.
func TestResolveWaitsForARepetition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := alertRig(t, config())
		r.open()
		defer r.end()
		r.take(violation("a", 1))
		wait(59 * time.Second)
		hold := make(chan struct{})
		to.Hold(hold)
		wait(2 * time.Second)
		to.Hold(nil)
		r.take(resolved("a", 2))
		wait(2 * time.Second)
		close(hold)
		wait(time.Second)
		require.Empty(t, to.Firing())
		wait(time.Hour)
		require.Empty(t, to.Firing())
	})
}
