package lean

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// Session answers the unary calls of one connection.
type Session interface {
	// Begin starts a call. message is the request, valid during the call of Begin.
	// It is called on the connection's reader and must not block. Conn.Answer must
	// follow, once, from any goroutine, even from Begin.
	Begin(call *Call, message []byte)
	// Flush says that all that has been read has begun. It must not block.
	Flush()
	// AppendReply appends the reply of a call that has been answered, or returns the
	// status that it is answered with. It is called once, on the connection's writer.
	AppendReply(dst []byte, call *Call) ([]byte, error)
	// Drop is called in AppendReply's place for a call whose reply nobody takes: it
	// was cancelled, its deadline has passed, or the connection has ended. why is a
	// status. It may be called on any goroutine.
	Drop(call *Call, why error)
}

// What may happen to a call, once: it begins, or it ends without.
const (
	callOpen int32 = iota
	callBegun
	callOver
)

// Call is a request and its answer, a stream of HTTP/2's.
type Call struct {
	// Method is the index in Options.Methods.
	Method int
	// Slot is below Conn.Slots, and no other call under way on the connection's.
	Slot int
	// Arrived is when its head was read.
	Arrived time.Time

	conn     *Conn
	id       uint32
	state    atomic.Int32
	exchange *exchange    // of a call that a handler serves
	window   atomic.Int64 // that the peer may send
	cancel   atomic.Pointer[context.CancelFunc]

	// The reader's own.
	ended     bool // the peer has sent all of it
	reset     bool // by either side; what comes is ignored
	gone      bool // by the peer, which must send no more
	buf       []byte
	reserved  int   // bytes of the server's budget
	promised  int64 // content-length, -1: not said
	received  int64
	ctx       context.Context
	deadline  time.Time
	isLimited bool

	// The writer's own.
	answered, dead, released, queued, begunSending bool
	why                                            error // if dead
	sent                                           int64 // less what the peer has granted on the stream
	rest                                           []byte
	holds                                          int // bytes of the memory that rest is of

	// Conn.mu's.
	closed  bool // the stream: it counts no more
	done    bool // nothing is under way
	lingers bool // it is, and the stream is closed
}

// Context is cancelled when the caller has gone, or its deadline has passed. It must
// be asked for in Begin, if at all.
func (c *Call) Context() context.Context {
	if c.ctx != nil {
		return c.ctx
	}
	var cancel context.CancelFunc
	if c.isLimited {
		c.ctx, cancel = context.WithDeadline(c.conn.ctx, c.deadline)
	} else {
		c.ctx, cancel = context.WithCancel(c.conn.ctx)
	}
	c.cancel.Store(&cancel)
	return c.ctx
}

// end ends the call's context, on any goroutine.
func (c *Call) end() {
	if cancel := c.cancel.Load(); cancel != nil {
		(*cancel)()
	}
}

// gRPC's framing of a message
//
//	compressed 8 | length 32 | message
const prefixBytes = 5

// message takes bytes of a call's request. end says that they are the last.
func (c *Conn) message(call *Call, p []byte, end bool) error {
	if call.buf == nil && end && len(p) >= prefixBytes && p[0] == 0 {
		if n := int(binary.BigEndian.Uint32(p[1:])); n == len(p)-prefixBytes && n <= c.srv.o.MaxMessageBytes {
			c.begin(call, p[prefixBytes:])
			return nil
		}
	}
	if !c.collect(call, p) {
		return nil
	}
	have, limit := call.buf, c.srv.o.MaxMessageBytes
	if len(have) < prefixBytes {
		switch {
		case end && len(have) == 0:
			c.fail(call, errNoMessage)
		case end:
			c.fail(call, errCutMessage)
		}
		return nil
	}
	n := int(binary.BigEndian.Uint32(have[1:]))
	switch rest := len(have) - prefixBytes - n; {
	case n > limit:
		c.fail(call, errTooLong(n, limit))
	case rest < 0 && end:
		c.fail(call, errCutMessage)
	case rest < 0:
		c.allow(call, int64(-rest))
	case have[0] == 1:
		c.fail(call, errCompressed)
	case have[0] != 0:
		c.fail(call, errFormat(have[0]))
	case rest > 0:
		c.fail(call, surplus(have[prefixBytes+n:], limit, end))
	case end:
		c.begin(call, have[prefixBytes:])
	}
	return nil
}

// surplus says what is wrong with bytes behind the one message of a request.
func surplus(more []byte, limit int, end bool) error {
	if len(more) >= prefixBytes {
		n := int(binary.BigEndian.Uint32(more[1:]))
		switch {
		case n > limit:
			return errTooLong(n, limit)
		case len(more) >= prefixBytes+n && more[0] == 1:
			return errCompressed
		case len(more) >= prefixBytes+n && more[0] != 0:
			return errFormat(more[0])
		case len(more) >= prefixBytes+n:
			return errMessages
		}
	}
	if end {
		return errCutMessage
	}
	return errMessages
}

// collect adds bytes to the call's buffer, which grows by doubling as they come and
// not by what the peer says will come. It returns false if the server has no room.
func (c *Conn) collect(call *Call, p []byte) bool {
	need := len(call.buf) + len(p)
	if need > cap(call.buf) {
		size := max(need, min(2*cap(call.buf), prefixBytes+c.srv.o.MaxMessageBytes), 512)
		if !c.srv.budget.take(size - call.reserved) {
			c.fail(call, errBuffersFull)
			return false
		}
		call.reserved = size
		call.buf = append(make([]byte, 0, size), call.buf...)
	}
	call.buf = append(call.buf, p...)
	return true
}

// allow lets the peer send so many bytes of a message, if its window is less.
func (c *Conn) allow(call *Call, n int64) {
	if more := n - call.window.Load(); more > 0 {
		call.window.Add(more)
		c.post(event{kind: evGrant, call: call, n: uint32(more)})
	}
}

// begin hands a complete request to the session.
func (c *Conn) begin(call *Call, message []byte) {
	if call.state.CompareAndSwap(callOpen, callBegun) {
		c.session.Begin(call, message)
		c.calm.refill(1)
	}
	c.forgetRequest(call)
}

// fail answers a call that has not begun.
func (c *Conn) fail(call *Call, err error) {
	call.reset = !call.ended
	if call.state.CompareAndSwap(callOpen, callOver) {
		c.post(event{kind: evFail, call: call, err: err, code: errCodeOf(!call.ended)})
	}
	c.forgetRequest(call)
}

// errCodeOf is what a stream is reset with behind an early answer: nothing is wrong,
// but there is no need to send more.
func errCodeOf(early bool) http2.ErrCode {
	if early {
		return http2.ErrCodeNo
	}
	return noReset
}

// noReset stands for no RST_STREAM.
const noReset = http2.ErrCode(1<<32 - 1)

// forgetRequest releases what was received.
func (c *Conn) forgetRequest(call *Call) {
	c.srv.budget.give(call.reserved)
	call.buf, call.reserved = nil, 0
}
