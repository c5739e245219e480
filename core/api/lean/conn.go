package lean

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// Conn is an HTTP/2 connection of a client.
type Conn struct {
	srv     *Server
	raw     net.Conn             // is closed without a word
	nc      net.Conn             // raw, or TLS over it
	tls     *tls.ConnectionState // nil without TLS
	session Session
	ctx     context.Context // ends with the connection
	cancel  context.CancelFunc

	lastRead     atomic.Int64 // when, in UnixNano
	writingSince atomic.Int64 // 0 while nothing is being written
	pinged       atomic.Int64 // when the peer was asked if it is there, 0: never
	written      atomic.Int64 // bytes of handlers' answers that wait to be sent
	calmPings    atomic.Bool  // an answer has been sent, which pardons pings

	reader
	shared
	output
}

// reader is what belongs to the goroutine that reads.
type reader struct {
	in       input
	frame    frame // that is handled
	dec      *decoder
	now      time.Time // of the last read
	calls    map[uint32]*Call
	last     *Call // the one that a frame came for
	slab     []Call
	freed    []int  // slots
	slots    int    // that were ever used
	newest   uint32 // stream that was opened
	recent   recent // streams that have ended
	opened   []*Call
	batch    []event
	received int64 // bytes of data that are yet to be allowed again
	settled  bool  // the peer's settings have come
	lastPing time.Time
	strikes  int
	calm     bucket
	resets   bucket
}

// shared is what goes from one goroutine to another.
type shared struct {
	mu        sync.Mutex
	wake      sync.Cond // the writer waits for events, the reader for their going
	events    []event
	ended     []*Call // released, on their way to the reader
	counted   int     // streams that count against the limit (RFC 9113, 5.1.2)
	lingering int     // calls under way whose streams are closed
	wanting   bool    // the reader waits for a slot
	lastID    uint32
	drain     drainState
	dead      bool // the writer has ended

	timed  map[*Call]time.Time
	timer  *time.Timer
	expiry time.Time // of the timer; zero: it does not run
}

type drainState int

const (
	serving   drainState = iota
	asked                // the peer has been told that the connection drains
	refusing             // and no stream is admitted any more
	leftAlone            // all has been answered
)

func newConn(s *Server, raw, nc net.Conn, state *tls.ConnectionState) *Conn {
	c := &Conn{srv: s, raw: raw, nc: nc, tls: state}
	c.ctx, c.cancel = context.WithCancel(context.WithValue(context.Background(), localAddrKey, nc.LocalAddr()))
	c.wake.L = &c.mu
	c.dec = newDecoder()
	c.calls = make(map[uint32]*Call)
	c.calm = newBucket(calmFrames, calmPerSecond)
	c.resets = newBucket(max(calmFrames, 2*float64(s.o.MaxConcurrentStreams)), calmPerSecond)
	c.output = newOutput()
	c.session = s.o.NewSession(c)
	return c
}

// Slots is one more than any call's Slot: as many streams may be open as Options say,
// and as many calls again may be under way whose streams have been closed.
func (c *Conn) Slots() int { return 2 * int(c.srv.o.MaxConcurrentStreams) }

// Context ends with the connection.
func (c *Conn) Context() context.Context { return c.ctx }

// serve serves the connection until it ends. first has been read from it.
func (c *Conn) serve(first []byte) {
	c.touch()
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	err := c.read(first)
	c.end(err)
	<-written
	c.cancel()
	if f := (*fault)(nil); errors.As(err, &f) || errors.Is(err, os.ErrDeadlineExceeded) {
		c.sayFarewell()
	}
	_ = c.nc.Close()
	c.settle()
}

// end has the writer say why, and stop.
func (c *Conn) end(err error) {
	last := event{kind: evClose}
	if f := (*fault)(nil); errors.As(err, &f) {
		last = event{kind: evGoAway, code: f.code, err: f}
	}
	c.batch = append(c.batch, last)
	c.flush()
}

// sayFarewell lets the peer read the last frames: closing a connection with unread
// input would take them from it.
func (c *Conn) sayFarewell() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.srv.timing.farewell))
	for range 1000 {
		if _, err := c.nc.Read(c.in.smallBuffer()); err != nil {
			return
		}
	}
}

// settle releases what the reader holds.
func (c *Conn) settle() {
	for _, call := range c.calls {
		c.forgetRequest(call)
		if call.exchange != nil {
			call.exchange.breakOff(errDisconnected)
		}
	}
	c.in.release()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timed = nil
	if c.timer != nil {
		c.timer.Stop()
	}
}

func (c *Conn) touch() {
	c.now = time.Now()
	c.lastRead.Store(c.now.UnixNano())
}

// read parses frames until the connection ends.
func (c *Conn) read(first []byte) error {
	c.in.buf = c.in.smallBuffer()
	c.in.end = copy(c.in.buf, first)
	for {
		err := c.frames()
		c.session.Flush() // what has begun goes on, whatever came behind it
		if err != nil {
			return err
		}
		c.clockSlow()
		if !c.flush() {
			return errDisconnected
		}
		if err := c.in.read(c.nc); errors.Is(err, os.ErrDeadlineExceeded) {
			if !c.resume() {
				return err
			}
		} else if err != nil {
			return err
		}
		c.touch()
	}
}

// rouse has the reader look up from its read.
func (c *Conn) rouse() { _ = c.nc.SetReadDeadline(time.Now()) }

