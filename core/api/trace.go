package api

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/tap"

	"metastorebench/core/rpcpb"
	"metastorebench/core/trace"
)

// This file tells the stage trace when a write arrives and when its reply is
// ready. A stats.Handler could tell both, but gRPC then copies the header and
// allocates six events for every request, traced or not; an interceptor
// allocates three times. Here a request that is not traced allocates nothing.

// replyTrace is the services' codec, which finishes the span of each traced reply that
// it has encoded. A nil one traces nothing. It is safe for concurrent use.
type replyTrace struct {
	encoding.CodecV2
	tracer *trace.Tracer
	// spans has the spans of replies on their way from the handler to the codec,
	// by reply; gRPC encodes every reply that comes without an error, so none
	// stays. waiting is their number.
	spans   sync.Map
	waiting atomic.Int64
}

func newReplyTrace(t *trace.Tracer) *replyTrace {
	if t == nil {
		return nil
	}
	return &replyTrace{CodecV2: rpcpb.Codec(), tracer: t}
}

// overGRPC is the key of the span of a request that came over gRPC: the JSON
// gateway calls the same handlers, and has no codec that would finish it.
type overGRPC struct{}

// options make gRPC start spans when a write's header has been read, on the
// connection's reading goroutine, and finish them when its reply has been
// encoded and goes to the transport.
func (r *replyTrace) options() []grpc.ServerOption {
	if r == nil {
		return nil
	}
	return []grpc.ServerOption{
		grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
			if mayWrite(info.FullMethodName) {
				if traced := r.tracer.Start(ctx); traced != ctx {
					ctx = context.WithValue(traced, overGRPC{}, r.tracer.Span(traced))
				}
			}
			return ctx, nil
		}),
	}
}

// begin is asked for the span of a write of a stream, which arrived at the given
// time. It is nil if the write is not traced.
func (r *replyTrace) begin(arrived time.Time) *trace.Span {
	if r == nil {
		return nil
	}
	return r.tracer.Begin(arrived)
}

// start is asked for the span of a write that a goroutine of its own carries out. The
// caller finishes it.
func (r *replyTrace) start(ctx context.Context) (context.Context, *trace.Span) {
	if r == nil {
		return ctx, nil
	}
	ctx = r.tracer.Start(ctx)
	return ctx, r.tracer.Span(ctx)
}

// returns is told of a write's reply before its handler returns it.
func (r *replyTrace) returns(ctx context.Context, reply any) {
	if r == nil {
		return
	}
	if span, ok := ctx.Value(overGRPC{}).(*trace.Span); ok {
		r.waiting.Add(1)
		r.spans.Store(reply, span)
	}
}

// Marshal implements encoding.CodecV2.
func (r *replyTrace) Marshal(v any) (mem.BufferSlice, error) {
	encoded, err := r.CodecV2.Marshal(v)
	if r.waiting.Load() == 0 {
		return encoded, err
	}
	if span, ok := r.spans.LoadAndDelete(v); ok {
		r.waiting.Add(-1)
		if err == nil {
			span.(*trace.Span).Finish()
		}
	}
	return encoded, err
}

func mayWrite(method string) bool {
	switch method {
	case pb.KV_Put_FullMethodName, pb.KV_DeleteRange_FullMethodName, pb.KV_Txn_FullMethodName,
		rpcpb.MetaStore_BatchPut_FullMethodName, rpcpb.MetaStore_BatchDelete_FullMethodName:
		return true
	}
	return false
}

// traceHTTP does the same for the JSON gateway: from the header to the end of
// the handler, which has written the reply into the connection's buffer.
func traceHTTP(t *trace.Tracer, next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v3/kv/put", "/v3/kv/deleterange", "/v3/kv/txn", "/v3/batch/put", "/v3/batch/delete":
			ctx := t.Start(r.Context())
			defer t.Span(ctx).Finish()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}
