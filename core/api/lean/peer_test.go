package lean

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The methods of the tests' session.
const (
	methodEcho  = iota // answers with its message
	methodHeld         // answers when the test says so
	methodLarge        // answers with as many bytes as the message says
	methodFail         // answers with the message as an error
	methodWait         // answers with errDeadline when its context has ended
)

var testMethods = []string{"/test.T/Echo", "/test.T/Held", "/test.T/Large", "/test.T/Fail", "/test.T/Wait"}

// testSession answers by slot, as a real one does.
type testSession struct {
	h    *harness
	conn *Conn

	mu       sync.Mutex
	messages map[int][]byte
	ready    []*Call // until Flush; the reader's own
}

func (s *testSession) Begin(call *Call, message []byte) {
	s.mu.Lock()
	s.messages[call.Slot] = bytes.Clone(message)
	s.mu.Unlock()
	s.h.begun <- begun{string(message), s.conn, call}
	switch call.Method {
	case methodHeld:
	case methodWait:
		ctx := call.Context()
		go func() {
			<-ctx.Done()
			s.conn.Answer(call)
		}()
	default:
		s.ready = append(s.ready, call)
	}
}

func (s *testSession) Flush() {
	s.conn.Answer(s.ready...)
	s.ready = s.ready[:0]
}

func (s *testSession) take(call *Call) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.messages[call.Slot]
	if !ok {
		panic("a call that has no message: its slot was given to another too early")
	}
	delete(s.messages, call.Slot)
	return m
}

func (s *testSession) AppendReply(dst []byte, call *Call) ([]byte, error) {
	m := s.take(call)
	switch call.Method {
	case methodLarge:
		n, err := strconv.Atoi(string(m))
		return append(dst, make([]byte, n)...), err
	case methodWait:
		return dst, errDeadline
	case methodFail:
		return dst, status.Error(codes.FailedPrecondition, string(m))
	}
	return append(dst, m...), nil
}

func (s *testSession) Drop(call *Call, why error) {
	s.h.dropped <- string(s.take(call)) + ": " + status.Convert(why).Message()
}

type begun struct {
	message string
	conn    *Conn
	call    *Call
}

// answer ends a call of methodHeld.
func (b begun) answer() { b.conn.Answer(b.call) }

// harness is a server that tests talk to frame by frame.
type harness struct {
	t       testing.TB
	srv     *Server
	addr    string
	begun   chan begun
	dropped chan string
}

// patience bounds every wait. Nothing that works takes nearly as long.
const patience = time.Minute

// receive returns what comes from a channel, or fails the test when nothing has come.
func receive[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		require.FailNow(t, "a wait without end", "waited %v for %s", patience, what)
	}
	return v
}

// nextBegun returns a call that the session was given.
func (h *harness) nextBegun() begun {
	h.t.Helper()
	return receive(h.t, h.begun, "a call to begin")
}

// nextDropped returns what was said of a call whose reply nobody takes.
func (h *harness) nextDropped() string {
	h.t.Helper()
	return receive(h.t, h.dropped, "a call to be dropped")
}

// startServer serves on a port of the loopback until the test ends.
func startServer(t testing.TB, change ...func(*Options, *timing)) *harness {
	t.Helper()
	h := &harness{t: t, begun: make(chan begun, 100_000), dropped: make(chan string, 100_000)}
	o := Options{
		Methods:    testMethods,
		NewSession: func(c *Conn) Session { return &testSession{h: h, conn: c, messages: make(map[int][]byte)} },
		Services:   []string{"test.T", "test.Rest"},
		GRPC: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/test.Rest/Hold" {
				<-r.Context().Done()
				return
			}
			w.Header().Set("Content-Type", grpcType)
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = io.Copy(w, r.Body)
			w.Header().Set("Grpc-Status", "0")
		}),
		Web: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("X-Secure", strconv.FormatBool(r.TLS != nil))
			_, _ = io.WriteString(w, r.Method+" "+r.URL.Path+" "+r.Proto)
			_, _ = io.Copy(w, r.Body)
		}),
		MaxMessageBytes: 1 << 20, MaxConcurrentStreams: 100,
	}
	times := defaultTiming
	times.minPing = 0 // tests ask by pings how far the server is
	for _, f := range change {
		f(&o, &times)
	}
	h.srv = New(o)
	h.srv.timing = times
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- h.srv.Serve(l) }()
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			h.srv.Close()
		}()
		receive(t, closed, "all connections to end")
		require.ErrorIs(t, receive(t, served, "Serve to return"), ErrServerClosed)
		require.Zero(t, h.srv.budget.used.Load(), "buffers are given back")
	})
	return h
}

