package lean

import (
	"errors"
	"runtime"
	"time"

	"golang.org/x/net/http2"
)

// event is something that the writer is to do.
type event struct {
	kind eventKind
	call *Call
	id   uint32 // of a stream without a call, or of a setting
	n    uint32
	code http2.ErrCode
	data [8]byte
	err  error
}

type eventKind uint8

const (
	evAnswer      eventKind = iota // the call has its outcome, or its handler has returned
	evOutput                       // a handler has written
	evContinue                     // a handler wants the body that the peer has promised
	evFail                         // the call, which has not begun, is answered with err and HTTP's status n
	evReset                        // the call ends; code says what the peer is told
	evExpire                       // the call's time has come
	evRefuse                       // stream id is reset, which has no call
	evGrant                        // the peer may send n more: on the call's stream, or on the connection
	evWindow                       // the peer takes n more: on the call's stream, or on the connection
	evSetting                      // the peer's setting id is n
	evSettingsAck                  // and is acknowledged
	evPong                         // the peer's ping is answered
	evPing                         // the peer is asked if it is there
	evDrain                        // the peer is told that the connection will take no more calls
	evRefusing                     // and that it takes none now
	evGoAway                       // the connection ends, and the peer is told why
	evClose                        // the connection ends
)

// drainPing is the ping whose answer says that the peer has seen the GOAWAY before it.
var drainPing = [8]byte{'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'}

// alivePing asks if the peer is there.
var alivePing = [8]byte{'a', 'l', 'i', 'v', 'e'}

// write is the connection's writer: it ends with the connection.
func (c *Conn) write() {
	c.greet()
	var events []event
	for more := true; more; {
		events, more = c.nextEvents(events)
		for i := range events {
			c.carryOut(&events[i])
			events[i] = event{}
		}
		for more && !c.ending {
			c.fill()
			c.returnEnded()
			if len(c.out) == 0 {
				break
			}
			more = c.send()
		}
		more = more && !c.ending
	}
	c.bury()
}

// greet sends the server's settings, and raises the connection's window.
func (c *Conn) greet() {
	c.out = appendSettings(c.out,
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: c.srv.o.MaxConcurrentStreams},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: MaxHeaderListBytes})
	c.out = appendWindow(c.out, 0, connWindow-streamWindow)
}

// nextEvents waits until there is something to do, and returns the events.
func (c *Conn) nextEvents(used []event) (events []event, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.events) == 0 && len(c.out) == 0 && !c.hasWork() {
		if c.drain == refusing && c.counted+c.lingering == 0 {
			c.drain = leftAlone
			return used[:0], false
		}
		c.wake.Wait()
	}
	if len(c.events) < gather {
		// What comes in the next moment goes into the same system call.
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	events, c.events = c.events, used[:0]
	if len(events) > eventsQueued/2 {
		c.wake.Broadcast() // the reader may wait
	}
	return events, true
}

// gather is how many events are worth a system call at once.
const gather = 64

// returnEnded gives the reader back what has ended. It comes before the frames that say
// so are sent: a peer that has them may open another stream at once.
func (c *Conn) returnEnded() {
	if len(c.over) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, call := range c.over {
		delete(c.timed, call)
		c.uncount(call)
		c.finished(call)
		c.over[i] = nil
		c.ended = append(c.ended, call)
	}
	c.over = c.over[:0]
	if c.wanting {
		c.wake.Broadcast()
	}
	if c.gaveUp {
		c.gaveUp = false
		c.rouse() // to forget what it has of the request
	}
}

// carryOut does what an event asks for.
func (c *Conn) carryOut(e *event) {
	if c.ending {
		c.afterEnd(e)
		return
	}
	switch call := e.call; e.kind {
	case evAnswer:
		call.answered = true
		c.enqueue(call)
	case evOutput:
		c.enqueue(call)
	case evContinue:
		c.askOn(call)
	case evFail:
		c.replied = true
		c.out = c.heads.appendStatus(c.out, call.id, int(e.n), e.err)
		c.appendReset(call.id, e.code)
		c.release(call)
	case evReset:
		c.kill(call, errCancelled, e.code)
	case evExpire:
		c.expired(call)
	case evRefuse:
		c.appendReset(e.id, e.code)
	case evGrant:
		c.grant(call, e.n)
	case evWindow:
		c.widen(call, e.n)
	case evSetting:
		c.set(http2.SettingID(e.id), e.n)
	case evSettingsAck:
		c.out = appendFrameHeader(c.out, 0, http2.FrameSettings, http2.FlagSettingsAck, 0)
	case evPong:
		c.out = appendPing(c.out, http2.FlagPingAck, e.data)
	case evPing:
		c.out = appendPing(c.out, 0, alivePing)
	case evDrain:
		c.out = appendGoAway(c.out, maxStreamID, http2.ErrCodeNo, "")
		c.out = appendPing(c.out, 0, drainPing)
	case evRefusing:
		c.out = appendGoAway(c.out, e.id, http2.ErrCodeNo, "")
	case evGoAway:
		c.goAwayFor(e)
	case evClose:
		c.ending = true
	}
}

