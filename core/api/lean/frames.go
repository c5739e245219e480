package lean

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

var errFrameTooLarge = broken(http2.ErrCodeFrameSize, "a frame above 16 KiB")

// handle handles a frame. A fault of a stream resets it, any other error ends the
// connection.
func (c *Conn) handle(f *frame) error {
	if c.dec.frames > 0 {
		if f.kind != http2.FrameContinuation || f.stream != c.dec.of {
			return broken(http2.ErrCodeProtocol, "a header block that is not continued")
		}
		return c.continuation(f)
	}
	if !c.settled && f.kind != http2.FrameSettings {
		return broken(http2.ErrCodeProtocol, "no settings behind the preface")
	}
	switch f.kind {
	case http2.FrameData:
		return c.data(f)
	case http2.FrameHeaders:
		return c.headers(f)
	case http2.FramePriority:
		return c.priority(f)
	case http2.FrameRSTStream:
		return c.rstStream(f)
	case http2.FrameSettings:
		return c.settings(f)
	case http2.FramePushPromise:
		return broken(http2.ErrCodeProtocol, "a push promise of a client")
	case http2.FramePing:
		return c.ping(f)
	case http2.FrameGoAway:
		return c.goAway(f)
	case http2.FrameWindowUpdate:
		return c.windowUpdate(f)
	case http2.FrameContinuation:
		return broken(http2.ErrCodeProtocol, "a continuation of nothing")
	}
	return c.spendCalm("frames of unknown kinds")
}

// spendCalm counts a frame that asks for nothing.
func (c *Conn) spendCalm(what string) error {
	if !c.calm.spend(c.now) {
		return broken(http2.ErrCodeEnhanceYourCalm, "too many "+what)
	}
	return nil
}

// data handles a part of a request.
func (c *Conn) data(f *frame) error {
	if f.stream == 0 {
		return broken(http2.ErrCodeProtocol, "data on stream 0")
	}
	// What has come is allowed again at once, so that the connection's window is never
	// used up: streams' windows bound what is kept.
	if c.received += int64(f.length); c.received >= connWindow/4 {
		c.post(event{kind: evGrant, n: uint32(c.received)})
		c.received = 0
	}
	if err := f.unpad(); err != nil {
		return err
	}
	call, end := c.find(f.stream), f.has(http2.FlagDataEndStream)
	if call == nil || call.ended || call.gone {
		return c.strayData(f, call, end)
	}
	fits := call.window.Add(int64(-f.length)) >= 0
	if call.reset {
		call.ended = end
		return c.lateData(f, fits, end)
	}
	if len(f.payload) == 0 && !end {
		if err := c.spendCalm("empty frames"); err != nil {
			return err
		}
	}
	if !fits {
		return brokenStream(f.stream, http2.ErrCodeFlowControl, "more data than the stream's window")
	}
	if pad := f.length - len(f.payload); pad > 0 && call.exchange != nil && !end {
		call.window.Add(int64(pad)) // nobody reads it
		c.post(event{kind: evGrant, call: call, n: uint32(pad)})
	}
	return c.requestData(call, f.payload, end)
}

// lateData ignores data that were on their way when the server closed the stream: as
// much as the peer was allowed. fits says that they are.
func (c *Conn) lateData(f *frame, fits, end bool) error {
	if end || fits && f.length > 0 {
		return nil
	}
	return c.spendCalm("data for streams that were reset")
}

// strayData is data on a stream that is idle, or takes none.
func (c *Conn) strayData(f *frame, call *Call, end bool) error {
	if call == nil && (f.stream%2 == 0 || f.stream > c.newest) {
		return broken(http2.ErrCodeProtocol, "data on an idle stream")
	}
	if past := c.recent.find(f.stream); call == nil && past != nil && past.early {
		past.window -= int64(f.length)
		past.early = !end
		return c.lateData(f, past.window >= 0, end)
	}
	if err := c.spendCalm("frames for streams that are closed"); err != nil {
		return err
	}
	return brokenStream(f.stream, http2.ErrCodeStreamClosed, "data on a closed stream")
}

