package api

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/codec/wireform"
	"metastorebench/core/kv"
	"metastorebench/core/recycle"
	"metastorebench/core/rpcpb"
)

// With a WireStore, the methods of this file take the place of the generated
// handlers of writes: the message stays in the frame in which gRPC received it,
// and goes to the store as it is. A message that is not in the strict shape of
// package wireform (an encoder writes no other, but protobuf allows more) is
// decoded as always. With Pool, messages and replies of puts are used again.

// frameHandlers returns desc with some methods' handlers replaced.
func frameHandlers(desc grpc.ServiceDesc, handlers map[string]frameHandler) *grpc.ServiceDesc {
	methods := make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		if serve := handlers[m.MethodName]; serve != nil {
			generated := m.Handler
			m.Handler = func(srv any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
				if interceptor != nil {
					return generated(srv, ctx, dec, interceptor) // which expects messages
				}
				return serve(ctx, dec)
			}
		}
		methods[i] = m
	}
	desc.Methods = methods
	return &desc
}

// frameHandler serves one call. dec decodes the received message.
type frameHandler func(ctx context.Context, dec func(any) error) (any, error)

// describe returns the service as it is registered with gRPC.
func (s *kvService) describe() *grpc.ServiceDesc {
	handlers := make(map[string]frameHandler)
	if s.wire != nil || s.puts.On {
		handlers["Put"] = s.servePut
	}
	if s.wire != nil {
		handlers["DeleteRange"] = inFrame(s.serveDelete)
	}
	return frameHandlers(pb.KV_ServiceDesc, handlers)
}

func (s *metaService) describe() *grpc.ServiceDesc {
	if s.kv.wire == nil {
		return &rpcpb.MetaStore_ServiceDesc
	}
	return frameHandlers(rpcpb.MetaStore_ServiceDesc, map[string]frameHandler{
		"BatchPut": inFrame(s.serveBatchPut), "BatchDelete": inFrame(s.serveBatchDelete),
	})
}

// inFrame receives the message as a frame, which is serve's during the call.
func inFrame(serve func(ctx context.Context, f *rpcpb.Frame) (any, error)) frameHandler {
	return func(ctx context.Context, dec func(any) error) (any, error) {
		f := &rpcpb.Frame{}
		if err := dec(f); err != nil {
			return nil, err
		}
		defer f.Free()
		return serve(ctx, f)
	}
}

// decode decodes a frame's bytes into m, which owns what it gets.
func decode(body []byte, m proto.Message) error {
	if err := proto.Unmarshal(body, m); err != nil {
		return status.Errorf(codes.InvalidArgument, "metastore: malformed %s: %v", m.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// wireOf returns a frame's message as a request.
func wireOf(f *rpcpb.Frame, form kv.Form, ops int) kv.Wire {
	return kv.Wire{Form: form, Ops: ops, Bytes: f.Bytes(), Memory: f.Buffer()}
}

// putCall is a put over gRPC: its message, in one form or the other, and its
// reply. It is the handler's until that returns it as the reply, and then
// putCodec's.
type putCall struct {
	frame   rpcpb.Frame
	strict  kv.PutRequest
	message pb.PutRequest
	reply   putReply
}

// clearPutCall makes ready for the next put.
func clearPutCall(c *putCall) {
	c.frame.Free()
	c.strict.Key, c.strict.Value = nil, nil
	c.message.Reset()
	c.reply.resp.Reset()
	c.reply.hdr.Reset()
}

// servePut receives a put and returns its call, whose reply putCodec encodes.
func (s *kvService) servePut(ctx context.Context, dec func(any) error) (any, error) {
	c := s.puts.Get()
	w, err := s.receivePut(c, dec)
	if err == nil {
		err = s.put(ctx, &c.message, w, &c.reply)
	}
	c.frame.Free()
	if err != nil {
		s.puts.Put(c)
		return nil, err
	}
	return c, nil
}

// receivePut fills c.message, and returns it as it was received if it may go into
// the log so.
func (s *kvService) receivePut(c *putCall, dec func(any) error) (w kv.Wire, err error) {
	if s.wire == nil {
		return w, dec(&c.message)
	}
	if err := dec(&c.frame); err != nil {
		return w, err
	}
	if wireform.Put(c.frame.Bytes(), &c.strict) != nil {
		return w, decode(c.frame.Bytes(), &c.message)
	}
	m, p := &c.message, &c.strict
	m.Key, m.Value, m.Lease, m.PrevKv = p.Key, p.Value, p.Lease, p.PrevKv
	m.IgnoreValue, m.IgnoreLease = p.IgnoreValue, p.IgnoreLease
	return wireOf(&c.frame, kv.FormPut, 1), nil
}

func (s *kvService) serveDelete(ctx context.Context, f *rpcpb.Frame) (any, error) {
	r := &pb.DeleteRangeRequest{}
	var strict kv.DeleteRangeRequest
	if wireform.Delete(f.Bytes(), &strict) != nil {
		if err := decode(f.Bytes(), r); err != nil {
			return nil, err
		}
		return s.DeleteRange(ctx, r)
	}
	r.Key, r.RangeEnd, r.PrevKv = strict.Key, strict.RangeEnd, strict.PrevKv
	return s.deleteRange(ctx, r, wireOf(f, kv.FormDelete, 1))
}

func (s *metaService) serveBatchPut(ctx context.Context, f *rpcpb.Frame) (any, error) {
	if r := plainPuts(f.Bytes()); r != nil {
		return s.batchPut(ctx, r, wireOf(f, kv.FormPuts, len(r.Puts)))
	}
	r := &rpcpb.BatchPutRequest{}
	if err := decode(f.Bytes(), r); err != nil {
		return nil, err
	}
	return s.BatchPut(ctx, r)
}

func (s *metaService) serveBatchDelete(ctx context.Context, f *rpcpb.Frame) (any, error) {
	if r := plainDeletes(f.Bytes()); r != nil {
		return s.batchDelete(ctx, r, wireOf(f, kv.FormDeletes, len(r.Deletes)))
	}
	r := &rpcpb.BatchDeleteRequest{}
	if err := decode(f.Bytes(), r); err != nil {
		return nil, err
	}
	return s.BatchDelete(ctx, r)
}

// putCodec encodes the replies of puts and releases their calls. Everything else
// is the codec's below. It is safe for concurrent use.
type putCodec struct {
	encoding.CodecV2
	puts *recycle.Pool[putCall]
}

// Marshal implements encoding.CodecV2.
func (p putCodec) Marshal(v any) (mem.BufferSlice, error) {
	c, ok := v.(*putCall)
	if !ok {
		return p.CodecV2.Marshal(v)
	}
	data, err := p.CodecV2.Marshal(&c.reply.resp)
	p.puts.Put(c)
	return data, err
}
