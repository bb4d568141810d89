package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Serve answers requests until ctx ends, and then for as long as grace those in hand; cut
// says that some of these were cut off. With a certificate (certFile and keyFile, PEM) it
// speaks TLS. The error is of a server that ended by itself.
func Serve(ctx context.Context, s *http.Server, l net.Listener, certFile, keyFile string, grace time.Duration) (cut bool, err error) {
	served := make(chan error, 1)
	go func() {
		if certFile != "" {
			served <- s.ServeTLS(l, certFile, keyFile)
			return
		}
		served <- s.Serve(l)
	}()
	select {
	case err := <-served:
		return false, err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.Shutdown(last); err != nil && !errors.Is(err, http.ErrServerClosed) {
		_ = s.Close() // what remains are those requests
		return true, nil
	}
	return false, nil
}
