package lean

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// output is what belongs to the goroutine that writes.
type output struct {
	out     []byte
	box     *[]byte // that out came in
	heads   heads
	space   int64 // that the peer takes on the connection
	initial int64 // and on a stream that it has said nothing of
	most    int   // bytes in a frame
	held    int   // bytes of memory that encoded replies take which wait for windows
	over    []*Call
	ending  bool
	gaveUp  bool // a request has ended that the reader still has a part of
	replied bool // out has more than frames of the connection

	ready   fifo               // may send
	stalled fifo               // wait for room on the connection
	later   fifo               // wait, unencoded, until less is held
	blocked map[*Call]struct{} // wait for room on their streams
}

func newOutput() output {
	return output{space: streamWindow, initial: streamWindow, most: maxFrameBytes, blocked: make(map[*Call]struct{})}
}

// fifo is a queue of calls.
type fifo struct {
	calls []*Call
	head  int
}

func (q *fifo) empty() bool { return q.head == len(q.calls) }

func (q *fifo) push(call *Call) { q.calls = append(q.calls, call) }

func (q *fifo) pop() *Call {
	call := q.calls[q.head]
	q.calls[q.head] = nil
	if q.head++; q.head == len(q.calls) {
		q.calls, q.head = q.calls[:0], 0
	} else if q.head >= 64 && 2*q.head >= len(q.calls) {
		n := copy(q.calls, q.calls[q.head:])
		clear(q.calls[n:])
		q.calls, q.head = q.calls[:n], 0
	}
	return call
}

// remove takes a call out, and reports whether it was there.
func (q *fifo) remove(call *Call) bool {
	i := slices.Index(q.calls[q.head:], call)
	if i < 0 {
		return false
	}
	q.calls = slices.Delete(q.calls, q.head+i, q.head+i+1)
	return true
}

// outBuffers are for connections that have something to send.
var outBuffers = sync.Pool{New: func() any { return new([]byte) }}

// enqueue lets a call send what it has.
func (c *Conn) enqueue(call *Call) {
	if !call.queued && !call.released {
		call.queued = true
		c.ready.push(call)
	}
}

// unblock lets a call that its stream's window holds up try again.
func (c *Conn) unblock(call *Call) {
	if _, ok := c.blocked[call]; ok {
		delete(c.blocked, call)
		call.queued = false
		c.enqueue(call)
	}
}

// nextCall returns the next call that may send, nil if there is none.
func (c *Conn) nextCall() *Call {
	switch {
	case c.space > 0 && !c.stalled.empty():
		return c.stalled.pop()
	case c.held < maxHeld && !c.later.empty():
		return c.later.pop()
	case !c.ready.empty():
		return c.ready.pop()
	}
	return nil
}

// hasWork reports whether nextCall has one.
func (c *Conn) hasWork() bool {
	return !c.ready.empty() || c.space > 0 && !c.stalled.empty() || c.held < maxHeld && !c.later.empty()
}

// fill puts as much as one system call sends into the buffer, call by call in turn.
func (c *Conn) fill() {
	for len(c.out) < writeBytes {
		call := c.nextCall()
		if call == nil {
			return
		}
		if c.out == nil {
			c.box = outBuffers.Get().(*[]byte)
			c.out = (*c.box)[:0]
		}
		call.queued, c.replied = false, true
		switch {
		case call.released:
		case call.dead:
			c.sendDead(call)
		case call.exchange != nil:
			c.sendExchange(call)
		case call.begunSending:
			c.sendRest(call)
		case c.held >= maxHeld:
			call.queued = true
			c.later.push(call)
		default:
			c.sendReply(call)
		}
	}
}

// sendDead ends a call whose answer has come too late.
func (c *Conn) sendDead(call *Call) {
	if !call.answered {
		return // it will come
	}
	if call.exchange == nil && !call.begunSending {
		c.session.Drop(call, call.why)
	}
	c.release(call)
}

