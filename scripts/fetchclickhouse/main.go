// Fetchclickhouse puts ClickHouse's library into the cache, so that tests find
// it: they never download anything themselves. Where it is there and verified
// already, that is all it finds out.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"assay.example/assay/pkg/embedded"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	path, err := embedded.Library(ctx, steps())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fetchclickhouse:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, path)
}

// steps prints each step as it begins; a log needs no percentages.
func steps() embedded.Progress {
	last := ""
	return func(step string, _, _ int64) {
		if step != last {
			fmt.Fprintln(os.Stderr, step)
			last = step
		}
	}
}
