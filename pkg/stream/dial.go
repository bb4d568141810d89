package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// dialTimeout is for the connection and its handshake, as the client's own is.
const dialTimeout = 10 * time.Second

// dialTLS connects and shakes hands. Whatever fails is called a failed dial, as the
// client waits before it tries again after one. It doesn't after other errors: a
// producer that meets a failed handshake before it has its id, say because a
// certificate has ended, would shake hands for ever without a pause.
func dialTLS(cfg *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: cfg}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		if failed, ok := errors.AsType[*net.OpError](err); !ok || failed.Op != "dial" {
			err = &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return nil, err
	}
}
