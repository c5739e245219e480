package lean

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

func TestEcho(t *testing.T) {
	p := startServer(t).dial()
	for i, message := range []string{"a", "", strings.Repeat("b", 10_000), "c"} {
		id := uint32(2*i + 1)
		p.call(id, methodEcho, message)
		p.requireEcho(id, message)
		require.Equal(t, "200", p.stream(id).fields[":status"])
		require.Equal(t, grpcType, p.stream(id).fields["content-type"])
	}
}

// TestMany has as many calls under way as may be, and answers them in another order.
func TestMany(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	var held []begun
	for round := range uint32(3) {
		first := 1 + 202*round
		for i := range uint32(100) {
			p.call(first+2*i, methodHeld, fmt.Sprint(first+2*i))
		}
		p.call(first+2*100, methodEcho, "one too many")
		p.requireReset(first+2*100, http2.ErrCodeRefusedStream)
		for range 100 {
			held = append(held, h.nextBegun())
		}
		rand.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		for _, b := range held {
			b.answer()
		}
		for i := range uint32(100) {
			p.requireEcho(first+2*i, fmt.Sprint(first+2*i))
		}
		held = held[:0]
		if round == 0 {
			p.awaitPing()
		}
	}
}

// TestStatus checks answers without a message, and how their texts are encoded.
func TestStatus(t *testing.T) {
	p := startServer(t).dial()
	for i, tc := range []struct{ text, encoded string }{
		{"plain", "plain"},
		{"100 % \n é \xff", "100 %25 %0A %C3%A9 %EF%BF%BD"},
		{"", ""},
		{strings.Repeat("long ", 10_000), strings.Repeat("long ", 10_000)}, // more than one frame's worth of header
	} {
		id := uint32(2*i + 1)
		p.call(id, methodFail, tc.text)
		p.requireStatus(id, codes.FailedPrecondition, "")
		require.Equal(t, tc.encoded, p.stream(id).fields["grpc-message"])
	}
	p.requireServed(99)
}

// TestKnownBlocks checks that a header block that is recognised means what it says:
// random sequences of methods and other fields, encoded with a table that changes.
func TestKnownBlocks(t *testing.T) {
	p := startServer(t).dial()
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	for id := uint32(1); id < 2000; id += 2 {
		method := []int{methodEcho, methodFail}[random.IntN(2)]
		fields := request(testMethods[method])
		switch random.IntN(12) {
		case 0: // evicts others
			fields = append(fields, "x-large", strings.Repeat("x", random.IntN(3000)))
		case 1:
			fields = append(fields, "x-small", fmt.Sprint(random.IntN(3)))
		case 2:
			fields = append(fields, "grpc-timeout", fmt.Sprint(1+random.IntN(9), "H"))
		case 3:
			p.enc.SetMaxDynamicTableSize([]uint32{0, 100, 4096}[random.IntN(3)])
		}
		message := fmt.Sprint(id)
		p.headers(id, false, fields...)
		p.data(id, true, framed(message))
		if method == methodEcho {
			p.requireEcho(id, message)
		} else {
			p.requireStatus(id, codes.FailedPrecondition, message)
		}
	}
}

// TestOnlyIndexed checks which blocks leave the table alone.
func TestOnlyIndexed(t *testing.T) {
	for _, block := range []string{"\x82\x86", "", "\xff\x80\x01\x83", "\xff\x00"} {
		require.True(t, onlyIndexed([]byte(block)), "%x", block)
	}
	for _, block := range []string{"\x82\x40\x01a\x01b", "\x20", "\x0f\x10\x01a", "\xff\x80\x01\x40\x01a\x01b", "\x10\x01a\x01b"} {
		require.False(t, onlyIndexed([]byte(block)), "%x", block)
	}
}

// TestSplit sends a request in the smallest pieces: header blocks in continuations,
// with padding and priority, and a message byte by byte.
func TestSplit(t *testing.T) {
	p := startServer(t).dial()
	block := p.encode(request(testMethods[methodEcho])...)
	require.NoError(t, p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:1], PadLength: 7,
		Priority: http2.PriorityParam{StreamDep: 3, Weight: 9}}))
	for block = block[1:]; len(block) > 0; {
		n := min(len(block), 3)
		require.NoError(t, p.fr.WriteContinuation(1, n == len(block), block[:n]))
		block = block[n:]
	}
	message := framed("in pieces")
	for i := range message {
		require.NoError(t, p.fr.WriteDataPadded(1, i == len(message)-1, message[i:i+1], make([]byte, 5)))
	}
	p.requireEcho(1, "in pieces")

	// The whole conversation byte by byte.
	var conversation bytes.Buffer
	fr := http2.NewFramer(&conversation, nil)
	require.NoError(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: p.encode(request(testMethods[methodEcho])...), EndHeaders: true}))
	require.NoError(t, fr.WriteData(3, true, framed("bytes")))
	for _, b := range conversation.Bytes() {
		p.raw(b)
	}
	p.requireEcho(3, "bytes")
}

