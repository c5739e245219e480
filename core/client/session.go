package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"

	"metastorebench/core/rpcpb"
)

// messageBytes is how long a message of operations gets, about: beyond it gRPC
// divides it anyway, and the server would begin later.
const messageBytes = 64 << 10

// slotBits is the part of an id that names a slot. The rest counts operations, so
// that ids grow.
const slotBits = 16

// session is one life of a stream, from its opening to its end. Two goroutines
// belong to it: one opens and receives, the other sends.
type session struct {
	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
	over   atomic.Bool // takes no more operations: err is set

	mu       sync.Mutex
	sendable sync.Cond // the sender waits for operations
	room     sync.Cond // callers wait for a free slot, the first one for the window
	waiting  int       // callers that do
	window   *rpcpb.Window
	calls    []*call  // in flight, by slot; window.Operations slots in all
	free     []uint32 // slots, the one that was used last at the end
	sequence uint64   // of the last operation submitted
	sentID   uint64   // all operations up to this one were given to the connection
	full     []message
	builder  rpcpb.Builder
	err      error // why it is over
}

// message is one that is ready to be sent.
type message struct {
	frame  rpcpb.Frame
	lastID uint64
}

func openSession(meta rpcpb.MetaStoreClient) *session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{ctx: ctx, cancel: cancel}
	s.sendable.L, s.room.L = &s.mu, &s.mu
	s.ended.Go(func() { s.fail(s.run(meta)) })
	return s
}

// close ends the session and waits for its goroutines.
func (s *session) close() {
	s.fail(errClosed)
	s.ended.Wait()
}

// fail ends the session; only the first reason counts. Every call in flight is
// told whether it was sent.
func (s *session) fail(reason error) {
	defer s.cancel() // after s.err is set
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.err = reason
	s.over.Store(true)
	for slot, c := range s.calls {
		if c == nil {
			continue
		}
		s.calls[slot] = nil
		if c.err = brokenError(reason); c.id > s.sentID {
			c.err = notSentError(reason)
		}
		c.tell()
	}
	s.sendable.Broadcast()
	s.room.Broadcast()
}

// submit puts an operation in flight, when the window has room. An error means
// that it did not happen.
func (s *session) submit(ctx context.Context, c *call, op *rpcpb.Operation, bytes int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && (len(s.free) == 0 || s.waiting > 0) {
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
	if s.err != nil {
		return notSentError(s.err)
	}
	if bytes > int(s.window.OperationBytes) {
		return rpctypes.ErrGRPCRequestTooLarge
	}
	s.enqueue(c, op)
	return nil
}

// wait waits for the caller's turn and a free slot, or for the end of the session.
// The error says that ctx ended first. s.mu is held.
func (s *session) wait(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.room.Broadcast()
	})()
	s.waiting++
	for first := true; s.err == nil && ctx.Err() == nil && (first || len(s.free) == 0); first = false {
		s.room.Wait()
	}
	s.waiting--
	s.admit()
	return begun(ctx)
}

// admit lets the next caller have a free slot. s.mu is held.
func (s *session) admit() {
	if s.waiting > 0 && len(s.free) > 0 {
		s.room.Signal()
	}
}

// enqueue appends the operation to the next message. s.mu is held.
func (s *session) enqueue(c *call, op *rpcpb.Operation) {
	last := len(s.free) - 1
	slot := s.free[last]
	s.free = s.free[:last]
	s.sequence++
	c.id = s.sequence<<slotBits | uint64(slot)
	op.Id = c.id
	s.calls[slot] = c
	if s.builder.Len() >= messageBytes {
		s.full = append(s.full, message{s.builder.Frame(), c.id - 1})
	}
	s.builder.AddOperation(op)
	s.sendable.Signal()
}

// run opens the stream and receives until it ends, with the reason.
func (s *session) run(meta rpcpb.MetaStoreClient) error {
	stream, err := meta.Pipeline(s.ctx, grpc.ForceCodecV2(rpcpb.Codec()))
	if err != nil {
		return err
	}
	var frame rpcpb.Frame
	defer frame.Free()
	var walk rpcpb.Outcomes
	if err := s.begin(stream, &frame, &walk); err != nil {
		return err
	}
	s.ended.Go(func() { s.send(stream) })
	var done []*call
	for {
		if err := stream.RecvMsg(&frame); errors.Is(err, io.EOF) {
			return errors.New("the server ended the stream")
		} else if err != nil {
			return err
		}
		done, err = s.answer(frame.Bytes(), &walk, done[:0])
		for _, c := range done {
			c.tell()
		}
		if err != nil {
			return err
		}
	}
}

// begin receives the window.
func (s *session) begin(stream grpc.ClientStream, frame *rpcpb.Frame, walk *rpcpb.Outcomes) error {
	if err := stream.RecvMsg(frame); err != nil {
		return err
	}
	window, err := walk.Each(frame.Bytes(), func(*rpcpb.Outcome) error { return errForeign })
	if err != nil {
		return err
	}
	if window.GetOperations() == 0 || window.GetOperations() > 1<<slotBits {
		return fmt.Errorf("%w of 1 to %d operations: %v", errNoWindow, 1<<slotBits, window)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.window = window
	s.calls = make([]*call, window.Operations)
	s.free = make([]uint32, window.Operations)
	for slot := range s.free {
		s.free[slot] = uint32(slot)
	}
	s.admit()
	return nil
}

// answer gives the outcomes of a message to their calls, and appends those to
// done: they are out of flight, and not yet told.
func (s *session) answer(data []byte, walk *rpcpb.Outcomes, done []*call) ([]*call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := walk.Each(data, func(o *rpcpb.Outcome) error {
		slot := o.Id & (1<<slotBits - 1)
		if slot >= uint64(len(s.calls)) || s.calls[slot] == nil || s.calls[slot].id != o.Id {
			return fmt.Errorf("%w: %d", errForeign, o.Id)
		}
		c := s.calls[slot]
		s.calls[slot] = nil
		s.free = append(s.free, uint32(slot))
		s.admit()
		c.answer(o)
		done = append(done, c)
		return nil
	})
	return done, err
}

// send sends what there is, until the session is over or the stream refuses; the
// receiver knows why.
func (s *session) send(stream grpc.ClientStream) {
	for {
		m, before, more := s.next()
		if !more {
			return
		}
		if stream.SendMsg(&m.frame) != nil {
			// gRPC has not given any of it to the connection.
			s.mu.Lock()
			s.sentID = before
			s.mu.Unlock()
			return
		}
	}
}

// next waits for a message and takes its operations for sent; before is the last
// one that was sent already.
func (s *session) next() (m message, before uint64, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waited := false
	for s.err == nil && len(s.full) == 0 && s.builder.Len() == 0 {
		waited = true
		s.sendable.Wait()
	}
	if waited && s.err == nil {
		// The other goroutines that are about to run, those of calls that were
		// answered together above all, go first, and share the message.
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	if s.err != nil {
		return message{}, 0, false
	}
	before = s.sentID
	if len(s.full) > 0 {
		m = s.full[0]
		s.full = s.full[1:]
	} else {
		m = message{s.builder.Frame(), s.sequence<<slotBits | (1<<slotBits - 1)}
	}
	s.sentID = m.lastID
	return m, before, true
}
