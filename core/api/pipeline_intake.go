package api

import (
	"bytes"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
	"metastorebench/core/trace"
)

// errEnded says that the stream takes no more operations.
var errEnded = errors.New("api: the stream has ended")

// intakeOps is how many operations are handed on together at most.
const intakeOps = 256

// intake takes the operations of messages in. It belongs to the goroutine that
// receives, and reuses all that it has.
type intake struct {
	p       *pipeline
	walk    rpcpb.Operations
	arrived time.Time     // when the message was received
	now     time.Duration // the same since the stream's epoch
	memory  kv.Memory     // of the message
	free    int           // operations that the window has room for

	// What was taken and is not yet in flight.
	writes      []outcome
	commands    []*streamCommand
	submissions []kv.Submission
	reads       []read
	refused     []outcome
	ops, bytes  int
}

// streamCommand is a command of either kind in one piece.
type streamCommand struct {
	command kv.Command
	put     kv.PutRequest
	delete  kv.DeleteRangeRequest
}

// wait waits until there is room for an operation, and returns false if there
// will be none.
func (in *intake) wait() bool {
	p := in.p
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.ended {
		in.free = rpcpb.PipelineWindow - max(p.inFlight, int(p.received-p.settled))
		if in.free > 0 && p.bytes < pipelineWindowBytes {
			return true
		}
		p.room.Wait()
	}
	return false
}

// take lets the operations of a message in, as there is room for them. An error
// says that the message is malformed, or that the stream has ended.
func (in *intake) take(message *rpcpb.Frame) error {
	in.arrived, in.memory = time.Now(), message.Buffer()
	defer func() { in.memory = nil }()
	in.now = in.arrived.Sub(in.p.epoch)
	err := in.walk.Each(message.Bytes(), func(op *rpcpb.Operation) error {
		if in.ops == min(in.free, intakeOps) {
			in.flush()
			if !in.wait() {
				return errEnded
			}
		}
		in.add(op)
		return nil
	})
	in.flush()
	return err
}

// add sorts an operation.
func (in *intake) add(op *rpcpb.Operation) {
	kind, size, kinds := describe(op)
	o := outcome{id: op.Id, op: kind, start: in.now, bytes: size}
	in.ops++
	in.bytes += size
	if o.err = in.check(op, kinds, size); o.err != nil {
		in.refused = append(in.refused, o)
		return
	}
	in.p.lastID = op.Id
	switch {
	case in.pass(op):
		in.writes = append(in.writes, o)
	case op.Put != nil:
		c := in.command()
		c.put.Key, c.put.Value = op.Put.Key, op.Put.Value
		c.command.Put = &c.put
		in.write(o)
	case op.Delete != nil:
		c := in.command()
		c.delete.Key, c.delete.RangeEnd = op.Delete.Key, op.Delete.RangeEnd
		c.command.DeleteRange = &c.delete
		in.write(o)
	case op.Get != nil:
		in.read(read{outcome: o, revision: op.Get.Revision, key: bytes.Clone(op.Get.Key)})
	case op.Range != nil:
		in.read(read{outcome: o, limit: op.Range.Limit, key: bytes.Clone(op.Range.Key), end: bytes.Clone(op.Range.RangeEnd)})
	}
}

// describe returns an operation's kind, the bytes of its keys and value, and how
// many kinds it has.
func describe(op *rpcpb.Operation) (kind string, size, kinds int) {
	kind = OpStreamUnknown
	if op.Put != nil {
		kind, size, kinds = OpStreamPut, len(op.Put.Key)+len(op.Put.Value), 1
	}
	if op.Get != nil {
		kind, size, kinds = OpStreamGet, size+len(op.Get.Key), kinds+1
	}
	if op.Delete != nil {
		kind, size, kinds = OpStreamDelete, size+len(op.Delete.Key)+len(op.Delete.RangeEnd), kinds+1
	}
	if op.Range != nil {
		kind, size, kinds = OpStreamRange, size+len(op.Range.Key)+len(op.Range.RangeEnd), kinds+1
	}
	if kinds != 1 {
		kind = OpStreamUnknown
	}
	return kind, size, kinds
}

