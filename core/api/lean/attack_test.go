package lean

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/test/bufconn"
)

// flood sends frames until the connection is ended for it, and returns how many were
// sent. The server must say why. Another connection is served meanwhile.
func flood(t *testing.T, h *harness, p *peer, code http2.ErrCode, most int, frames func(i int)) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := p.step(); err != nil {
				ended <- err
				return
			}
		}
	}()
	sent := make(chan int, 1)
	go func() {
		i := 0
		defer func() { _ = recover(); sent <- i }() // the connection has ended
		quiet := *p
		quiet.t = quietly{t}
		for ; i < most; i++ {
			frames(i)
		}
	}()
	other := h.dial()
	for i := range uint32(20) {
		other.requireServed(2*i + 1)
	}
	err := receive(t, ended, "the connection to end")
	end := (*goAwayError)(nil)
	require.ErrorAs(t, err, &end)
	require.Equal(t, code, end.code, end.debug)
	require.Less(t, receive(t, sent, "the sender to end"), most, "the server must not wait for the end of it")
	h.dial().requireServed(1)
}

// quietly is a test in which a failed write is no failure.
type quietly struct{ testing.TB }

// write sends bytes, or panics when the connection has ended.
func (p *peer) write(b []byte) {
	if _, err := p.nc.Write(b); err != nil {
		panic(err)
	}
}

// TestRapidReset opens calls and resets them at once. What is under way stays below
// the limit of streams.
func TestRapidReset(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	p.headers(1, false, request(testMethods[methodHeld])...) // the fields are in the table now
	block := p.encode(request(testMethods[methodHeld])...)
	flood(t, h, p, http2.ErrCodeEnhanceYourCalm, 1_000_000, func(i int) {
		id := uint32(3 + 2*i)
		b := append(appendFrameHeader(nil, len(block), http2.FrameHeaders, endHeaders, id), block...)
		body := framed("x")
		b = append(appendFrameHeader(b, len(body), http2.FrameData, http2.FlagDataEndStream, id), body...)
		p.write(appendReset(b, id, http2.ErrCodeCancel))
	})
	under := 0
	for len(h.begun) > 0 {
		if b := h.nextBegun(); b.message == "x" {
			under++
			b.answer()
		}
	}
	require.LessOrEqual(t, under, 100)
}

// TestResetOfNothing opens streams and resets them before anything is under way. That
// they end does not pardon the resets.
func TestResetOfNothing(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	p.headers(1, false, request(testMethods[methodEcho])...)
	block := p.encode(request(testMethods[methodEcho])...)
	flood(t, h, p, http2.ErrCodeEnhanceYourCalm, 1_000_000, func(i int) {
		id := uint32(3 + 2*i)
		b := append(appendFrameHeader(nil, len(block), http2.FrameHeaders, endHeaders, id), block...)
		p.write(appendReset(b, id, http2.ErrCodeCancel))
	})
}

// TestPatientResets cancels more calls than may be reset at once, each after it has been
// under way for a while, and then as many that are pardoned by others.
func TestPatientResets(t *testing.T) {
	h := startServer(t, func(o *Options, times *timing) { o.MaxConcurrentStreams, times.patient = 10, 0 })
	p := h.dial()
	id := uint32(1)
	for range 2 * calmFrames {
		p.call(id, methodHeld, "x")
		p.cancel(id)
		h.nextBegun().answer()
		id += 2
		if id%16 == 1 {
			p.awaitPing() // so that few are under way
		}
	}
	h = startServer(t, func(_ *Options, times *timing) { times.patient = time.Hour })
	p = h.dial()
	for id := uint32(1); id < 8*calmFrames; id += 4 {
		p.headers(id, false, request(testMethods[methodEcho])...)
		p.cancel(id)
		p.requireServed(id + 2)
	}
}

// TestFloods sends frames that ask for nothing.
func TestFloods(t *testing.T) {
	for _, tc := range []struct {
		name  string
		frame []byte
	}{
		{"settings", rawFrame(http2.FrameSettings, 0, 0, "\x00\x04\x00\x00\x10\x00")},
		{"acknowledgements", rawFrame(http2.FrameSettings, http2.FlagSettingsAck, 0, "")},
		{"pings", rawFrame(http2.FramePing, 0, 0, "12345678")},
		{"empty data", rawFrame(http2.FrameData, 0, 1, "")},
		{"padding alone", rawFrame(http2.FrameData, http2.FlagDataPadded, 1, "\x02ab")},
		{"priorities", rawFrame(http2.FramePriority, 0, 1, "\x00\x00\x00\x00x")},
		{"unknown frames", rawFrame(0x77, 0, 1, "x")},
		{"goaways", rawFrame(http2.FrameGoAway, 0, 0, "12345678")},
		{"resets of a closed stream", rawFrame(http2.FrameRSTStream, 0, 3, "\x00\x00\x00\x08")},
		{"data for a closed stream", rawFrame(http2.FrameData, 0, 3, "x")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := startServer(t, strictPings)
			p := h.dial()
			p.requireServed(3)
			p.headers(5, false, request(testMethods[methodEcho])...)
			frame := tc.frame
			if frame[8] == 1 { // an open stream
				frame = append([]byte(nil), frame...)
				frame[8] = 5
			}
			flood(t, h, p, http2.ErrCodeEnhanceYourCalm, 10_000_000, func(int) { p.write(frame) })
		})
	}
}

