package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

// secret signs deliveries in both ways.
const secret = "secret of the benchmark"

// delivery is a review as GitHub tells of it, of some 8 kB.
func delivery() []byte {
	text := strings.Repeat("The retrieval step is covered, and so is the refusal. ", 130)
	return fmt.Appendf(nil, `{"action":"submitted","review":{"id":1101,"node_id":"PRR_1","user":{"login":"bob","id":7,"type":"User"},
"body":%q,"commit_id":"6dcb09b5b57875f334f61aebed695e2e4193db5e","submitted_at":%q,"state":"approved","author_association":"MEMBER"},
"pull_request":{"id":34,"number":17,"state":"open","title":"prompt","user":{"login":"alice","id":8,"type":"User"},
"head":{"ref":"prompt","sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e"},"base":{"ref":"main","sha":"0000000000000000000000000000000000000001"},
"created_at":"2026-07-01T08:00:00Z","updated_at":"2026-07-01T08:30:00Z","merged_at":null},
"repository":{"id":5,"name":"assist","full_name":"acme/assist","owner":{"login":"acme","id":9,"type":"Organization"},"default_branch":"main"},
"organization":{"login":"acme","id":9},"sender":{"login":"bob","id":7,"type":"User"}}`, text, time.Now().UTC().Format(time.RFC3339))
}

func sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// postDeliveries sends deliveries to a door, each with an id of its own.
func (r *rig) postDeliveries(url string) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		body := delivery()
		signature := sign(body)
		return each(ctx, func(ctx context.Context) (int64, error) {
			return 1, r.post(ctx, url, "application/json", body,
				"X-Hub-Signature-256", signature, "X-GitHub-Event", "pull_request_review", "X-GitHub-Delivery", uuid.NewString())
		})
	}
}

// least is what any receiver of webhooks must do: read the body, check its HMAC, put it
// into Kafka and wait for that.
func (r *rig) least(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	topic := r.kafka.Topic("received")
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
		if err != nil || !hmac.Equal([]byte(sign(body)), []byte(req.Header.Get("X-Hub-Signature-256"))) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		record := &kgo.Record{Topic: topic, Key: []byte(req.Header.Get("X-GitHub-Delivery")), Value: bytes.Clone(body)}
		if err := r.client.ProduceSync(req.Context(), record).FirstErr(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})}
	go func() { _ = server.Serve(listener) }()
	r.stop = append(r.stop, func() { _ = server.Close() })
	r.peer = "http://" + listener.Addr().String()
	return nil
}
