package api

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/apply"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

const (
	// maxStreamReplyBytes bounds the keys and values that one operation of a
	// stream is answered with: below the 4 MiB that a gRPC client reads unless
	// told otherwise.
	maxStreamReplyBytes = 3 << 20
	// readViewOps is how many operations are read on one view, which may hold up
	// commits, at most.
	readViewOps = 256
)

// read is a get or a range that is under way.
type read struct {
	outcome
	after    uint64 // the number of the first write behind it
	key, end []byte // end is empty for a get
	limit    int64
	revision int64
}

// serveReads carries out the reads of the stream until it has ended.
func (p *pipeline) serveReads() {
	var done []outcome
	for {
		reads := p.nextReads()
		if reads == nil {
			return
		}
		done = done[:0]
		err := p.svc.store.Read(p.ctx, false, func(view engine.Reader) error {
			for i := range reads {
				done = append(done, readOne(view, &reads[i]))
			}
			return nil
		})
		if err != nil {
			done = done[:0]
			for _, r := range reads {
				r.err = err
				done = append(done, r.outcome)
			}
		}
		p.answerReads(done)
		clear(done)
	}
}

// nextReads waits for reads whose turn has come: the writes before them have been
// answered, and the client takes what was read before. It returns the first ones
// of the queue, up to a range, and nil when there will be no more.
func (p *pipeline) nextReads() []read {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.broken {
		n := 0
		for n < min(len(p.reads), readViewOps) && p.reads[n].after <= p.settled && p.unsentReadBytes < maxStreamReplyBytes {
			n++
			if len(p.reads[n-1].end) > 0 {
				break
			}
		}
		if n > 0 {
			reads := p.reads[:n:n]
			p.reads = p.reads[n:]
			return reads
		}
		p.readable.Wait()
	}
	return nil
}

// readOne reads what r asks for.
func readOne(view engine.Reader, r *read) outcome {
	o := r.outcome
	o.revision = view.State().Revision
	if len(r.end) == 0 {
		var failed error
		if o.pair, o.err, failed = apply.Get(view, r.key, r.revision); failed != nil {
			o.err = failed
		}
		if o.pair != nil {
			o.found = len(o.pair.Key) + len(o.pair.Value)
		}
		return o
	}
	o.page, o.err = apply.Range(view, &kv.RangeRequest{Key: r.key, RangeEnd: r.end, Limit: r.limit})
	if o.err != nil {
		return o
	}
	for _, pair := range o.page.KVs {
		o.found += len(pair.Key) + len(pair.Value)
	}
	if o.found > maxStreamReplyBytes {
		o.err = status.Errorf(codes.ResourceExhausted, "metastore: the range has %d bytes in %d pairs; accepted on a stream are %d: set a limit", o.found, len(o.page.KVs), maxStreamReplyBytes)
		o.page, o.found = nil, 0
	}
	return o
}

// answerReads gives the sender what was read.
func (p *pipeline) answerReads(done []outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return
	}
	for i := range done {
		p.unsentReadBytes += done[i].found
	}
	p.outcomes = append(p.outcomes, done...)
	p.sendable.Signal()
}