// TestSpreadPings is not a flood: pings are answered, as far as keepalive allows.
func TestSpreadPings(t *testing.T) {
	p := startServer(t).dial()
	for range 50 {
		p.awaitPing()
	}
	p = startServer(t, strictPings).dial()
	for id := uint32(1); id < 200; id += 2 { // each of which pardons the ping behind it
		p.requireServed(id)
		p.awaitPing()
	}
}

// strictPings has every ping count as one too many that an answer does not pardon.
func strictPings(_ *Options, times *timing) { times.minPing = time.Hour }

// TestPingPong sends a ping when the one before it has been answered. An answer to
// a ping pardons none.
func TestPingPong(t *testing.T) {
	p := startServer(t, strictPings).dial()
	for range 1 + maxPingStrikes {
		p.awaitPing()
	}
	require.NoError(t, p.fr.WritePing(false, [8]byte{}))
	p.requireGoAway(http2.ErrCodeEnhanceYourCalm)
}

// TestContinuationFlood sends a header block that does not end.
func TestContinuationFlood(t *testing.T) {
	for name, fragment := range map[string]string{"empty": "", "long": strings.Repeat("\x00\x01a\x01b", 3000)} {
		t.Run(name, func(t *testing.T) {
			h := startServer(t)
			p := h.dial()
			p.write(rawFrame(http2.FrameHeaders, 0, 1, "\x83"))
			frame := rawFrame(http2.FrameContinuation, 0, 1, fragment)
			flood(t, h, p, http2.ErrCodeEnhanceYourCalm, 10_000_000, func(int) { p.write(frame) })
		})
	}
}

// TestLargeHeaders sends 20 MB of headers: in many fields, and in one.
func TestLargeHeaders(t *testing.T) {
	for name, fields := range map[string][]string{
		"one field": {"x", strings.Repeat("x", 20_000_000)},
		"many fields": func() (many []string) { // which do not compress
			for i := range 2000 {
				many = append(many, fmt.Sprint("x", i), strings.Repeat("~", 10_000))
			}
			return many
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			h := startServer(t)
			p := h.dial()
			block := p.encode(append(request(testMethods[methodEcho]), fields...)...)
			kind, flags := http2.FrameHeaders, http2.Flags(0)
			flood(t, h, p, http2.ErrCodeEnhanceYourCalm, len(block)/maxFrameBytes, func(i int) {
				p.write(rawFrame(kind, flags, 1, string(block[i*maxFrameBytes:(i+1)*maxFrameBytes])))
				kind = http2.FrameContinuation
			})
		})
	}
}

// TestBomb sends a header block of 12 KB that stands for 47 MB. The stream is reset,
// and the connection of use.
func TestBomb(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	p.headers(1, true, append(request("/test.T/Echo"), "x", strings.Repeat("x", 3900))...)
	p.await(1)
	block := p.encode(append(request("/test.T/Echo"), "x", strings.Repeat("x", 3900))...)
	entry := block[len(block)-1]
	before := allocated()
	for id := uint32(3); id < 103; id += 2 {
		bomb := append(append([]byte(nil), block...), strings.Repeat(string([]byte{entry}), 12_000)...)
		p.write(rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream, id, string(bomb)))
		p.requireReset(id, http2.ErrCodeFrameSize)
	}
	require.Less(t, allocated()-before, uint64(100<<20), "bytes allocated for what stands for 2 GB")
	p.requireServed(103)
}

// allocated is how many bytes have ever been allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestSlowReader asks for much and takes nothing: with the windows at zero, and with a
// socket that is not read. Little is encoded, and nothing more is read from it.
func TestSlowReader(t *testing.T) {
	h := startServer(t, func(o *Options, _ *timing) { o.MaxConcurrentStreams = 1000 })
	p := h.dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for i := range uint32(1000) {
		p.call(2*i+1, methodLarge, "1000000")
	}
	p.awaitPing()
	conn := h.nextBegun().conn
	require.LessOrEqual(t, heldBy(conn), maxHeld+1_000_005)
	h.dial().requireServed(1)
	for i := range uint32(1000) {
		p.cancel(2*i + 1)
	}
	p.awaitPing()
	p.awaitPing()
	require.Zero(t, heldBy(conn), "a reset frees what is held")

	// All but a byte of each reply fits into its window. The rest takes no more memory
	// than it is long.
	p = h.dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1_000_004})
	p.grant(0, 1<<30)
	for i := range uint32(200) {
		p.call(2*i+1, methodLarge, "1000000")
		p.awaitData(2*i+1, 1_000_004)
	}
	p.awaitPing()
	for len(h.begun) > 0 {
		conn = h.nextBegun().conn
	}
	require.Equal(t, 200, heldBy(conn))
	for i := range uint32(200) {
		p.grant(2*i+1, 1)
		require.Len(t, p.await(2*i+1).data, 1_000_005)
	}

	// The windows are wide, and the socket is full.
	h = startServer(t, func(_ *Options, times *timing) {
		times.stall, times.pingEvery, times.pingWait = time.Second, time.Hour, time.Hour
	})
	p = h.dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
	p.grant(0, 1<<30)
	for i := range uint32(100) {
		p.call(2*i+1, methodLarge, "1000000")
	}
	h.dial().requireServed(1)
	require.Eventually(t, func() bool { return connections(h.srv) <= 1 }, patience, time.Millisecond, "the connection is closed for it")
}

