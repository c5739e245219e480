package api

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

// answerBytes is how long a message of outcomes gets, about.
const answerBytes = 64 << 10

// send gives outcomes to the client as they come, until the stream ends; its
// error is the stream's.
func (p *pipeline) send(stream grpc.ServerStream) error {
	var out outlet
	out.builder.SetWindow(&rpcpb.Window{Operations: rpcpb.PipelineWindow, OperationBytes: uint32(p.svc.limits.MaxRequestBytes)})
	frame := out.builder.Frame()
	if err := stream.SendMsg(&frame); err != nil {
		return err
	}
	var outcomes []outcome
	for {
		var more bool
		if outcomes, more = p.nextOutcomes(outcomes); !more {
			return p.reason
		}
		for rest := outcomes; len(rest) > 0; {
			n := out.fill(p, rest)
			frame := out.builder.Frame()
			if err := stream.SendMsg(&frame); err != nil {
				return err
			}
			p.sent(rest[:n])
			rest = rest[n:]
		}
		clear(outcomes) // what was read
	}
}

// nextOutcomes waits for outcomes and takes them all, giving the pipeline the
// array of the last ones for more. It returns false when there will be none.
func (p *pipeline) nextOutcomes(used []outcome) (outcomes []outcome, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.outcomes) == 0 {
		if p.broken || p.ended && p.inFlight == 0 {
			return nil, false
		}
		p.sendable.Wait()
	}
	outcomes, p.outcomes = p.outcomes, used[:0]
	return outcomes, true
}

// sent takes operations out of flight, whose outcomes gRPC has.
func (p *pipeline) sent(outcomes []outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight -= len(outcomes)
	for i := range outcomes {
		p.bytes -= outcomes[i].bytes
		p.unsentReadBytes -= outcomes[i].found
	}
	p.room.Signal()
	if len(p.reads) > 0 {
		p.readable.Signal()
	}
}

// outlet puts outcomes into messages. It reuses the objects that it encodes.
type outlet struct {
	builder  rpcpb.Builder
	tally    tally
	put      rpcpb.PutResult
	get      rpcpb.GetResult
	pair     rpcpb.Pair
	delete   rpcpb.DeleteResult
	message  rpcpb.Outcome
	failures rpcpb.Error
}

// fill starts a message and returns how many of the outcomes have found room in
// it, one at least. The observer is told of them.
func (out *outlet) fill(p *pipeline, outcomes []outcome) (n int) {
	for n < len(outcomes) && (n == 0 || out.builder.Len()+outcomes[n].found < answerBytes) {
		o := &outcomes[n]
		code := out.encode(o)
		out.tally.count(o, code)
		o.span.Finish()
		n++
	}
	out.tally.report(p.svc.observer, time.Since(p.epoch))
	return n
}

// encode appends an outcome to the message, and returns its code.
func (out *outlet) encode(o *outcome) codes.Code {
	m := &out.message
	m.Id, m.Revision, m.Put, m.Get, m.Delete, m.Range, m.Error = o.id, 0, nil, nil, nil, nil, nil
	code := codes.OK
	switch {
	case o.err != nil:
		st := status.Convert(wireError(o.err))
		code = st.Code()
		out.failures.Code, out.failures.Message = int32(code), st.Message()
		m.Error = &out.failures
	case o.op == OpStreamPut:
		out.put.Revision = o.revision
		m.Put = &out.put
	case o.op == OpStreamDelete:
		out.delete.Revision, out.delete.Deleted = o.revision, o.deleted
		m.Delete = &out.delete
	case o.op == OpStreamGet:
		out.get.Pair = nil
		if o.pair != nil {
			fillWirePair(&out.pair, o.pair)
			out.get.Pair = &out.pair
		}
		m.Get, m.Revision = &out.get, o.revision
	case o.op == OpStreamRange:
		m.Range, m.Revision = rangeResult(o.page), o.revision
	}
	out.builder.AddOutcome(m)
	return code
}

func fillWirePair(dst *rpcpb.Pair, p *kv.KeyValue) {
	dst.Key, dst.Value = p.Key, p.Value
	dst.CreateRevision, dst.ModRevision, dst.Version = p.CreateRevision, p.ModRevision, p.Version
}

func rangeResult(page *kv.RangeResult) *rpcpb.RangeResult {
	pairs := make([]rpcpb.Pair, len(page.KVs))
	res := &rpcpb.RangeResult{Pairs: make([]*rpcpb.Pair, len(pairs)), More: page.More, Count: page.Count}
	for i, p := range page.KVs {
		fillWirePair(&pairs[i], p)
		res.Pairs[i] = &pairs[i]
	}
	return res
}