// TestTrailer ends a request by a trailer.
func TestTrailer(t *testing.T) {
	p := startServer(t).dial()
	p.headers(1, false, request(testMethods[methodEcho])...)
	p.data(1, false, framed("with a trailer"))
	p.headers(1, true, "x-checksum", "1")
	p.requireEcho(1, "with a trailer")
	p.headers(3, false, request(testMethods[methodEcho])...)
	p.headers(3, false, "x-checksum", "1")
	p.requireReset(3, http2.ErrCodeProtocol)
	p.headers(5, false, request(testMethods[methodEcho])...)
	p.headers(5, true, ":path", "/")
	p.requireReset(5, http2.ErrCodeProtocol)
	p.requireServed(7)
}

// TestLargeMessages sends and receives more than windows of 64 KiB.
func TestLargeMessages(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	message := strings.Repeat("0123456789", 100_000)
	p.headers(1, false, request(testMethods[methodEcho])...)
	body := framed(message)
	p.data(1, false, body[:streamWindow])
	for got := 0; got < len(body)-streamWindow; { // the window for the rest
		f, err := p.step()
		require.NoError(t, err)
		if w, ok := f.(*http2.WindowUpdateFrame); ok && w.StreamID == 1 {
			got += int(w.Increment)
		}
	}
	p.data(1, true, body[streamWindow:])
	h.nextBegun()
	p.grant(0, uint32(len(body)))
	p.awaitData(1, streamWindow)
	p.awaitPing()
	require.Len(t, p.stream(1).data, streamWindow, "the stream's window holds the rest up")
	p.grant(1, uint32(len(body)-streamWindow))
	p.requireEcho(1, message)
}

// TestMessageFraming checks what is said of a message that is not framed as gRPC says.
func TestMessageFraming(t *testing.T) {
	p := startServer(t).dial()
	declared := func(n int, rest string) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(n)), rest...)
	}
	compressed := framed("x")
	compressed[0] = 1
	unknown := framed("x")
	unknown[0] = 7
	for i, tc := range []struct {
		body []byte
		code codes.Code
		text string
	}{
		{nil, codes.Internal, "received no request message"},
		{[]byte{0, 0}, codes.Internal, "unexpected EOF"},
		{declared(10, "short"), codes.Internal, "unexpected EOF"},
		{declared(1, "longer"), codes.ResourceExhausted, "larger than max"}, // "onger" is another message's prefix
		{declared(3, "longer"), codes.Internal, "unexpected EOF"},
		{append(framed("a"), framed("b")...), codes.Internal, "multiple request messages"},
		{compressed, codes.Internal, "compressed flag set with identity or empty encoding"},
		{unknown, codes.Internal, "unexpected payload format 7"},
		{declared(1<<20+1, ""), codes.ResourceExhausted, "received message larger than max (1048577 vs. 1048576)"},
		{declared(1<<32-1, ""), codes.ResourceExhausted, "received message larger than max"},
	} {
		id := uint32(2*i + 1)
		p.headers(id, false, request(testMethods[methodEcho])...)
		p.data(id, true, tc.body)
		p.requireStatus(id, tc.code, tc.text)
	}
	// Too large a message is refused before it has come.
	p.headers(99, false, request(testMethods[methodEcho])...)
	p.data(99, false, declared(2<<20, "the beginning"))
	p.requireStatus(99, codes.ResourceExhausted, "larger than max")
	p.data(99, true, []byte("the rest"))
	p.requireServed(101)
}