// sendReply encodes the reply of a call, and sends it if windows allow.
//
//	HEADERS | DATA: prefix, message | HEADERS: trailer
func (c *Conn) sendReply(call *Call) {
	start, heads := len(c.out), c.heads
	c.out = c.heads.appendHead(c.out, call.id)
	data := len(c.out)
	c.out = appendFrameHeader(c.out, 0, http2.FrameData, 0, call.id)
	message := len(c.out)
	c.out = append(c.out, 0, 0, 0, 0, 0)
	out, err := c.session.AppendReply(c.out, call)
	if err != nil {
		c.heads = heads // as if nothing had been appended
		c.out = c.heads.appendStatus(out[:start], call.id, 0, err)
		c.release(call)
		return
	}
	size := len(out) - message
	binary.BigEndian.PutUint32(out[message+1:], uint32(size-prefixBytes))
	if c.allowed(call, size) == size {
		putFrameLength(out[data:], size)
		c.out = out
		c.spend(call, size)
		c.finish(call)
		return
	}
	call.begunSending = true
	call.rest = append(make([]byte, 0, size), out[message:]...)
	call.holds = size
	c.held += size
	c.out = out[:data]
	c.sendRest(call)
}

// sendRest sends a frame of what is left of a reply, and the trailer behind the last.
func (c *Conn) sendRest(call *Call) {
	n := c.allowed(call, len(call.rest))
	if n == 0 {
		c.hold(call)
		return
	}
	c.out = appendFrameHeader(c.out, n, http2.FrameData, 0, call.id)
	c.out = append(c.out, call.rest[:n]...)
	c.spend(call, n)
	if call.rest = call.rest[n:]; len(call.rest) > 0 {
		c.enqueue(call)
		return
	}
	c.finish(call)
}

// allowed is how many of n bytes may be sent in one frame now.
func (c *Conn) allowed(call *Call, n int) int {
	return int(max(0, min(int64(n), int64(c.most), c.space, c.initial-call.sent)))
}

func (c *Conn) spend(call *Call, n int) {
	c.space -= int64(n)
	call.sent += int64(n)
}

// hold keeps a call until the peer takes more, and of its reply no more memory than
// twice of what is left.
func (c *Conn) hold(call *Call) {
	if left := len(call.rest); left < call.holds/2 {
		c.held -= call.holds - left
		call.rest, call.holds = bytes.Clone(call.rest), left
	}
	call.queued = true // so that nobody else queues it
	if c.initial-call.sent > 0 {
		c.stalled.push(call)
	} else {
		c.blocked[call] = struct{}{}
	}
}

// finish ends a reply that has been sent.
func (c *Conn) finish(call *Call) {
	c.out = c.heads.appendOK(c.out, call.id)
	c.release(call)
}

// widen notes that the peer takes more.
func (c *Conn) widen(call *Call, n uint32) {
	if call == nil {
		if c.space += int64(n); c.space > maxWindow {
			c.goAwayFor(&event{code: http2.ErrCodeFlowControl, err: broken(http2.ErrCodeFlowControl, "a window above 2^31-1")})
		}
		return
	}
	if call.sent -= int64(n); c.initial-call.sent > maxWindow {
		c.kill(call, errCancelled, http2.ErrCodeFlowControl)
		return
	}
	c.unblock(call)
}

// grant lets the peer send more.
func (c *Conn) grant(call *Call, n uint32) {
	switch {
	case call == nil:
		c.out = appendWindow(c.out, 0, n)
	case !call.released && !call.dead:
		c.out = appendWindow(c.out, call.id, n)
	}
}

// set carries out a setting of the peer.
func (c *Conn) set(id http2.SettingID, value uint32) {
	switch id {
	case http2.SettingInitialWindowSize:
		c.initial = int64(value)
		for call := range c.blocked {
			c.unblock(call)
		}
	case http2.SettingMaxFrameSize:
		c.most = min(int(value), writeBytes)
	case http2.SettingHeaderTableSize:
		c.heads.limitTable(value)
	}
}

// send writes the buffer out.
func (c *Conn) send() bool {
	if len(c.out) == 0 {
		return true
	}
	if c.replied {
		c.replied = false
		c.calmPings.Store(true)
	}
	c.writingSince.Store(time.Now().UnixNano())
	_, err := c.nc.Write(c.out)
	c.writingSince.Store(0)
	if c.out = c.out[:0]; !c.hasWork() || cap(c.out) > 4*writeBytes {
		c.putOut()
	}
	return err == nil
}

// putOut returns the buffer, unless it is large.
func (c *Conn) putOut() {
	if c.box != nil && cap(c.out) <= 4*writeBytes {
		*c.box = c.out[:0]
		outBuffers.Put(c.box)
	}
	c.out, c.box = nil, nil
}
