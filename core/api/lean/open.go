package lean

import (
	"encoding/binary"
	"time"

	"golang.org/x/net/http2"
)

// headers handles the beginning of a header block: of a request, or of its trailer.
func (c *Conn) headers(f *frame) error {
	if f.stream%2 == 0 {
		return broken(http2.ErrCodeProtocol, "headers on a stream that a client does not open")
	}
	if err := f.unpad(); err != nil {
		return err
	}
	if f.has(http2.FlagHeadersPriority) {
		if len(f.payload) < 5 {
			return broken(http2.ErrCodeFrameSize, "a priority that is not of 5 bytes")
		}
		c.dec.ownParent = binary.BigEndian.Uint32(f.payload)&maxStreamID == f.stream
		f.payload = f.payload[5:]
	}
	end := f.has(http2.FlagHeadersEndStream)
	if f.has(http2.FlagHeadersEndHeaders) {
		return c.block(f.stream, f.payload, end)
	}
	c.dec.of, c.dec.endStream, c.dec.frames = f.stream, end, 1
	c.dec.pending = append(c.dec.pending[:0], f.payload...)
	return nil
}

// continuation adds to a header block.
func (c *Conn) continuation(f *frame) error {
	d := c.dec
	if d.frames++; d.frames > maxHeaderFrames || len(d.pending)+len(f.payload) > MaxHeaderListBytes {
		return broken(http2.ErrCodeEnhanceYourCalm, "a header block above the bound")
	}
	d.pending = append(d.pending, f.payload...)
	if !f.has(http2.FlagContinuationEndHeaders) {
		return nil
	}
	block := d.pending
	d.pending, d.frames = nil, 0
	return c.block(d.of, block, d.endStream)
}

// block handles a whole header block.
func (c *Conn) block(id uint32, block []byte, end bool) error {
	ownParent := c.dec.ownParent
	c.dec.ownParent = false
	if call := c.find(id); call != nil {
		return c.trailer(call, block, end)
	}
	if id <= c.newest {
		return c.reopened(id, block, end)
	}
	c.newest = id
	if method, ok := c.dec.recall(block); ok && !end && !ownParent {
		return c.open(id, func(call *Call) error { call.Method = method; return nil })
	}
	defer c.dec.forget()
	if err := c.dec.decode(block); err != nil {
		return err
	}
	h := &c.dec.head
	switch {
	case c.dec.tooLarge():
		return brokenStream(id, http2.ErrCodeFrameSize, "a header list above the bound")
	case ownParent:
		return brokenStream(id, http2.ErrCodeProtocol, "a stream that depends on itself")
	case h.check() != "":
		return brokenStream(id, http2.ErrCodeProtocol, h.check())
	case end && h.contentLength > 0:
		return brokenStream(id, http2.ErrCodeProtocol, "a body that is not as long as its content-length")
	}
	return c.open(id, func(call *Call) error { return c.start(call, block, end) })
}

// reopened is a header block on a stream that has been closed: a trailer that was on
// its way when the server closed it, or a fault.
func (c *Conn) reopened(id uint32, block []byte, end bool) error {
	past := c.recent.find(id)
	switch {
	case past == nil:
		return broken(http2.ErrCodeProtocol, "a stream id below an earlier one")
	case !past.early || !end:
		return broken(http2.ErrCodeStreamClosed, "headers on a closed stream")
	}
	past.early = false
	if err := c.dec.decode(block); err != nil {
		return err
	}
	return c.spendCalm("frames for streams that are closed")
}

// trailer handles a header block behind a request's data.
func (c *Conn) trailer(call *Call, block []byte, end bool) error {
	defer c.dec.forget()
	if err := c.dec.decode(block); err != nil {
		return err
	}
	switch why := c.dec.head.checkTrailer(); {
	case call.gone, call.ended && !call.reset:
		return broken(http2.ErrCodeStreamClosed, "headers on a stream that is half closed")
	case call.reset:
		return c.spendCalm("frames for streams that are closed")
	case !end:
		return brokenStream(call.id, http2.ErrCodeProtocol, "a trailer that does not end the stream")
	case why != "":
		return brokenStream(call.id, http2.ErrCodeProtocol, why)
	}
	return c.requestData(call, nil, true)
}

