package daemontest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports that Addresses chooses from lie below those that the system gives to whoever asks
// for any and to connections, so that none of these gets one before a service listens there.
const (
	firstPort = 10_000
	ports     = 22_768
)

// Addresses are n of this machine on which nobody listens just now.
func Addresses(n int) (list []string, err error) {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			err = errors.Join(err, l.Close())
		}
	}()
	for tries := 0; len(held) < n; tries++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(ports))))
		if err == nil {
			held, list = append(held, l), append(list, l.Addr().String())
		} else if tries > ports {
			return nil, err
		}
	}
	return list, nil
}