// heldBy returns what a connection whose writer rests holds.
func heldBy(c *Conn) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

func connections(s *Server) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// TestSlowSender begins requests and does not end them. Each is answered when its time
// is up, and what they hold is bounded.
func TestSlowSender(t *testing.T) {
	h := startServer(t, func(_ *Options, times *timing) { times.request, times.pingEvery = 50*time.Millisecond, time.Hour })
	h.srv.budget.max = 100 << 10
	p := h.dial()
	for i := range uint32(3) {
		p.headers(2*i+1, false, request(testMethods[methodEcho])...)
	}
	p.data(1, false, framed("a beginning")[:8])
	p.data(3, false, binary.BigEndian.AppendUint32([]byte{0}, 1<<20)) // says that it will send much
	for i := range uint32(3) {
		p.requireStatus(2*i+1, codes.DeadlineExceeded, "not complete in time")
	}
	require.Eventually(t, func() bool { return h.srv.budget.used.Load() == 0 }, patience, time.Millisecond)
	h = startServer(t)
	h.srv.budget.max = 100 << 10

	// No room for one more: it is refused, and others are served.
	q := h.dial()
	q.headers(1, false, request(testMethods[methodEcho])...)
	q.data(1, false, binary.BigEndian.AppendUint32([]byte{0}, 1<<20))
	q.data(1, false, make([]byte, 60_000))
	q.headers(3, false, request(testMethods[methodEcho])...)
	q.data(3, false, binary.BigEndian.AppendUint32([]byte{0}, 1<<20))
	q.data(3, false, make([]byte, 60_000))
	q.requireStatus(3, codes.ResourceExhausted, "too many bytes of requests")
	q.requireServed(5)
	q.cancel(1)
	q.awaitPing()
	require.Zero(t, h.srv.budget.used.Load())
}

// TestSilence connects and says nothing, or stops to.
func TestSilence(t *testing.T) {
	h := startServer(t, func(_ *Options, times *timing) {
		times.handshake, times.pingEvery, times.pingWait = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	})
	mute := h.dialBare()
	_, err := mute.nc.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	p := h.dial()
	for {
		if _, err = p.step(); err != nil { // a ping comes, which is not answered
			break
		}
	}
	require.False(t, errors.Is(err, net.ErrClosed))
	p = startServer(t, func(_ *Options, times *timing) { times.pingEvery, times.pingWait = 10*time.Millisecond, time.Hour }).dial()
	for range 5 {
		f, err := p.step()
		require.NoError(t, err)
		if ping, ok := f.(*http2.PingFrame); ok {
			require.NoError(t, p.fr.WritePing(true, ping.Data))
		}
	}
}

// TestIdleConnections holds ten thousand connections that have done a call, and says
// what each costs.
func TestIdleConnections(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	h := &harness{t: t, begun: make(chan begun, 2*n), dropped: make(chan string, 1)}
	h.srv = New(Options{Methods: testMethods, MaxMessageBytes: 1 << 20, MaxConcurrentStreams: 100, GRPC: http.NotFoundHandler(), Web: http.NotFoundHandler(),
		NewSession: func(c *Conn) Session { return &testSession{h: h, conn: c, messages: make(map[int][]byte)} }})
	l := bufconn.Listen(1 << 10)
	var served sync.WaitGroup
	served.Go(func() { _ = h.srv.Serve(l) })
	defer served.Wait()
	defer h.srv.Close()
	var greeting []byte
	greeting = append(greeting, http2.ClientPreface...)
	greeting = append(appendSettings(greeting), rawFrame(http2.FrameSettings, http2.FlagSettingsAck, 0, "")...)
	block := newPeer(t, &net.TCPConn{}).encode(request(testMethods[methodEcho])...)
	greeting = append(greeting, rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, string(block))...)
	greeting = append(greeting, rawFrame(http2.FrameData, http2.FlagDataEndStream, 1, string(framed("x")))...)
	before := inUse()
	var conns []net.Conn
	for range n {
		nc, err := l.Dial()
		require.NoError(t, err)
		conns = append(conns, nc)
		_, err = nc.Write(greeting)
		require.NoError(t, err)
		h.nextBegun()
	}
	const pipes = 2 << 10 // which the server does not have
	each := int(inUse()-before)/n - pipes
	t.Logf("%d bytes for each idle connection", each)
	require.Less(t, each, 48<<10)
	for _, nc := range conns {
		_ = nc.Close()
	}
}

// inUse is the memory that the heap and stacks take.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