// open admits a stream and starts its call.
func (c *Conn) open(id uint32, start func(*Call) error) error {
	call, code, ignore := c.admit(id)
	if ignore {
		return c.spendCalm("streams on a connection that drains")
	}
	if call == nil {
		return brokenStream(id, code, "too many streams")
	}
	c.last = call
	if err := start(call); err != nil {
		return err
	}
	if call.exchange == nil && !call.ended {
		c.opened = append(c.opened, call)
	}
	return nil
}

// start starts a call from its head.
func (c *Conn) start(call *Call, block []byte, end bool) error {
	h := &c.dec.head
	to, method, timeout, limited, no := c.srv.routeOf(h)
	call.Method, call.promised, call.ended = method, h.contentLength, end
	switch {
	case no != nil:
		call.reset = !end
		call.state.Store(callOver)
		c.post(event{kind: evFail, call: call, err: no.err, n: uint32(no.httpStatus), code: errCodeOf(!end)})
		return nil
	case limited && timeout <= 0:
		c.fail(call, errDeadline)
	case to == toSession:
		if limited {
			call.isLimited, call.deadline = true, c.now.Add(timeout)
			c.watch(call, call.deadline)
		} else if h.contentLength < 0 {
			c.dec.learn(block, method)
		}
		if end {
			c.fail(call, errNoMessage)
		}
	default:
		c.hand(call, to, h, end)
	}
	return nil
}

// clockSlow gives the requests that were opened with this read and are not complete
// a time to be.
func (c *Conn) clockSlow() {
	for i, call := range c.opened {
		due := c.now.Add(c.srv.timing.request)
		if !call.ended && !call.reset && !(call.isLimited && call.deadline.Before(due)) {
			c.watch(call, due)
		}
		c.opened[i] = nil
	}
	c.opened = c.opened[:0]
}

// watch has the call end at a time, unless it has ended before.
func (c *Conn) watch(call *Call, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed = make(map[*Call]time.Time)
	}
	c.timed[call] = at
	c.setTimer(at)
}

// setTimer has expire run at a time, or before. c.mu is held.
func (c *Conn) setTimer(at time.Time) {
	if !c.expiry.IsZero() && !at.Before(c.expiry) {
		return
	}
	c.expiry = at
	if wait := time.Until(at); c.timer == nil {
		c.timer = time.AfterFunc(wait, c.expire)
	} else {
		c.timer.Reset(wait)
	}
}

// expire ends the calls whose time has come.
func (c *Conn) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next := time.Now(), time.Time{}
	c.expiry = time.Time{}
	for call, at := range c.timed {
		if at.After(now) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		delete(c.timed, call)
		if !c.dead {
			c.events = append(c.events, event{kind: evExpire, call: call})
		}
	}
	if !next.IsZero() {
		c.setTimer(next)
	}
	c.wake.Broadcast()
}

// past is a stream that has ended.
type past struct {
	id     uint32
	early  bool  // by the server, before the peer had sent all of its request
	window int64 // what the peer may have sent before it knew
}

// recent remembers the streams that ended last.
type recent struct {
	streams []past
	next    int
}

const maxRecent = 256

func (r *recent) add(p past) {
	if len(r.streams) < maxRecent {
		r.streams = append(r.streams, p)
		return
	}
	r.streams[r.next] = p
	r.next = (r.next + 1) % maxRecent
}

// find returns a stream that ended lately, nil if it did not. It is valid until the
// next one is added.
func (r *recent) find(id uint32) *past {
	for i := range r.streams {
		if r.streams[i].id == id {
			return &r.streams[i]
		}
	}
	return nil
}
