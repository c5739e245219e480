// Package recycle is what --pool=on uses objects and buffers again with, and where
// the rules of their ownership are.
//
// # Who may touch what, until when
//
//	received frame     The goroutine that received it, until its handler returns, or
//	                   the stream's next message. Who hands a part of it on (kv.Wire)
//	                   keeps it until the call returns. The proposer takes a reference
//	                   of its own for what waits in its queue, and gives it up when
//	                   the bytes are in an entry, or the request is withdrawn or
//	                   refused. The last reference returns the buffer to its pool.
//	log entry          The Raft log, the transport and the apply stage share it, and
//	                   nobody changes it. It is never recycled: the garbage collector
//	                   finds out when the log is compacted, the last peer has been sent
//	                   it and no pair aliases it (variants/codec/wire).
//	request            The proposer's from when it is admitted until it is answered.
//	                   It then belongs to the caller that waits, which recycles it;
//	                   one whose caller has gone is left to the garbage collector. Of a
//	                   stream's requests, which come in chunks, the last to be answered
//	                   recycles the chunk.
//	proposal           The proposer's until its last request has been answered.
//	decoded command    The apply stage's until its run of entries has been applied.
//	                   Results point to pairs, never to commands.
//	message and reply  The handler's until it returns; the reply then is the codec's,
//	                   which recycles it when it has been encoded.
//
// Pairs and what they point to are never recycled: engines, snapshots and readers
// share them for as long as they like.
//
// # What is pooled in any case
//
// Buffers of frames that are sent and received on streams (package rpcpb), gRPC's
// own, and the lists that sinks are given their answers in were there before the
// axis --pool and belong to the core: they are used again with --pool=off too.
//
// # Finding mistakes
//
// A released object is cleared at once, and after PoisonReleased(true) a released
// buffer is overwritten. Whoever reads one too late sees garbage, and under the
// race detector is caught in the act.
package recycle

import (
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/mem"
)

// Pool keeps released objects of one kind for the next caller. The zero value
// keeps none: it makes every object anew. Set its fields before use. It is safe for
// concurrent use.
type Pool[T any] struct {
	// On makes the pool keep objects.
	On bool
	// Clear takes from a released object all that it points to and is not its own.
	Clear func(*T)

	pool sync.Pool
}

// Get returns an object that is zero, or cleared.
func (p *Pool[T]) Get() *T {
	if p.On {
		if x, ok := p.pool.Get().(*T); ok {
			return x
		}
	}
	return new(T)
}

// Put releases x, which nobody may touch any more.
func (p *Pool[T]) Put(x *T) {
	if !p.On {
		return
	}
	p.Clear(x)
	p.pool.Put(x)
}

// poisoned is the byte that released buffers are filled with.
const poisoned = 0xdb

var poison atomic.Bool

// PoisonReleased makes every buffer that is released from now on be overwritten,
// for tests.
func PoisonReleased(on bool) { poison.Store(on) }

// Poison overwrites b, whose owner releases it, if PoisonReleased is on.
func Poison(b []byte) {
	if !poison.Load() {
		return
	}
	b = b[:cap(b)]
	for i := range b {
		b[i] = poisoned
	}
}

// buffers poisons what goes back to a pool.
type buffers struct{ mem.BufferPool }

var _ mem.BufferPool = buffers{}

// Buffers returns pool, with released buffers poisoned.
func Buffers(pool mem.BufferPool) mem.BufferPool { return buffers{pool} }

// Put implements mem.BufferPool.
func (p buffers) Put(b *[]byte) {
	Poison(*b)
	p.BufferPool.Put(b)
}