// TestDeadlines checks that a call is answered when its time is up, before and after
// it has begun, and that what was begun holds its slot until it is answered.
func TestDeadlines(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	p.headers(1, false, request(testMethods[methodEcho], "grpc-timeout", "1m")...)
	p.requireStatus(1, codes.DeadlineExceeded, "context deadline exceeded")
	for id := uint32(101); len(h.begun) == 0; id += 2 { // which it may not before its time is up
		p.headers(id, false, request(testMethods[methodHeld], "grpc-timeout", "20m")...)
		p.data(id, true, framed("late"))
		p.requireStatus(id, codes.DeadlineExceeded, "context deadline exceeded")
	}
	late := h.nextBegun()
	require.Empty(t, h.dropped)
	late.answer()
	require.Equal(t, "late: context deadline exceeded", h.nextDropped())
	p.headers(1001, false, request(testMethods[methodEcho], "grpc-timeout", "0n")...)
	p.requireStatus(1001, codes.DeadlineExceeded, "context deadline exceeded")
	for id, timeout := range map[uint32]string{7: "5", 9: "123456789S", 11: "5x", 13: "xS"} {
		p2 := h.dial()
		p2.headers(id, true, request(testMethods[methodEcho], "grpc-timeout", timeout)...)
		p2.requireStatus(id, codes.Internal, "malformed grpc-timeout")
		require.Equal(t, "400", p2.stream(id).fields[":status"])
	}
	p.headers(1003, false, request(testMethods[methodEcho], "grpc-timeout", "99999999H")...)
	p.data(1003, true, framed("in time"))
	p.requireEcho(1003, "in time")
}

// TestContexts has calls wait for the end of their contexts: by their deadlines, which may
// pass while a session asks for the context, and by a reset.
func TestContexts(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	for id := uint32(1); id < 200; id += 2 {
		p.headers(id, false, request(testMethods[methodWait], "grpc-timeout", "300u")...)
		p.data(id, true, framed("late"))
		p.requireStatus(id, codes.DeadlineExceeded, "context deadline exceeded")
	}
	p.call(201, methodWait, "reset")
	for h.nextBegun().message != "reset" {
	}
	p.cancel(201)
	for h.nextDropped() != "reset: context canceled" { // those whose deadlines passed first
	}
}

// TestBegunBeforeFault breaks the connection right behind a call. The call is carried
// out like those before it.
func TestBegunBeforeFault(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	packet := rawFrame(http2.FrameHeaders, endHeaders, 1, string(p.encode(request(testMethods[methodEcho])...)))
	packet = append(packet, rawFrame(http2.FrameData, http2.FlagDataEndStream, 1, string(framed("x")))...)
	p.raw(append(packet, rawFrame(http2.FramePing, 0, 1, "12345678")...)...)
	p.requireGoAway(http2.ErrCodeProtocol)
	h.nextBegun()
	if !p.stream(1).ended {
		require.Equal(t, "x: context canceled", h.nextDropped())
	}
}

// TestCancel resets calls: before they are complete, while they are under way, and
// when the answer is on its way. None of them counts against the limit any more.
func TestCancel(t *testing.T) {
	h := startServer(t, func(o *Options, _ *timing) { o.MaxConcurrentStreams = 2 })
	p := h.dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	p.headers(1, false, request(testMethods[methodEcho])...)
	p.data(1, false, framed("x")[:4])
	p.cancel(1)
	p.call(3, methodHeld, "under way")
	first := h.nextBegun()
	p.cancel(3)
	p.call(5, methodEcho, "no window")
	h.nextBegun()
	p.call(7, methodHeld, "beside it")
	second := h.nextBegun()
	p.call(9, methodEcho, "one too many")
	p.requireReset(9, http2.ErrCodeRefusedStream)
	first.answer()
	require.Equal(t, "under way: context canceled", h.nextDropped())
	p.cancel(5)
	p.cancel(7)
	p.call(11, methodHeld, "a")
	p.call(13, methodHeld, "b")
	h.nextBegun().answer()
	h.nextBegun().answer()
	second.answer()
	require.Equal(t, "beside it: context canceled", h.nextDropped())
	p.grant(11, 100)
	p.grant(13, 100)
	p.requireEcho(11, "a")
	p.requireEcho(13, "b")
}