// peer is a client that can do everything wrong.
type peer struct {
	t       testing.TB
	nc      net.Conn
	fr      *http2.Framer
	block   bytes.Buffer
	enc     *hpack.Encoder
	streams map[uint32]*answer
}

// answer is what came on a stream.
type answer struct {
	fields map[string]string
	data   []byte
	ended  bool
	reset  *http2.ErrCode
}

// dialBare connects without a word.
func (h *harness) dialBare() *peer {
	h.t.Helper()
	nc, err := net.Dial("tcp", h.addr)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = nc.Close() })
	return newPeer(h.t, nc)
}

func newPeer(t testing.TB, nc net.Conn) *peer {
	p := &peer{t: t, nc: nc, fr: http2.NewFramer(nc, nc), streams: make(map[uint32]*answer)}
	p.fr.AllowIllegalWrites = true
	p.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.enc = hpack.NewEncoder(&p.block)
	_ = nc.SetDeadline(time.Now().Add(patience))
	return p
}

// dial connects, and exchanges settings.
func (h *harness) dial(settings ...http2.Setting) *peer {
	h.t.Helper()
	p := h.dialBare()
	_, err := io.WriteString(p.nc, http2.ClientPreface)
	require.NoError(h.t, err)
	require.NoError(h.t, p.fr.WriteSettings(settings...))
	for acked := false; !acked; {
		f, err := p.fr.ReadFrame()
		require.NoError(h.t, err)
		if s, ok := f.(*http2.SettingsFrame); ok {
			acked = s.IsAck()
		}
	}
	return p
}

// encode returns a header block of name-value pairs.
func (p *peer) encode(fields ...string) []byte {
	p.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		require.NoError(p.t, p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	return bytes.Clone(p.block.Bytes())
}

// request returns the fields of a call.
func request(path string, more ...string) []string {
	return append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "test", "content-type", grpcType, "te", "trailers"}, more...)
}

// headers sends a header block in one frame.
func (p *peer) headers(id uint32, end bool, fields ...string) {
	p.t.Helper()
	require.NoError(p.t, p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(fields...), EndHeaders: true, EndStream: end}))
}

// data sends data, whatever the windows say.
func (p *peer) data(id uint32, end bool, data []byte) {
	p.t.Helper()
	for len(data) > maxFrameBytes {
		require.NoError(p.t, p.fr.WriteData(id, false, data[:maxFrameBytes]))
		data = data[maxFrameBytes:]
	}
	require.NoError(p.t, p.fr.WriteData(id, end, data))
}

// framed puts a message behind its prefix.
func framed(message string) []byte {
	b := make([]byte, prefixBytes, prefixBytes+len(message))
	binary.BigEndian.PutUint32(b[1:], uint32(len(message)))
	return append(b, message...)
}

// call sends a call.
func (p *peer) call(id uint32, method int, message string) {
	p.t.Helper()
	p.headers(id, false, request(testMethods[method])...)
	p.data(id, true, framed(message))
}

// cancel resets a call.
func (p *peer) cancel(id uint32) {
	p.t.Helper()
	require.NoError(p.t, p.fr.WriteRSTStream(id, http2.ErrCodeCancel))
}

// grant lets the server send more.
func (p *peer) grant(id, n uint32) {
	p.t.Helper()
	require.NoError(p.t, p.fr.WriteWindowUpdate(id, n))
}

// goAwayError is how a connection ends.
type goAwayError struct {
	code  http2.ErrCode
	last  uint32
	debug string
}

func (e *goAwayError) Error() string { return e.code.String() + ": " + e.debug }

