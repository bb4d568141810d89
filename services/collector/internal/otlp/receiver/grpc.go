package receiver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // exporters compress
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/types/known/durationpb"

	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/intake"
	"assay.example/assay/services/collector/internal/otlp"
)

// Server makes a gRPC server with the two services of OTLP. opts are for TLS.
//
// Who has no key is turned away at the headers of a request, before its message is
// read. A request holds as much of the budget as a message may have, for gRPC reads
// the message before it asks anybody.
func (r *Receiver) Server(opts ...grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(append([]grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{}),
		grpc.InTapHandle(r.admit),
		grpc.MaxRecvMsgSize(int(r.Bytes)),
		grpc.MaxConcurrentStreams(64),
		grpc.MaxHeaderListSize(64 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 5 * time.Minute}),
	}, opts...)...)
	for name, of := range map[string]signal{"trace": traces(), "logs": logs()} {
		s.RegisterService(r.service(name, of), r)
	}
	return s
}

// service is what protoc would generate. Its package would bring a gateway along.
func (r *Receiver) service(name string, of signal) *grpc.ServiceDesc {
	title := map[string]string{"trace": "TraceService", "logs": "LogsService"}[name]
	return &grpc.ServiceDesc{
		ServiceName: "opentelemetry.proto.collector." + name + ".v1." + title,
		HandlerType: (*any)(nil),
		Metadata:    "opentelemetry/proto/collector/" + name + "/v1/" + name + "_service.proto",
		Methods: []grpc.MethodDesc{{
			MethodName: "Export",
			Handler: func(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				began := time.Now()
				var m message
				if err := read(&m); err != nil {
					return nil, err
				}
				answer, p := r.safely(ctx, of, m.raw)
				code := http.StatusOK
				if p != nil {
					code = p.Status
				}
				r.Door.Metrics.Observe("otlp_grpc", code, time.Since(began))
				if p != nil {
					return nil, statusOf(p).Err()
				}
				return &message{answer.encode(otlp.Protobuf)}, nil
			},
		}},
	}
}

// admitted is what is known of a request since its headers.
type admitted struct {
	key   *door.Key
	lease *intake.Lease
}

type admittedKey struct{}

// admit lets a request in by its headers. It must not wait.
func (r *Receiver) admit(ctx context.Context, info *tap.Info) (context.Context, error) {
	key, ok := r.Door.Authenticate(http.Header{"Authorization": info.Header.Get("authorization")})
	if !ok {
		return nil, statusOf(door.Unauthorized()).Err()
	}
	lease := r.Door.Budget.Lease()
	if err := lease.Grow(r.Bytes); err != nil {
		lease.Release()
		return nil, statusOf(r.Door.ProblemOf(err)).Err()
	}
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	// The request's context ends with it, however it ends.
	context.AfterFunc(ctx, func() {
		cancel()
		lease.Release()
	})
	return context.WithValue(ctx, admittedKey{}, &admitted{key, lease}), nil
}

// safely answers for what panics, as net/http does: it ends a request, and not the
// process with the requests of all others.
func (r *Receiver) safely(ctx context.Context, of signal, raw []byte) (answer taken, p *door.Problem) {
	defer func() {
		if recover() != nil {
			answer, p = taken{}, door.Failed()
		}
	}()
	return r.export(ctx, of, raw)
}

func (r *Receiver) export(ctx context.Context, of signal, raw []byte) (taken, *door.Problem) {
	in, ok := ctx.Value(admittedKey{}).(*admitted)
	if !ok {
		return taken{}, door.Unauthorized() // admit has been forgotten
	}
	in.lease.Hold() // a request that is given up releases its own
	defer in.lease.Release()
	return r.take(ctx, in.key, in.lease, of, raw, otlp.Protobuf)
}

// statusOf is a problem as gRPC tells it, with when to try again.
func statusOf(p *door.Problem) *status.Status {
	s := status.New(codeOf(p), p.Detail)
	if p.RetryAfter() == 0 {
		return s
	}
	if codeOf(p) == codes.Internal {
		s = status.New(codes.Unavailable, p.Detail)
	}
	detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(p.RetryAfter())})
	if err != nil {
		return s
	}
	return detailed
}

// message is a request or an answer, in bytes.
type message struct{ raw []byte }

// codec leaves messages as they are: they are read as those over HTTP.
type codec struct{}

var _ encoding.CodecV2 = codec{}

// Name says that the bytes are protobuf.
func (codec) Name() string { return "proto" }

// Marshal gives the bytes of a *message.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*message)
	if !ok {
		return nil, fmt.Errorf("%T is no message of OTLP", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(m.raw)}, nil
}

// Unmarshal fills a *message.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*message)
	if !ok {
		return fmt.Errorf("%T is no message of OTLP", v)
	}
	m.raw = data.Materialize()
	return nil
}
