package collector

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/otlp"
	"assay.example/assay/services/collector/internal/otlp/receiver"
)

// OTLP is the door for traces and logs of OpenTelemetry. Over HTTP it is open
// wherever the collector listens.
type OTLP struct {
	// GRPCListen is host:port for OTLP over gRPC, usually port 4317; empty says that
	// nobody speaks it. It has TLS if the collector has.
	GRPCListen string `yaml:"grpcListen"`
	// Source begins the CloudEvents source of the events; a slash and the service.name
	// follow. A key needs it among its sources, such as /otlp/*. Empty, services have
	// the sources that other senders call by their names, such as /assistant.
	Source string `yaml:"source"`
	// MaxBytes limits an export, unpacked. It is never more than an eighth of
	// MaxInFlightBytes, so that several fit.
	MaxBytes int64 `yaml:"maxBytes"`
	// KeepContent keeps the text of prompts, answers and tools beside its digest, in
	// the topic received. No event has it.
	KeepContent bool `yaml:"keepContent"`
	// Keep names attributes of your own whose text is no content; a "*" at the end
	// stands for anything.
	Keep []string `yaml:"keep"`
	// DigestKey, or the file DigestKeyFile, makes the digests of content HMACs, so that
	// nobody can try what a short text was. It is read once, at the start.
	DigestKey     settings.Secret `yaml:"digestKey"`
	DigestKeyFile string          `yaml:"digestKeyFile"`
}

func defaultOTLP() OTLP { return OTLP{Source: "/otlp", MaxBytes: 4 << 20} }

// otlpVendor is the folder of the mappings.
const otlpVendor = "otlp"

func (c Config) otlpFaults() []error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fault(format, args...))
		}
	}
	o := c.OTLP
	_, port, err := net.SplitHostPort(o.GRPCListen)
	check(o.GRPCListen == "" || err == nil && port != "", "otlp.grpcListen: %q is not host:port, such as 127.0.0.1:4317", o.GRPCListen)
	check(o.Source == "" || strings.HasPrefix(o.Source, "/") && len(o.Source) <= 64 && !strings.ContainsAny(o.Source, "* \t\n"),
		"otlp.source: %q doesn't begin with '/', is too long, or holds '*' or space; the usual one is /otlp", o.Source)
	check(o.MaxBytes >= 1<<10 && o.MaxBytes <= 64<<20, "otlp.maxBytes: is %d; choose 1024 to %d", o.MaxBytes, 64<<20)
	for i, name := range o.Keep {
		check(strings.Trim(name, "*") != "" && !strings.Contains(strings.TrimSuffix(name, "*"), "*"),
			"otlp.keep[%d]: %q is empty, would keep everything, or has '*' elsewhere than at its end", i, name)
	}
	check(o.DigestKey == "" || o.DigestKeyFile == "", "otlp.digestKey: set it or digestKeyFile, not both")
	return faults
}

// newReceiver gives none if the library has no mappings for OTLP.
func newReceiver(cfg Config, deps Deps, events *door.Door, vendors *source.Library) (*receiver.Receiver, error) {
	vendor, ok := vendors.Vendor(otlpVendor)
	if !ok && cfg.OTLP.GRPCListen != "" {
		return nil, compliance.Errorf(compliance.NotFound, "there are no mappings for OTLP: the sources lack the folder %q", otlpVendor)
	}
	if !ok {
		return nil, nil
	}
	key, err := settings.ReadSecret(cfg.OTLP.DigestKey, cfg.OTLP.DigestKeyFile)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "otlp.digestKeyFile: %w", err)
	}
	metrics, err := receiver.NewMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics of OTLP: %w", err)
	}
	return receiver.New(receiver.Options{
		Door: events, Vendor: vendor, Metrics: metrics,
		Redactor: otlp.NewRedactor([]byte(key.Reveal()), cfg.OTLP.Keep, cfg.OTLP.KeepContent),
		Source:   cfg.OTLP.Source, Bytes: min(cfg.OTLP.MaxBytes, cfg.MaxInFlightBytes/8), Patience: cfg.ReadTimeout + cfg.AckTimeout,
	}), nil
}

// listenGRPC gives no listener if nobody is to speak gRPC.
func listenGRPC(ctx context.Context, cfg Config, deps Deps) (net.Listener, error) {
	if deps.GRPCListener != nil || cfg.OTLP.GRPCListen == "" {
		return deps.GRPCListener, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.OTLP.GRPCListen)
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "listening for OTLP: %w; set collector.otlp.grpcListen to a free port", err)
	}
	return l, nil
}

// serveGRPC returns nil when ctx is cancelled and all exports are answered.
func serveGRPC(ctx context.Context, cfg Config, deps Deps, listener net.Listener, r *receiver.Receiver) error {
	if listener == nil || r == nil {
		return nil
	}
	var opts []grpc.ServerOption
	if cfg.CertFile != "" {
		creds, err := credentials.NewServerTLSFromFile(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			_ = listener.Close() // nobody has connected
			return compliance.Errorf(compliance.Invalid, "reading certFile and keyFile: %w", err)
		}
		opts = append(opts, grpc.Creds(creds))
	}
	server := r.Server(opts...)
	deps.Log.Info().Stringer("address", listener.Addr()).Bool("tls", cfg.CertFile != "").Msg("collector listens for OTLP over gRPC")
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving OTLP over gRPC: %w", err)
	case <-ctx.Done():
	}
	stopped := make(chan struct{})
	go func() { server.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(cfg.ShutdownTimeout):
		deps.Log.Warn().Msg("some exports did not finish in time; their senders have no answer")
		server.Stop()
	}
	return nil
}
