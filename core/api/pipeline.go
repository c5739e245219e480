package api

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
	"metastorebench/core/trace"
)

// pipelineWindowBytes is how many bytes of keys and values may be in flight on one
// stream when another message is read from it.
const pipelineWindowBytes = 4 << 20

// errPipelineStopped ends the streams of a server that shuts down.
var errPipelineStopped = status.Error(codes.Unavailable, "metastore: the server stops; what has no outcome on this stream was not received, or is unknown")

// pipeline is one stream of operations. Three goroutines work on it, and the
// store's own, which call Answered:
//
//	receive    reads messages, hands writes to the store in order, queues reads
//	serveReads reads from the store, many operations on one view
//	send       the handler: puts the outcomes that there are into messages
//
// An operation is in flight from when it is received until its outcome has been
// given to gRPC. That is what bounds memory: receive does not read on while a
// window's worth is in flight, and gRPC takes nothing from a client that does not
// read.
type pipeline struct {
	svc    *kvService
	ctx    context.Context
	epoch  time.Time
	lastID uint64 // of the operations received; receive's own
	reader sync.Once

	mu       sync.Mutex
	room     sync.Cond // receive waits for less in flight
	readable sync.Cond // serveReads waits for operations that may be read
	sendable sync.Cond // send waits for outcomes, or the end

	inFlight int
	bytes    int // of keys and values in flight
	// writes are those that were received and not answered, and those behind the
	// first of these, by their number modulo the window. All before settled have
	// been answered; received is the next one's number.
	writes            []write
	settled, received uint64
	reads             []read // in order
	outcomes          []outcome
	unsentReadBytes   int // of what was read, in outcomes and in the message under way

	ended  bool  // nothing more is received; what is in flight is answered
	reason error // why, for the client; nil if it said that it has no more
	broken bool  // nothing more is sent
}

var (
	_ kv.Sink       = (*pipeline)(nil)
	_ trace.Carrier = (*pipeline)(nil)
)

// write is a put or a delete that is under way.
type write struct {
	outcome
	answered bool
}

// outcome is what an operation is answered.
type outcome struct {
	id       uint64
	op       string        // one of the OpStream constants
	start    time.Duration // when it was received, since the stream's epoch
	bytes    int           // of the operation
	revision int64
	deleted  int64
	pair     *kv.KeyValue
	page     *kv.RangeResult
	found    int // bytes of pair or page
	err      error
	span     *trace.Span // nil if it is not traced
}

// Pipeline carries out the operations of a stream.
func (s *metaService) Pipeline(stream grpc.BidiStreamingServer[rpcpb.PipelineRequest, rpcpb.PipelineResponse]) error {
	p := newPipeline(stream.Context(), s.kv)
	if err := s.pipelines.enter(p); err != nil {
		return err
	}
	defer s.pipelines.leave(p)
	defer context.AfterFunc(p.ctx, p.breakOff)()
	defer p.breakOff()
	go p.receive(stream)
	return p.send(stream)
}

func newPipeline(ctx context.Context, svc *kvService) *pipeline {
	p := &pipeline{svc: svc, ctx: ctx, epoch: time.Now()}
	p.room.L, p.readable.L, p.sendable.L = &p.mu, &p.mu, &p.mu
	return p
}

// end lets no more operations in; those in flight are answered, and the stream
// then ends with reason. The first call's reason stays.
func (p *pipeline) end(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.ended, p.reason = true, reason
	}
	p.room.Broadcast()
	p.sendable.Broadcast()
}

// breakOff ends the stream at once: nobody is there to be answered.
func (p *pipeline) breakOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.broken = true, true
	p.reads, p.outcomes = nil, nil
	p.room.Broadcast()
	p.readable.Broadcast()
	p.sendable.Broadcast()
}

// Answered implements kv.Sink.
func (p *pipeline) Answered(answers []kv.Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return
	}
	for i := range answers {
		a := &answers[i]
		w := &p.writes[a.Token%rpcpb.PipelineWindow]
		w.answered = true
		w.revision, w.err = a.Result.Revision, a.Err
		if w.err == nil {
			w.err = a.Result.Err
		}
		if a.Result.Delete != nil {
			w.deleted = a.Result.Delete.Deleted
		}
		if w.err == nil {
			w.span.Done()
		}
		p.outcomes = append(p.outcomes, w.outcome)
	}
	before := p.settled
	for p.settled < p.received && p.writes[p.settled%rpcpb.PipelineWindow].answered {
		p.settled++
	}
	p.sendable.Signal()
	if p.settled > before {
		p.room.Signal()
		if len(p.reads) > 0 {
			p.readable.Signal()
		}
	}
}

// Span implements trace.Carrier, for the goroutine that receives.
func (p *pipeline) Span(token uint64) *trace.Span {
	return p.writes[token%rpcpb.PipelineWindow].span
}

// receive reads messages until the stream ends, for whatever reason.
func (p *pipeline) receive(stream grpc.ServerStream) {
	var frame rpcpb.Frame
	defer frame.Free()
	in := intake{p: p}
	for in.wait() {
		err := stream.RecvMsg(&frame)
		if err == nil {
			err = in.take(&frame)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errEnded):
			p.end(nil)
			return
		case errors.Is(err, rpcpb.ErrMalformed):
			p.end(status.Errorf(codes.InvalidArgument, "metastore: %v", err))
			return
		case err != nil:
			p.end(err)
			return
		}
	}
}
