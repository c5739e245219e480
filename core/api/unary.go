package api

import (
	"bytes"
	"context"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/api/lean"
	"metastorebench/core/apply"
	"metastorebench/core/codec/wireform"
	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
	"metastorebench/core/trace"
)

// The unary calls that package lean hands to sessions, in the order of unaryMethods.
const (
	unaryPut = iota
	unaryRange
	unaryDelete
	unaryTxn
	unaryBatchPut
	unaryBatchGet
	unaryBatchDelete
)

var unaryMethods = [...]string{
	unaryPut: pb.KV_Put_FullMethodName, unaryRange: pb.KV_Range_FullMethodName,
	unaryDelete: pb.KV_DeleteRange_FullMethodName, unaryTxn: pb.KV_Txn_FullMethodName,
	unaryBatchPut: rpcpb.MetaStore_BatchPut_FullMethodName, unaryBatchGet: rpcpb.MetaStore_BatchGet_FullMethodName,
	unaryBatchDelete: rpcpb.MetaStore_BatchDelete_FullMethodName,
}

// unarySession answers the unary calls of one connection of package lean.
//
// Writes of one command go to the store in the order in which they came, many at
// once, and are answered by a call (kv.Sink). Gets that come together are read on one
// view. Ranges, batches, and transactions that only read have a goroutine each: what
// they do outweighs it.
type unarySession struct {
	svc  *kvService
	meta *metaService
	conn *lean.Conn
	// calls has the calls by slot, in pieces that are made when they are needed and
	// stay where they are.
	calls []*[callsInPiece]unaryCall
	reads getQueue

	// The reader's own. What was begun and is not yet with the store.
	submissions []kv.Submission
	commands    []*streamCommand
	strictPut   kv.PutRequest
	strictDel   kv.DeleteRangeRequest
	put         pb.PutRequest
	delete      pb.DeleteRangeRequest
	kept        []byte // room for requests that go into the log as they are
}

const callsInPiece = 32

var (
	_ lean.Session  = (*unarySession)(nil)
	_ kv.Sink       = (*unarySession)(nil)
	_ trace.Carrier = (*unarySession)(nil)
)

// unaryCall is a call that is under way: the reader's until it is handed on, then
// whose who answers it, then the writer's.
type unaryCall struct {
	call   *lean.Call
	op     string // for the observer; empty if it is told by somebody else
	span   *trace.Span
	err    error          // in place of a result
	result kv.Result      // of a write
	txn    *pb.TxnRequest // that result is of
	get    *pb.RangeRequest
	page   *kv.RangeResult // that get has found
	reply  proto.Message   // of a call with a goroutine
}

func newUnarySession(c *lean.Conn, meta *metaService) *unarySession {
	return &unarySession{svc: meta.kv, meta: meta, conn: c, calls: make([]*[callsInPiece]unaryCall, (c.Slots()+callsInPiece-1)/callsInPiece)}
}

// at returns a slot's call.
func (s *unarySession) at(slot int) *unaryCall { return &s.calls[slot/callsInPiece][slot%callsInPiece] }

// Begin implements lean.Session.
func (s *unarySession) Begin(call *lean.Call, message []byte) {
	if piece := &s.calls[call.Slot/callsInPiece]; *piece == nil {
		*piece = new([callsInPiece]unaryCall)
	}
	u := s.at(call.Slot)
	u.call = call
	if err := s.start(u, message); err != nil {
		u.err = err
		s.conn.Answer(call)
	}
}

// start hands a call on, or returns the status that it is answered with.
func (s *unarySession) start(u *unaryCall, message []byte) error {
	switch u.call.Method {
	case unaryPut:
		return s.startPut(u, message)
	case unaryDelete:
		return s.startDelete(u, message)
	case unaryTxn:
		return s.startTxn(u, message)
	case unaryRange:
		return s.startRange(u, message)
	}
	message = bytes.Clone(message)
	s.spawn(u, func(ctx context.Context) (any, error) { return s.batch(ctx, u.call.Method, message) })
	return nil
}