// resume lets the reader read again after rouse, unless the writer has ended.
func (c *Conn) resume() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead {
		_ = c.nc.SetReadDeadline(time.Time{})
	}
	return !c.dead
}

// frames handles all frames that have been read.
func (c *Conn) frames() error {
	for {
		ok, err := c.in.take(&c.frame)
		if !ok || err != nil {
			return err
		}
		if err := c.handle(&c.frame); err != nil {
			if err = c.contain(err); err != nil {
				return err
			}
		}
	}
}

// contain resets the stream that an error is of. Others are returned.
func (c *Conn) contain(err error) error {
	if f := (*fault)(nil); errors.As(err, &f) && f.stream != 0 {
		return c.resetStream(f)
	}
	return err
}

// post leaves an event for the writer; the reader alone does so here.
func (c *Conn) post(e event) { c.batch = append(c.batch, e) }

// flush gives the writer what has been posted, and waits while it has too much to do:
// a peer that takes nothing is not read from. It returns false if the writer has
// ended.
func (c *Conn) flush() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handOver()
	c.collectEnded()
	for len(c.events) > eventsQueued && !c.dead {
		c.wake.Wait()
	}
	return !c.dead
}

// hurry gives the writer what has been posted so far.
func (c *Conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handOver()
}

// handOver gives the writer what has been posted. c.mu is held.
func (c *Conn) handOver() {
	if len(c.batch) > 0 {
		c.events = append(c.events, c.batch...)
		clear(c.batch)
		c.batch = c.batch[:0]
		c.wake.Broadcast()
	}
}

// tell queues an event for the writer, on any goroutine.
func (c *Conn) tell(e event) (told bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false
	}
	c.events = append(c.events, e)
	c.wake.Broadcast()
	return true
}

// Answer says that the calls have their outcomes, which the session knows, or that
// their handlers have returned. The list is the caller's again.
func (c *Conn) Answer(calls ...*Call) {
	c.mu.Lock()
	dead := c.dead
	if !dead {
		for _, call := range calls {
			c.finished(call)
			c.events = append(c.events, event{kind: evAnswer, call: call})
		}
		c.wake.Broadcast()
	}
	c.mu.Unlock()
	for _, call := range calls {
		if dead && call.exchange == nil {
			c.session.Drop(call, errCancelled)
		}
	}
}

// admit opens a stream, unless the connection drains or has too many, or has too much
// under way for streams that the peer has reset.
func (c *Conn) admit(id uint32) (call *Call, code http2.ErrCode, ignore bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.collectEnded()
	if c.drain >= refusing {
		return nil, 0, true
	}
	c.lastID = id
	if most := int(c.srv.o.MaxConcurrentStreams); c.counted >= most || c.lingering >= most {
		return nil, http2.ErrCodeRefusedStream, false
	}
	slot, ok := c.takeSlot()
	if !ok {
		return nil, 0, true
	}
	c.counted++
	if len(c.slab) == 0 {
		c.slab = make([]Call, 16)
	}
	call, c.slab = &c.slab[0], c.slab[1:]
	call.Slot, call.conn, call.id, call.Arrived = slot, c, id, c.now
	call.window.Store(streamWindow)
	call.promised = -1
	c.calls[id] = call
	return call, 0, false
}

// takeSlot returns a slot that no call has. If there is none, then the writer has yet
// to see resets, and is waited for. It returns false if the writer has ended. c.mu is
// held.
func (c *Conn) takeSlot() (slot int, ok bool) {
	for c.wanting = len(c.freed) == 0 && c.slots == c.Slots(); c.wanting && !c.dead; c.wanting = len(c.freed) == 0 {
		c.handOver()
		c.wake.Wait()
		c.collectEnded()
	}
	switch n := len(c.freed); {
	case c.dead:
		return 0, false
	case n > 0:
		slot, c.freed = c.freed[n-1], c.freed[:n-1]
	default:
		slot, c.slots = c.slots, c.slots+1
	}
	return slot, true
}

// closeStream has a call's stream count no more: it has been reset, or will be with the
// next frames that are sent. begun says that the call may be under way.
func (c *Conn) closeStream(call *Call, begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uncount(call)
	if begun && !call.done && !call.lingers {
		call.lingers = true
		c.lingering++
	}
}

// uncount takes a call's stream off those that count, once. c.mu is held.
func (c *Conn) uncount(call *Call) {
	if !call.closed {
		call.closed = true
		c.counted--
	}
}

// finished notes that nothing is under way for a call any more. c.mu is held.
func (c *Conn) finished(call *Call) {
	call.done = true
	if call.lingers {
		call.lingers = false
		c.lingering--
	}
}

// collectEnded takes back the calls that have ended. c.mu is held.
func (c *Conn) collectEnded() {
	for i, call := range c.ended {
		delete(c.calls, call.id)
		c.forgetRequest(call)
		c.recent.add(past{id: call.id, early: !call.ended && !call.gone, window: call.window.Load()})
		if c.last == call {
			c.last = nil
		}
		c.freed = append(c.freed, call.Slot)
		if !call.reset {
			c.resets.refill(1)
		}
		c.ended[i] = nil
	}
	c.ended = c.ended[:0]
}

// find returns the call of a stream that has not ended, nil if there is none.
func (c *Conn) find(id uint32) *Call {
	if c.last == nil || c.last.id != id {
		c.last = c.calls[id]
	}
	return c.last
}
