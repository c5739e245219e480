package api

import (
	"context"
	"net/http"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/tap"

	"metastorebench/core/rpcpb"
	"metastorebench/core/trace"
)

// The functions of this file tell the stage trace when a write arrives and when
// its reply is ready. A stats.Handler could tell both, but gRPC then copies the
// header and allocates six events for every request, traced or not. Here a
// request that is not traced costs one more interceptor.

// traceOptions make gRPC start spans when a write's header has been read, on the
// connection's reading goroutine, and finish them when its reply has been
// encoded and goes to the transport. There are none without a tracer.
func traceOptions(t *trace.Tracer) []grpc.ServerOption {
	if t == nil {
		return nil
	}
	return []grpc.ServerOption{
		grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
			if mayWrite(info.FullMethodName) {
				ctx = t.Start(ctx)
			}
			return ctx, nil
		}),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			span := t.Span(ctx)
			reply, err := next(ctx, req)
			if span != nil && err == nil {
				reply = &tracedReply{reply: reply, span: span}
			}
			return reply, err
		}),
		grpc.ForceServerCodecV2(traceCodec{encoding.GetCodecV2(proto.Name)}),
	}
}

func mayWrite(method string) bool {
	switch method {
	case pb.KV_Put_FullMethodName, pb.KV_DeleteRange_FullMethodName, pb.KV_Txn_FullMethodName,
		rpcpb.MetaStore_BatchPut_FullMethodName, rpcpb.MetaStore_BatchDelete_FullMethodName:
		return true
	}
	return false
}

// tracedReply is a reply on its way to the codec, with its span.
type tracedReply struct {
	reply any
	span  *trace.Span
}

// traceCodec is gRPC's own, which finishes the span of each reply that it has
// encoded.
type traceCodec struct{ encoding.CodecV2 }

// Marshal implements encoding.CodecV2.
func (c traceCodec) Marshal(v any) (mem.BufferSlice, error) {
	traced, ok := v.(*tracedReply)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	encoded, err := c.CodecV2.Marshal(traced.reply)
	if err == nil {
		traced.span.Finish()
	}
	return encoded, err
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