// requestData is a part of a request, or its end.
func (c *Conn) requestData(call *Call, p []byte, end bool) error {
	call.ended = end
	call.received += int64(len(p))
	if call.promised >= 0 && (call.received > call.promised || end && call.received != call.promised) {
		return brokenStream(call.id, http2.ErrCodeProtocol, "a body that is not as long as its content-length")
	}
	if call.exchange != nil {
		return c.feed(call, p, end)
	}
	return c.message(call, p, end)
}

func (c *Conn) priority(f *frame) error {
	if f.stream == 0 {
		return broken(http2.ErrCodeProtocol, "a priority of stream 0")
	}
	if f.length != 5 {
		return brokenStream(f.stream, http2.ErrCodeFrameSize, "a priority that is not of 5 bytes")
	}
	if binary.BigEndian.Uint32(f.payload)&maxStreamID == f.stream {
		return brokenStream(f.stream, http2.ErrCodeProtocol, "a stream that depends on itself")
	}
	return c.spendCalm("priorities")
}

func (c *Conn) rstStream(f *frame) error {
	switch {
	case f.stream == 0 || f.stream%2 == 0 || f.stream > c.newest:
		return broken(http2.ErrCodeProtocol, "a reset of an idle stream")
	case f.length != 4:
		return broken(http2.ErrCodeFrameSize, "a reset that is not of 4 bytes")
	}
	call := c.find(f.stream)
	patient := call != nil && c.now.Sub(call.Arrived) >= c.srv.timing.patient
	if !patient && !c.resets.spend(c.now) {
		return broken(http2.ErrCodeEnhanceYourCalm, "too many resets")
	}
	if call != nil && !call.reset { // it may have ended meanwhile
		call.gone = true
		c.stop(call, noReset)
	}
	return nil
}

// resetStream ends a stream for a fault of the peer's.
func (c *Conn) resetStream(f *fault) error {
	if !c.resets.spend(c.now) {
		return broken(http2.ErrCodeEnhanceYourCalm, "too many faulty streams")
	}
	call := c.find(f.stream)
	if call != nil && !call.reset {
		c.stop(call, f.code)
		return nil
	}
	if call == nil && c.recent.find(f.stream) == nil {
		c.recent.add(past{id: f.stream, early: true, window: streamWindow})
	}
	c.post(event{kind: evRefuse, id: f.stream, code: f.code})
	return nil
}

// stop ends a call whose answer nobody takes. code is what the peer is told.
func (c *Conn) stop(call *Call, code http2.ErrCode) {
	call.reset = true
	c.forgetRequest(call)
	c.closeStream(call, call.state.Load() == callBegun)
	c.post(event{kind: evReset, call: call, code: code})
	if call.exchange != nil {
		c.hurry() // so that the handler's end comes behind it
		call.exchange.breakOff(errCancelled)
	}
}

func (c *Conn) ping(f *frame) error {
	switch {
	case f.stream != 0:
		return broken(http2.ErrCodeProtocol, "a ping on a stream")
	case f.length != 8:
		return broken(http2.ErrCodeFrameSize, "a ping that is not of 8 bytes")
	}
	data := [8]byte(f.payload)
	if f.has(http2.FlagPingAck) {
		if data == drainPing {
			c.refuseStreams()
		}
		return nil
	}
	if c.calmPings.Swap(false) {
		c.strikes = 0
	} else if !c.lastPing.IsZero() && c.now.Sub(c.lastPing) < c.srv.timing.minPing {
		c.strikes++
	}
	c.lastPing = c.now
	if c.strikes > maxPingStrikes {
		return broken(http2.ErrCodeEnhanceYourCalm, "too_many_pings") // which grpc-go's client looks for
	}
	c.post(event{kind: evPong, data: data})
	return nil
}