// TestOpenAtOnce opens a stream as soon as another is closed: by its answer, and by a
// reset in the same packet. None is refused.
func TestOpenAtOnce(t *testing.T) {
	p := startServer(t, func(o *Options, _ *timing) { o.MaxConcurrentStreams = 1 }).dial()
	for id := uint32(1); id < 1000; id += 2 {
		p.requireServed(id)
	}
	h := startServer(t, func(o *Options, _ *timing) { o.MaxConcurrentStreams = 50 })
	p = h.dial()
	block := func() []byte { return p.encode(request(testMethods[methodHeld])...) }
	var packet []byte
	for id := uint32(1); id < 100; id += 2 {
		packet = append(packet, rawFrame(http2.FrameHeaders, endHeaders, id, string(block()))...)
		packet = append(packet, rawFrame(http2.FrameData, http2.FlagDataEndStream, id, string(framed("reset")))...)
	}
	for id := uint32(1); id < 100; id += 2 {
		packet = appendReset(packet, id, http2.ErrCodeCancel)
	}
	p.raw(packet...)
	p.awaitPing()
	for range 50 {
		h.nextBegun().answer()
	}
	for range 50 {
		h.nextDropped()
	}
	p.awaitPing()
	packet = packet[:0]
	for id := uint32(101); id < 200; id += 2 { // each is reset when the next is opened
		packet = append(packet, rawFrame(http2.FrameHeaders, endHeaders, id, string(block()))...)
		if id < 199 {
			packet = appendReset(packet, id, http2.ErrCodeCancel)
		}
	}
	p.raw(packet...)
	p.data(199, true, framed("the last"))
	h.nextBegun().answer()
	p.requireEcho(199, "the last")
}

// TestLingering checks that what is under way for streams that were reset is bounded
// as open streams are, and that room comes back with the answers.
func TestLingering(t *testing.T) {
	h := startServer(t, func(o *Options, _ *timing) { o.MaxConcurrentStreams = 3 })
	p := h.dial()
	var held []begun
	for id := uint32(1); id < 7; id += 2 {
		p.call(id, methodHeld, "reset")
		held = append(held, h.nextBegun())
		p.cancel(id)
	}
	p.call(7, methodEcho, "too much is under way")
	p.requireReset(7, http2.ErrCodeRefusedStream)
	held[0].answer()
	h.nextDropped()
	p.awaitPing()
	for id := uint32(9); id < 15; id += 2 { // two linger, and three may be open
		p.call(id, methodHeld, "open")
		held = append(held, h.nextBegun())
	}
	for _, b := range held[1:] {
		b.answer()
	}
	for id := uint32(9); id < 15; id += 2 {
		p.requireEcho(id, "open")
	}
}

// TestLostConnection checks that what is under way when the connection ends is
// dropped when it is answered, and slots are not mixed up.
func TestLostConnection(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	p.call(1, methodHeld, "lost")
	held := h.nextBegun()
	require.NoError(t, p.nc.Close())
	require.Eventually(t, func() bool {
		held.conn.mu.Lock()
		defer held.conn.mu.Unlock()
		return held.conn.dead
	}, patience, time.Millisecond)
	held.answer()
	require.Equal(t, "lost: context canceled", h.nextDropped())
}

// TestDrain lets calls finish that have begun, takes new ones until the peer has taken
// note, and none after that; nothing is half done.
func TestDrain(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	idle := h.dial()
	p.call(1, methodHeld, "before")
	first := h.nextBegun()
	done := h.drain()
	var last uint32
	for last = 1 << 31; last != 1<<31-1; {
		f, err := p.step()
		require.NoError(t, err)
		if g, ok := f.(*http2.GoAwayFrame); ok {
			last = g.LastStreamID
		}
	}
	p.call(3, methodHeld, "the peer has not taken note")
	second := h.nextBegun()
	for acked := false; !acked; {
		f, err := p.step()
		require.NoError(t, err)
		if ping, ok := f.(*http2.PingFrame); ok {
			require.NoError(t, p.fr.WritePing(true, ping.Data))
			acked = true
		}
	}
	for last != 3 {
		f, err := p.step()
		require.NoError(t, err)
		if g, ok := f.(*http2.GoAwayFrame); ok {
			last = g.LastStreamID
		}
	}
	p.call(5, methodEcho, "too late")
	first.answer()
	p.requireEcho(1, "before")
	select {
	case <-done:
		t.Fatal("a call is still under way")
	default:
	}
	second.answer()
	p.requireEcho(3, "the peer has not taken note")
	_, err := p.step()
	require.Error(t, err, "the connection ends")
	for err = nil; err == nil; {
		_, err = idle.step()
	}
	require.NoError(t, receive(t, done, "the server to drain"))
	require.Empty(t, h.begun)
	require.Empty(t, h.dropped)
}