func (p *peer) stream(id uint32) *answer {
	if p.streams[id] == nil {
		p.streams[id] = &answer{fields: make(map[string]string)}
	}
	return p.streams[id]
}

// step reads one frame.
func (p *peer) step() (http2.Frame, error) {
	f, err := p.fr.ReadFrame()
	if err != nil {
		return nil, err
	}
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		a := p.stream(f.StreamID)
		for _, h := range f.Fields {
			a.fields[h.Name] = h.Value
		}
		a.ended = f.StreamEnded()
	case *http2.DataFrame:
		a := p.stream(f.StreamID)
		a.data, a.ended = append(a.data, f.Data()...), f.StreamEnded()
	case *http2.RSTStreamFrame:
		code := f.ErrCode
		p.stream(f.StreamID).reset = &code
	case *http2.GoAwayFrame:
		if f.ErrCode != http2.ErrCodeNo {
			return f, &goAwayError{f.ErrCode, f.LastStreamID, string(f.DebugData())}
		}
	}
	return f, nil
}

// await reads until the stream has ended or been reset.
func (p *peer) await(id uint32) *answer {
	p.t.Helper()
	for a := p.stream(id); !a.ended && a.reset == nil; {
		_, err := p.step()
		require.NoError(p.t, err)
	}
	return p.stream(id)
}

// awaitData reads until so many bytes have come on a stream.
func (p *peer) awaitData(id uint32, n int) *answer {
	p.t.Helper()
	for a := p.stream(id); len(a.data) < n; {
		_, err := p.step()
		require.NoError(p.t, err)
		require.Nil(p.t, a.reset)
	}
	return p.stream(id)
}

// requireEcho expects a call's message back.
func (p *peer) requireEcho(id uint32, message string) {
	p.t.Helper()
	a := p.await(id)
	require.Nil(p.t, a.reset)
	require.Equal(p.t, "0", a.fields["grpc-status"], a.fields["grpc-message"])
	require.Equal(p.t, string(framed(message)), string(a.data))
}

// requireStatus expects a call to fail.
func (p *peer) requireStatus(id uint32, code codes.Code, text string) {
	p.t.Helper()
	a := p.await(id)
	require.Equal(p.t, strconv.Itoa(int(code)), a.fields["grpc-status"], a.fields["grpc-message"])
	require.Contains(p.t, a.fields["grpc-message"], text)
	require.Empty(p.t, a.data)
}

func (p *peer) requireReset(id uint32, code http2.ErrCode) {
	p.t.Helper()
	a := p.await(id)
	require.NotNil(p.t, a.reset, "%v", a.fields)
	require.Equal(p.t, code, *a.reset)
}

// requireGoAway expects the connection to end for a reason.
func (p *peer) requireGoAway(code http2.ErrCode) {
	p.t.Helper()
	for {
		_, err := p.step()
		if end := (*goAwayError)(nil); errors.As(err, &end) {
			require.Equal(p.t, code, end.code, end.debug)
			break
		}
		require.NoError(p.t, err)
	}
	_, err := p.fr.ReadFrame()
	require.Error(p.t, err, "the connection is closed behind the GOAWAY")
}

// requireServed expects the connection to be of use.
func (p *peer) requireServed(id uint32) {
	p.t.Helper()
	p.call(id, methodEcho, "still there")
	p.requireEcho(id, "still there")
}

// awaitPing waits until all that was sent before has been handled.
func (p *peer) awaitPing() {
	p.t.Helper()
	data := [8]byte{'b', 'a', 'r', 'r', 'i', 'e', 'r'}
	require.NoError(p.t, p.fr.WritePing(false, data))
	for {
		f, err := p.step()
		require.NoError(p.t, err)
		if ping, ok := f.(*http2.PingFrame); ok && ping.IsAck() && ping.Data == data {
			return
		}
	}
}

// raw sends bytes as they are.
func (p *peer) raw(b ...byte) {
	p.t.Helper()
	_, err := p.nc.Write(b)
	require.NoError(p.t, err)
}

// drain starts to drain the server in the background.
func (h *harness) drain() (done chan error) {
	done = make(chan error, 1)
	go func() { done <- h.srv.Drain(context.Background()) }()
	return done
}
