package client

import (
	"context"
	"errors"
	"fmt"
	"metastorebench/core/rpcpb"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Lean makes unary calls over a fixed set of connections without grpc-go: it writes and
// reads HTTP/2's frames itself, so that a load generator costs little beside what it
// loads. It may be used from any number of goroutines.
//
//  1. A call appends its frames to its connection's output, whose writer sends all that
//     has come together in one system call.
//  2. The connection's reader takes answers apart and wakes each caller.
//
// Every handle has one connection, in turn. One that breaks is opened again by the next
// call, and calls fail at once for a while when it cannot be. A deadline is the
// caller's alone: the server is not told of it, but that the call is cancelled.
type Lean struct{ conns []*leanConn }

// DialLean makes the connections' places. They are opened when first used. DialOptions
// have no meaning.
func DialLean(o Options) (*Lean, error) {
	if o.Endpoint == "" {
		return nil, fmt.Errorf("%w: no endpoint, want host:port", ErrOptions)
	}
	if o.Conns < 0 {
		return nil, fmt.Errorf("%w: %d connections, want 0 (for one) or more", ErrOptions, o.Conns)
	}
	l := &Lean{}
	for range max(o.Conns, 1) {
		l.conns = append(l.conns, newLeanConn(o))
	}
	return l, nil
}

// Handle returns a KV on connection i, counted round. Each goroutine takes its own,
// once.
func (l *Lean) Handle(i int) KV {
	return &leanHandle{conn: l.conns[i%len(l.conns)], call: leanCall{wake: make(chan struct{}, 1)}}
}

// Close closes all connections; calls under way fail.
func (l *Lean) Close() error {
	var errs []error
	for _, c := range l.conns {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// leanHandle reuses its request and its call.
type leanHandle struct {
	conn    *leanConn
	request []byte
	call    leanCall
}

var _ KV = (*leanHandle)(nil)

func appendField(dst []byte, field protowire.Number, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), b)
}

// Put implements KV.
func (h *leanHandle) Put(ctx context.Context, key, value []byte) (int64, error) {
	h.request = appendField(appendField(h.request[:0], 1, key), 2, value)
	reply, err := h.conn.invoke(ctx, leanPut, h.request, &h.call)
	if err != nil {
		return 0, err
	}
	revision, _, err := scanReply(reply)
	return revision, err
}

// Delete implements KV.
func (h *leanHandle) Delete(ctx context.Context, key, end []byte) (deleted, revision int64, err error) {
	h.request = appendField(appendField(h.request[:0], 1, key), 2, end)
	reply, err := h.conn.invoke(ctx, leanDelete, h.request, &h.call)
	if err != nil {
		return 0, 0, err
	}
	revision, deleted, err = scanReply(reply)
	return deleted, revision, err
}

// Get implements KV.
func (h *leanHandle) Get(ctx context.Context, key []byte) (*mvccpb.KeyValue, int64, error) {
	page, err := h.Range(ctx, key, nil, 0)
	return first(page.Pairs), page.Revision, err
}

// Range implements KV.
func (h *leanHandle) Range(ctx context.Context, start, end []byte, limit int64) (Page, error) {
	h.request = appendField(appendField(h.request[:0], 1, start), 2, end)
	if limit != 0 {
		h.request = protowire.AppendVarint(protowire.AppendTag(h.request, 3, protowire.VarintType), uint64(limit))
	}
	reply, err := h.conn.invoke(ctx, leanRange, h.request, &h.call)
	if err != nil {
		return Page{}, err
	}
	resp := &etcdserverpb.RangeResponse{}
	if err := proto.Unmarshal(reply, resp); err != nil {
		return Page{}, malformedReply(err)
	}
	return pageOf(resp), nil
}

// scanReply reads the revision in a reply's header, and the number in its field 2, of
// the reply to a put or a delete.
func scanReply(reply []byte) (revision, number int64, err error) {
	err = rpcpb.Fields(reply, func(field protowire.Number, header []byte, n uint64) error {
		switch {
		case field == 1:
			return rpcpb.Fields(header, func(field protowire.Number, _ []byte, n uint64) error {
				if field == 3 {
					revision = int64(n)
				}
				return nil
			})
		case field == 2:
			number = int64(n)
		}
		return nil
	})
	if err != nil {
		return 0, 0, malformedReply(err)
	}
	return revision, number, nil
}

func malformedReply(err error) error {
	return status.Errorf(codes.Internal, "client: malformed reply: %v", err)
}