func (s *unarySession) startPut(u *unaryCall, message []byte) error {
	m, p := &s.put, &s.strictPut
	strict := wireform.Put(message, p) == nil
	if strict {
		m.Key, m.Value, m.Lease, m.PrevKv = p.Key, p.Value, p.Lease, p.PrevKv
		m.IgnoreValue, m.IgnoreLease = p.IgnoreValue, p.IgnoreLease
	} else if err := s.svc.unmarshal(message, m); err != nil {
		return err
	}
	u.op = OpPut
	if err := s.svc.refusePut(m); err != nil {
		return err
	}
	if strict && s.svc.wire != nil {
		s.submit(u, kv.Submission{Wire: kv.Wire{Form: kv.FormPut, Ops: 1, Bytes: s.keep(message)}})
		return nil
	}
	c := s.command()
	fillPut(&c.put, m)
	c.command.Put = &c.put
	s.submit(u, kv.Submission{Command: &c.command})
	return nil
}

func (s *unarySession) startDelete(u *unaryCall, message []byte) error {
	m, d := &s.delete, &s.strictDel
	strict := wireform.Delete(message, d) == nil
	if strict {
		m.Key, m.RangeEnd, m.PrevKv = d.Key, d.RangeEnd, d.PrevKv
	} else if err := s.svc.unmarshal(message, m); err != nil {
		return err
	}
	u.op = OpDelete
	if err := s.svc.refuseDelete(m); err != nil {
		return err
	}
	if strict && s.svc.wire != nil {
		s.submit(u, kv.Submission{Wire: kv.Wire{Form: kv.FormDelete, Ops: 1, Bytes: s.keep(message)}})
		return nil
	}
	c := s.command()
	c.delete.Key, c.delete.RangeEnd, c.delete.PrevKv = m.Key, m.RangeEnd, m.PrevKv
	c.command.DeleteRange = &c.delete
	s.submit(u, kv.Submission{Command: &c.command})
	return nil
}

func (s *unarySession) startTxn(u *unaryCall, message []byte) error {
	m := &pb.TxnRequest{}
	if err := unmarshal(message, m); err != nil {
		return err
	}
	u.op = OpTxn
	if err := s.svc.refuseTxn(m); err != nil {
		return err
	}
	txn := toTxn(m)
	if apply.ReadOnly(txn) {
		u.op = ""
		s.spawn(u, func(ctx context.Context) (any, error) { return s.svc.Txn(ctx, m) })
		return nil
	}
	u.txn = m
	c := s.command()
	c.command.Txn = txn
	s.submit(u, kv.Submission{Command: &c.command})
	return nil
}

func (s *unarySession) startRange(u *unaryCall, message []byte) error {
	m := &pb.RangeRequest{}
	if err := unmarshal(message, m); err != nil {
		return err
	}
	if len(m.RangeEnd) > 0 {
		s.spawn(u, func(ctx context.Context) (any, error) { return s.svc.Range(ctx, m) })
		return nil
	}
	u.op = OpGet
	if err := checkRange(m); err != nil {
		return err
	}
	u.get = m
	s.queueGet(u)
	return nil
}

// batch carries out a batch.
func (s *unarySession) batch(ctx context.Context, method int, message []byte) (any, error) {
	frame := rpcpb.FrameOf(message)
	switch method {
	case unaryBatchPut:
		if s.svc.wire != nil {
			return s.meta.serveBatchPut(ctx, &frame)
		}
		return decoded(ctx, message, &rpcpb.BatchPutRequest{}, s.meta.BatchPut)
	case unaryBatchDelete:
		if s.svc.wire != nil {
			return s.meta.serveBatchDelete(ctx, &frame)
		}
		return decoded(ctx, message, &rpcpb.BatchDeleteRequest{}, s.meta.BatchDelete)
	}
	return decoded(ctx, message, &rpcpb.BatchGetRequest{}, s.meta.BatchGet)
}

func decoded[Req, Resp proto.Message](ctx context.Context, message []byte, m Req, call func(context.Context, Req) (Resp, error)) (any, error) {
	if err := unmarshal(message, m); err != nil {
		return nil, err
	}
	return call(ctx, m)
}

// spawn has a goroutine carry out a call, which tells the observer by itself.
func (s *unarySession) spawn(u *unaryCall, carryOut func(context.Context) (any, error)) {
	call := u.call
	ctx := call.Context()
	if mayWrite(unaryMethods[call.Method]) {
		ctx, u.span = s.svc.replies.start(ctx)
	}
	go func() {
		reply, err := carryOut(ctx)
		if u.err = err; err == nil {
			u.reply = reply.(proto.Message)
		}
		s.conn.Answer(call)
	}()
}

