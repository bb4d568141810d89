// Command assay is the whole product in one binary: a subcommand for each
// service, and the tools. It wires services to their configuration, to a log
// and to metrics, and turns errors into exit codes; what a service does is in its
// own package.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"assay.example/assay/pkg/embedded"
)

func main() {
	embedded.MaybeRunEngine() // a child process that is the database never goes further
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ()}))
}