func (c *Conn) goAway(f *frame) error {
	switch {
	case f.stream != 0:
		return broken(http2.ErrCodeProtocol, "a goaway on a stream")
	case f.length < 8:
		return broken(http2.ErrCodeFrameSize, "a goaway of less than 8 bytes")
	}
	return c.spendCalm("goaways") // nothing is opened by the server
}

func (c *Conn) windowUpdate(f *frame) error {
	if f.length != 4 {
		return broken(http2.ErrCodeFrameSize, "a window update that is not of 4 bytes")
	}
	n := binary.BigEndian.Uint32(f.payload) & maxStreamID
	switch {
	case f.stream == 0 && n == 0:
		return broken(http2.ErrCodeProtocol, "a window update of nothing")
	case f.stream == 0:
		c.post(event{kind: evWindow, n: n})
		return nil
	case f.stream%2 == 0 || f.stream > c.newest:
		return broken(http2.ErrCodeProtocol, "a window update of an idle stream")
	}
	call := c.find(f.stream)
	switch {
	case call == nil || call.reset: // it has ended meanwhile
	case n == 0:
		return brokenStream(f.stream, http2.ErrCodeProtocol, "a window update of nothing")
	default:
		c.post(event{kind: evWindow, call: call, n: n})
	}
	return nil
}

// settings takes the peer's settings; the writer carries them out and says so.
func (c *Conn) settings(f *frame) error {
	ack := f.has(http2.FlagSettingsAck)
	switch {
	case f.stream != 0:
		return broken(http2.ErrCodeProtocol, "settings of a stream")
	case ack && f.length != 0, f.length%6 != 0:
		return broken(http2.ErrCodeFrameSize, "settings of a wrong length")
	}
	if ack {
		if !c.settled {
			return broken(http2.ErrCodeProtocol, "no settings behind the preface")
		}
		return c.spendCalm("acknowledgements")
	}
	if err := c.takeSettings(f.payload); err != nil {
		return err
	}
	if first := !c.settled; first {
		c.settled = true
		return nil
	}
	return c.spendCalm("settings")
}

// takeSettings has the writer carry out what a frame of settings comes to: of those
// that come more than once the last one, and the smallest table.
func (c *Conn) takeSettings(p []byte) error {
	var given [http2.SettingMaxFrameSize + 1]bool
	var values [len(given)]uint32
	for ; len(p) > 0; p = p[6:] {
		s := http2.Setting{ID: http2.SettingID(binary.BigEndian.Uint16(p)), Val: binary.BigEndian.Uint32(p[2:])}
		if err := checkSetting(s); err != nil {
			return err
		}
		switch s.ID {
		case http2.SettingHeaderTableSize:
			if !given[s.ID] || s.Val < values[s.ID] {
				values[s.ID] = s.Val
			}
			given[s.ID] = true
		case http2.SettingInitialWindowSize, http2.SettingMaxFrameSize:
			given[s.ID], values[s.ID] = true, s.Val
		}
	}
	for id, ok := range given {
		if ok {
			c.post(event{kind: evSetting, id: uint32(id), n: values[id]})
		}
	}
	c.post(event{kind: evSettingsAck})
	return nil
}

// checkSetting reports a value that HTTP/2 does not allow.
func checkSetting(s http2.Setting) error {
	switch {
	case s.ID == http2.SettingEnablePush && s.Val > 1:
		return broken(http2.ErrCodeProtocol, "enable_push is neither 0 nor 1")
	case s.ID == http2.SettingInitialWindowSize && s.Val > maxWindow:
		return broken(http2.ErrCodeFlowControl, "an initial window above 2^31-1")
	case s.ID == http2.SettingMaxFrameSize && (s.Val < 1<<14 || s.Val > 1<<24-1):
		return broken(http2.ErrCodeProtocol, "a maximum frame size outside of 2^14 to 2^24-1")
	}
	return nil
}

const maxWindow = 1<<31 - 1
