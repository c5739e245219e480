package propose

import (
	"fmt"
	"slices"
	"sync/atomic"

	"metastorebench/core/kv"
	"metastorebench/core/recycle"
)

// chunk holds the requests of one call of DoEach, which come and go together.
type chunk struct {
	requests []request
	encoded  []byte // what had to be encoded; pieces are slices of it
	// unanswered counts the requests that have not been answered or refused.
	unanswered atomic.Int64
}

// newChunk returns an empty chunk with room for the submissions' requests, which
// must not move once they are admitted.
func (p *Proposer) newChunk(submissions []kv.Submission) *chunk {
	c := p.chunks.Get()
	c.requests = slices.Grow(c.requests, len(submissions))
	c.encoded = slices.Grow(c.encoded, p.expected(submissions))
	return c
}

// expected is about how many bytes the commands take when they are encoded; more,
// as a rule, so that they stay in one piece.
func (p *Proposer) expected(submissions []kv.Submission) (bytes int) {
	const overhead = 24
	for _, s := range submissions {
		if s.Wire.Bytes != nil {
			continue // stays where it is
		}
		if put := s.Command.Put; put != nil {
			bytes += len(put.Key) + len(put.Value)
		}
		bytes += overhead
	}
	return bytes
}

// addTo adds the request of s to the chunk, or returns why it is refused.
func (p *Proposer) addTo(c *chunk, s kv.Submission, sink kv.Sink) error {
	c.requests = append(c.requests, request{ops: 1, sink: sink, token: s.Token, chunk: c})
	r := &c.requests[len(c.requests)-1]
	err := p.encodeOne(r, c, s)
	if err == nil && r.bytes > p.limits.MaxRequestBytes {
		err = fmt.Errorf("%w: %d bytes encoded, at most %d are accepted", kv.ErrTooLarge, r.bytes, p.limits.MaxRequestBytes)
	}
	if err != nil {
		c.requests = c.requests[:len(c.requests)-1]
		return err
	}
	r.hold()
	r.results = r.oneResult[:0]
	return nil
}

// encodeOne fills the pieces of r: the request's own bytes, or a part of the
// chunk's.
func (p *Proposer) encodeOne(r *request, c *chunk, s kv.Submission) error {
	if s.Wire.Bytes != nil {
		p.pass(r, s.Wire)
		return nil
	}
	start := len(c.encoded)
	longer, err := p.codec.AppendCommand(c.encoded, s.Command)
	if err != nil {
		return err
	}
	r.bytes = len(longer) - start
	if r.bytes <= p.limits.MaxRequestBytes {
		c.encoded = longer
	}
	r.onePiece[0] = longer[start:len(longer):len(longer)]
	r.pieces = r.onePiece[:1]
	return nil
}

// answered notes that n of the chunk's requests need it no longer. The last ones
// release it.
func (p *Proposer) answered(c *chunk, n int) {
	if n > 0 && c.unanswered.Add(int64(-n)) == 0 {
		p.chunks.Put(c)
	}
}

// clearChunk takes from a chunk what it points to.
func clearChunk(c *chunk) {
	clear(c.requests)
	recycle.Poison(c.encoded)
	c.requests, c.encoded = c.requests[:0], c.encoded[:0]
}