// check returns why an operation is not carried out, nil if it is.
func (in *intake) check(op *rpcpb.Operation, kinds, size int) error {
	switch {
	case op.Id <= in.p.lastID:
		return status.Errorf(codes.InvalidArgument, "metastore: id %d is not above %d, that of an earlier operation of this stream", op.Id, in.p.lastID)
	case kinds == 0:
		return status.Error(codes.Unimplemented, "metastore: unknown operation; accepted are put, get, delete and range")
	case kinds > 1:
		return status.Errorf(codes.InvalidArgument, "metastore: the operation is of %d kinds; accepted is one", kinds)
	case len(op.GetPut().GetKey())+len(op.GetGet().GetKey())+len(op.GetDelete().GetKey())+len(op.GetRange().GetKey()) == 0:
		return rpctypes.ErrGRPCEmptyKey
	case size > int(in.p.svc.limits.MaxRequestBytes):
		return rpctypes.ErrGRPCRequestTooLarge
	case op.GetRange() != nil && len(op.Range.RangeEnd) == 0:
		return status.Error(codes.InvalidArgument, "metastore: a range without range_end; one key is read with a get")
	}
	return nil
}

// pass takes a write as it was received, if the store wants it so and it has no
// more to it than op says; else it does nothing and returns false.
func (in *intake) pass(op *rpcpb.Operation) bool {
	if in.p.svc.wire == nil {
		return false
	}
	w := kv.Wire{Ops: 1, Bytes: in.walk.Body(), Memory: in.memory}
	switch {
	case op.Put != nil && isPlainPut(w.Bytes):
		w.Form = kv.FormPut
	case op.Delete != nil && isPlainDelete(w.Bytes):
		w.Form = kv.FormDelete
	default:
		return false
	}
	in.submissions = append(in.submissions, kv.Submission{Wire: w})
	return true
}

// command returns an empty command, which the next submission holds.
func (in *intake) command() *streamCommand {
	for len(in.submissions) >= len(in.commands) {
		in.commands = append(in.commands, &streamCommand{})
	}
	c := in.commands[len(in.submissions)]
	c.command.Put, c.command.DeleteRange = nil, nil
	in.submissions = append(in.submissions, kv.Submission{Command: &c.command})
	return c
}

// write takes a write, whose command has been taken.
func (in *intake) write(o outcome) {
	o.span = in.p.svc.replies.begin(in.arrived)
	o.span.Stamp(trace.Decode)
	in.writes = append(in.writes, o)
}

// read takes a read, which waits for the writes before it.
func (in *intake) read(r read) {
	r.after = uint64(len(in.writes)) // of this call; flush adds those before
	in.reads = append(in.reads, r)
}

// flush puts what was taken in flight, and hands the writes to the store. Nothing
// of the message is kept behind it.
func (in *intake) flush() {
	p := in.p
	if in.enroll() && len(in.submissions) > 0 {
		p.svc.store.ProposeEach(in.submissions, p)
	}
	if len(in.reads) > 0 {
		p.reader.Do(func() { go p.serveReads() })
	}
	clear(in.reads)
	clear(in.submissions)
	in.writes, in.submissions, in.reads, in.refused = in.writes[:0], in.submissions[:0], in.reads[:0], in.refused[:0]
	in.ops, in.bytes = 0, 0
}

// enroll puts what was taken in flight, unless the stream has ended meanwhile.
func (in *intake) enroll() bool {
	p := in.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	if p.writes == nil && len(in.writes) > 0 {
		p.writes = make([]write, rpcpb.PipelineWindow)
	}
	for _, r := range in.reads {
		r.after += p.received
		p.reads = append(p.reads, r)
	}
	for i, w := range in.writes {
		in.submissions[i].Token = p.received
		p.writes[p.received%rpcpb.PipelineWindow] = write{outcome: w}
		p.received++
	}
	p.inFlight += in.ops
	p.bytes += in.bytes
	if len(in.refused) > 0 {
		p.outcomes = append(p.outcomes, in.refused...)
		p.sendable.Signal()
	}
	if len(in.reads) > 0 {
		p.readable.Signal()
	}
	return true
}
