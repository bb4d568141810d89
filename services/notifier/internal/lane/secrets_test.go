package lane_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/notifier/internal/guard"
	"assay.example/assay/services/notifier/internal/lane"
	"assay.example/assay/services/notifier/internal/message"
)

type failing struct{ err error }

func (f failing) Do(*http.Request) (*http.Response, error) { return nil, f.err }

func TestForbiddenAddressIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &message.PagerDuty{Address: message.Address{URL: "https://events.example.com"}, RoutingKey: routingKey}
		r := newRig(t, config(), f, failing{fmt.Errorf("dial: %w: 127.0.0.1 is loopback", guard.ErrForbidden)})
		r.open()
		defer r.end()
		r.take(violation("a", 1))
		wait(time.Hour)
		require.Equal(t, []record.DeliveryOutcome{record.Refused}, r.outcomes("default/CH-01/a#1"))
		require.Contains(t, r.last().Error, "127.0.0.1 is loopback")
	})
}

// echo answers with the request itself: a target that shows all it was told.
type echo struct{}

func (echo) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	text := fmt.Sprintf("%s %v %s", req.URL, req.Header, body)
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text + strings.Repeat("x", 1<<20)))}, err
}

// No secret reaches a delivery or a log, also where a target answers with it.
func TestSecretsStaySecret(t *testing.T) {
	address := settings.Secret("https://bob:hunter22@hook.example.com/s3cr3tpath?token=abcdef")
	for _, f := range []message.Format{
		&message.Webhook{Address: message.Address{URL: address}, Secrets: []settings.Secret{hookSecret}},
		&message.Slack{Address: message.Address{URL: address}},
		&message.PagerDuty{Address: message.Address{URL: address}, RoutingKey: routingKey},
		&message.Alertmanager{Address: message.Address{URL: address}, Token: "b3arer"},
	} {
		synctest.Test(t, func(t *testing.T) {
			broken := failing{&url.Error{Op: "Post", URL: address.Reveal(), Err: errors.New("dial tcp: lookup " + address.Reveal())}}
			for _, client := range []lane.Doer{echo{}, broken} {
				r := newRig(t, config(), f, client)
				r.open()
				r.take(violation("a", 1))
				wait(time.Second)
				r.end()
				require.NotEmpty(t, r.last().Error)
				raw, err := json.Marshal(r.deliveries)
				require.NoError(t, err)
				requireClean(t, string(raw))
				require.NotEmpty(t, r.log.String())
				requireClean(t, r.log.String())
			}
		})
	}
}

func requireClean(t *testing.T, text string) {
	t.Helper()
	for _, s := range []string{"hunter22", "s3cr3tpath", "abcdef", routingKey, hookSecret[6:], "b3arer"} {
		require.NotContains(t, text, s)
	}
}