// command returns an empty command, which the next submission holds.
func (s *unarySession) command() *streamCommand {
	for len(s.submissions) >= len(s.commands) {
		s.commands = append(s.commands, &streamCommand{})
	}
	c := s.commands[len(s.submissions)]
	c.command.Put, c.command.DeleteRange, c.command.Txn = nil, nil, nil
	return c
}

// keep copies a request that the store may keep.
func (s *unarySession) keep(message []byte) []byte {
	const room = 4 << 10
	if len(s.kept)+len(message) > cap(s.kept) {
		s.kept = make([]byte, 0, max(room, len(message)))
	}
	start := len(s.kept)
	s.kept = append(s.kept, message...)
	return s.kept[start:len(s.kept):len(s.kept)]
}

// submit lets a write go with the next ones.
func (s *unarySession) submit(u *unaryCall, submission kv.Submission) {
	submission.Token = uint64(u.call.Slot)
	u.span = s.svc.replies.begin(u.call.Arrived)
	u.span.Stamp(trace.Decode)
	if s.submissions = append(s.submissions, submission); len(s.submissions) == intakeOps {
		s.flushWrites()
	}
}

// Flush implements lean.Session.
func (s *unarySession) Flush() {
	s.flushWrites()
	s.flushGets()
}

func (s *unarySession) flushWrites() {
	if len(s.submissions) == 0 {
		return
	}
	s.svc.store.ProposeEach(s.submissions, s)
	clear(s.submissions)
	s.submissions = s.submissions[:0]
	s.kept = nil
}

// Span implements trace.Carrier.
func (s *unarySession) Span(token uint64) *trace.Span { return s.at(int(token)).span }

// Answered implements kv.Sink.
func (s *unarySession) Answered(answers []kv.Answer) {
	var list [64]*lean.Call
	calls := list[:0]
	for i := range answers {
		a := &answers[i]
		u := s.at(int(a.Token))
		u.result, u.err = a.Result, a.Err
		if u.err == nil {
			u.err = a.Result.Err
		}
		if u.err == nil {
			u.span.Done()
		}
		if calls = append(calls, u.call); len(calls) == len(list) {
			s.conn.Answer(calls...)
			calls = list[:0]
		}
	}
	s.conn.Answer(calls...)
}

// AppendReply implements lean.Session.
func (s *unarySession) AppendReply(dst []byte, call *lean.Call) ([]byte, error) {
	u := s.at(call.Slot)
	err := wireError(u.err)
	if err == nil {
		dst, err = s.encode(dst, u)
	}
	if err == nil {
		u.span.Finish()
	}
	s.done(u, err)
	return dst, err
}

// encode appends a result's message.
func (s *unarySession) encode(dst []byte, u *unaryCall) ([]byte, error) {
	st := s.svc.store.Status()
	switch {
	case u.reply != nil:
		return proto.MarshalOptions{}.MarshalAppend(dst, u.reply)
	case u.page != nil:
		return appendRangeReply(dst, &st, u.result.Revision, u.page, u.get.KeysOnly), nil
	case u.txn != nil:
		return proto.MarshalOptions{}.MarshalAppend(dst, fromTxn(s.svc.header(u.result.Revision), u.txn, u.result.Txn))
	case u.result.Delete != nil:
		return appendDeleteReply(dst, &st, u.result.Revision, u.result.Delete), nil
	}
	return appendPutReply(dst, &st, u.result.Revision, u.result.PrevKV), nil
}

// Drop implements lean.Session.
func (s *unarySession) Drop(call *lean.Call, why error) { s.done(s.at(call.Slot), why) }

// done ends a call, which was answered with err.
func (s *unarySession) done(u *unaryCall, err error) {
	if u.op != "" {
		s.svc.observer.OpDone(u.op, err, time.Since(u.call.Arrived))
	}
	*u = unaryCall{}
}

// unmarshal decodes a message, as grpc-go does.
func unmarshal(message []byte, m proto.Message) error {
	if err := proto.Unmarshal(message, m); err != nil {
		return status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %v", err)
	}
	return nil
}

// unmarshal decodes a write of one command, as this service does over grpc-go: with a
// WireStore, it decodes messages by itself.
func (s *kvService) unmarshal(message []byte, m proto.Message) error {
	if s.wire != nil {
		return decode(message, m)
	}
	return unmarshal(message, m)
}