// afterEnd takes note of a call that is answered when nothing is sent any more.
func (c *Conn) afterEnd(e *event) {
	if e.kind == evAnswer && e.call.exchange == nil && !e.call.released {
		c.session.Drop(e.call, errCancelled)
		e.call.released = true
	}
}

// goAwayFor ends the connection for a fault.
func (c *Conn) goAwayFor(e *event) {
	why := ""
	if f := (*fault)(nil); errors.As(e.err, &f) {
		why = f.why
	}
	c.out = appendGoAway(c.out, c.lastAdmitted(), e.code, why)
	c.send()
	c.ending = true
}

func (c *Conn) lastAdmitted() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastID
}

func (c *Conn) appendReset(id uint32, code http2.ErrCode) {
	if code != noReset {
		c.out = appendReset(c.out, id, code)
	}
}

// kill ends a call whose answer nobody takes, at once or when it comes.
func (c *Conn) kill(call *Call, why error, code http2.ErrCode) {
	c.appendReset(call.id, code)
	if call.dead || call.released {
		return
	}
	call.dead, call.why = true, why
	open := call.state.CompareAndSwap(callOpen, callOver)
	c.closeStream(call, !open)
	call.end()
	if call.exchange != nil {
		call.exchange.breakOff(why)
	}
	c.letGo(call)
	if _, blocked := c.blocked[call]; blocked || c.stalled.remove(call) || c.later.remove(call) {
		delete(c.blocked, call)
		call.queued = false
	}
	switch {
	case open:
		c.release(call)
	case call.answered && !call.queued:
		c.sendDead(call)
	}
}

// expired answers a call whose time has come.
func (c *Conn) expired(call *Call) {
	now := time.Now()
	late := call.isLimited && !call.deadline.After(now)
	switch {
	case call.released || call.dead || call.answered:
	case call.state.CompareAndSwap(callOpen, callOver):
		err := errSlowRequest
		if late {
			err = errDeadline
		}
		c.out = c.heads.appendStatus(c.out, call.id, 0, err)
		c.appendReset(call.id, http2.ErrCodeNo)
		call.dead, c.gaveUp = true, true
		c.release(call)
	case late && call.exchange == nil:
		c.out = c.heads.appendStatus(c.out, call.id, 0, errDeadline)
		c.kill(call, errDeadline, noReset)
	case call.isLimited:
		c.watch(call, call.deadline)
	}
}

// release ends a call.
func (c *Conn) release(call *Call) {
	call.released = true
	c.letGo(call)
	call.end()
	c.over = append(c.over, call)
}

// letGo forgets what is left of a reply.
func (c *Conn) letGo(call *Call) {
	c.held -= call.holds
	call.rest, call.holds = nil, 0
}

// bury drops what is answered and not sent, and all that will be.
func (c *Conn) bury() {
	c.mu.Lock()
	c.dead = true
	events := c.events
	c.events = nil
	c.wake.Broadcast()
	c.rouse()
	c.mu.Unlock()
	c.ending = true
	for i := range events {
		c.afterEnd(&events[i])
	}
	for _, q := range []*fifo{&c.ready, &c.stalled, &c.later} {
		for !q.empty() {
			c.abandon(q.pop())
		}
	}
	c.blocked = nil // whose replies had been begun
	c.putOut()
}

// abandon drops a call that was about to be sent.
func (c *Conn) abandon(call *Call) {
	if call.answered && !call.released && !call.begunSending && call.exchange == nil {
		c.session.Drop(call, errCancelled)
	}
	call.released = true
}
