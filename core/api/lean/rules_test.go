package lean

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
)

// rawFrame returns a frame as it goes over the wire.
func rawFrame(kind http2.FrameType, flags http2.Flags, stream uint32, payload string) []byte {
	return append(appendFrameHeader(nil, len(payload), kind, flags, stream), payload...)
}

// TestConnectionFaults breaks rules that end the connection, each on its own.
func TestConnectionFaults(t *testing.T) {
	h := startServer(t)
	ok := "\x83\x86\x84\x41\x01a" // POST, http, /, authority a
	for _, tc := range []struct {
		name  string
		frame []byte
		code  http2.ErrCode
	}{
		{"data on stream 0", rawFrame(http2.FrameData, 0, 0, "x"), http2.ErrCodeProtocol},
		{"data on an idle stream", rawFrame(http2.FrameData, 0, 1, "x"), http2.ErrCodeProtocol},
		{"data without a pad length", rawFrame(http2.FrameData, http2.FlagDataPadded, 1, ""), http2.ErrCodeFrameSize},
		{"more padding than payload", rawFrame(http2.FrameHeaders, http2.FlagHeadersPadded|http2.FlagHeadersEndHeaders, 1, "\x09x"), http2.ErrCodeProtocol},
		{"headers on stream 0", rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 0, ok), http2.ErrCodeProtocol},
		{"headers on an even stream", rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 2, ok), http2.ErrCodeProtocol},
		{"a short priority in headers", rawFrame(http2.FrameHeaders, http2.FlagHeadersPriority|http2.FlagHeadersEndHeaders, 1, "abc"), http2.ErrCodeFrameSize},
		{"a block that is no HPACK", rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff\xff"), http2.ErrCodeCompression},
		{"a block cut short", rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\x40\x05ab"), http2.ErrCodeCompression},
		{"an entry that does not exist", rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\xfe"), http2.ErrCodeCompression},
		{"a table above the bound", rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, "\x3f\xff\xff\x03"), http2.ErrCodeCompression},
		{"a block that is not continued", append(rawFrame(http2.FrameHeaders, 0, 1, ok), rawFrame(http2.FramePing, 0, 0, "12345678")...), http2.ErrCodeProtocol},
		{"a block continued elsewhere", append(rawFrame(http2.FrameHeaders, 0, 1, ok), rawFrame(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 3, "")...), http2.ErrCodeProtocol},
		{"a continuation of nothing", rawFrame(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, ""), http2.ErrCodeProtocol},
		{"a priority of stream 0", rawFrame(http2.FramePriority, 0, 0, "12345"), http2.ErrCodeProtocol},
		{"a reset of stream 0", rawFrame(http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x08"), http2.ErrCodeProtocol},
		{"a reset of an idle stream", rawFrame(http2.FrameRSTStream, 0, 1, "\x00\x00\x00\x08"), http2.ErrCodeProtocol},
		{"settings of a stream", rawFrame(http2.FrameSettings, 0, 1, ""), http2.ErrCodeProtocol},
		{"settings of 5 bytes", rawFrame(http2.FrameSettings, 0, 0, "12345"), http2.ErrCodeFrameSize},
		{"an acknowledgement with settings", rawFrame(http2.FrameSettings, http2.FlagSettingsAck, 0, "123456"), http2.ErrCodeFrameSize},
		{"push neither on nor off", rawFrame(http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02"), http2.ErrCodeProtocol},
		{"an initial window of 2^31", rawFrame(http2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00"), http2.ErrCodeFlowControl},
		{"frames of 16383 bytes", rawFrame(http2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x3f\xff"), http2.ErrCodeProtocol},
		{"frames of 2^24 bytes", rawFrame(http2.FrameSettings, 0, 0, "\x00\x05\x01\x00\x00\x00"), http2.ErrCodeProtocol},
		{"a push promise", rawFrame(http2.FramePushPromise, 0, 1, "\x00\x00\x00\x02"), http2.ErrCodeProtocol},
		{"a ping on a stream", rawFrame(http2.FramePing, 0, 1, "12345678"), http2.ErrCodeProtocol},
		{"a ping of 7 bytes", rawFrame(http2.FramePing, 0, 0, "1234567"), http2.ErrCodeFrameSize},
		{"a goaway on a stream", rawFrame(http2.FrameGoAway, 0, 1, "12345678"), http2.ErrCodeProtocol},
		{"a goaway of 7 bytes", rawFrame(http2.FrameGoAway, 0, 0, "1234567"), http2.ErrCodeFrameSize},
		{"a window update of 3 bytes", rawFrame(http2.FrameWindowUpdate, 0, 0, "123"), http2.ErrCodeFrameSize},
		{"a window update of nothing", rawFrame(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), http2.ErrCodeProtocol},
		{"a window update of an idle stream", rawFrame(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		{"a window above 2^31-1", rawFrame(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), http2.ErrCodeFlowControl},
		{"a frame above 16 KiB", rawFrame(http2.FrameData, 0, 1, strings.Repeat("x", maxFrameBytes+1)), http2.ErrCodeFrameSize},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := h.dial()
			p.t = t
			p.raw(tc.frame...)
			p.requireGoAway(tc.code)
		})
	}
	h.dial().requireServed(1)
}

// TestNoSettings speaks before the settings.
func TestNoSettings(t *testing.T) {
	p := startServer(t).dialBare()
	p.raw([]byte(http2.ClientPreface)...)
	p.raw(rawFrame(http2.FramePing, 0, 0, "12345678")...)
	p.requireGoAway(http2.ErrCodeProtocol)
	p = startServer(t).dialBare()
	p.raw([]byte(http2.ClientPreface)...)
	p.raw(rawFrame(http2.FrameSettings, http2.FlagSettingsAck, 0, "")...)
	p.requireGoAway(http2.ErrCodeProtocol)
}

// TestReuse opens streams that were opened before.
func TestReuse(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	p.requireServed(3)
	p.awaitPing()
	p.headers(1, true, request("/")...)
	p.requireGoAway(http2.ErrCodeProtocol)

	p = h.dial()
	p.requireServed(3)
	p.awaitPing()
	p.awaitPing()
	p.headers(3, true, request("/")...)
	p.requireGoAway(http2.ErrCodeStreamClosed)

	p = h.dial()
	p.call(1, methodHeld, "half closed")
	p.headers(1, true, request("/")...)
	p.requireGoAway(http2.ErrCodeStreamClosed)
}

// TestStreamFaults breaks rules that end a stream; the connection goes on.
func TestStreamFaults(t *testing.T) {
	h := startServer(t)
	p := h.dial()
	id := uint32(1)
	fault := func(name string, code http2.ErrCode, do func()) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			p.t = t
			do()
			p.requireReset(id, code)
			p.requireServed(id + 2)
			id += 4
		})
	}
	echo := func() { p.headers(id, false, request(testMethods[methodEcho])...) }
	fault("data behind the end", http2.ErrCodeStreamClosed, func() {
		p.call(id, methodHeld, "x")
		p.data(id, true, framed("y"))
	})
	fault("a window update of nothing", http2.ErrCodeProtocol, func() {
		echo()
		p.raw(rawFrame(http2.FrameWindowUpdate, 0, id, "\x00\x00\x00\x00")...)
	})
	fault("a window above 2^31-1", http2.ErrCodeFlowControl, func() {
		echo()
		p.raw(rawFrame(http2.FrameWindowUpdate, 0, id, "\x7f\xff\xff\xff")...)
	})
	fault("more than the window", http2.ErrCodeFlowControl, func() {
		p.headers(id, false, request("/test.Rest/Hold")...)
		p.data(id, false, make([]byte, 4<<20))
	})
	fault("a priority of 4 bytes", http2.ErrCodeFrameSize, func() {
		echo()
		p.raw(rawFrame(http2.FramePriority, 0, id, "1234")...)
	})
	fault("a priority on itself", http2.ErrCodeProtocol, func() {
		echo()
		p.raw(rawFrame(http2.FramePriority, 0, id, string(binary.BigEndian.AppendUint32(nil, id))+"x")...)
	})
	fault("headers that depend on themselves", http2.ErrCodeProtocol, func() {
		require.NoError(p.t, p.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(request(testMethods[methodEcho])...),
			EndHeaders: true, Priority: http2.PriorityParam{StreamDep: id}}))
	})
	for _, fields := range [][]string{
		{":method", "POST", ":scheme", "http", ":authority", "a"},
		{":method", "POST", ":path", "/", ":authority", "a"},
		{":scheme", "http", ":path", "/", ":authority", "a"},
		{":method", "POST", ":scheme", "http", ":path", "", ":authority", "a"},
		{":method", "CONNECT", ":scheme", "http", ":path", "/", ":authority", "a"},
		request("/", ":unknown", "1"),
		append(plainRequest[:8:8], ":authority", "b"),
		request("/", ":method", "GET"),
		append([]string{":method", "POST", ":method", "POST"}, request("/")[2:]...),
		request("/", "Upper", "case"),
		request("/", "not a token", "1"),
		request("/", "x", "line\nbreak"),
		request("/", "connection", "close"),
		request("/", "transfer-encoding", "chunked"),
		request("/", "upgrade", "x"),
		request("/", "te", "gzip"),
		request("/", "content-length", "many"),
		request("/", "content-length", "1", "content-length", "2"),
		request("/", "content-length", "1"), // of a request that has ended
	} {
		fault(fmt.Sprint("a request with ", fields[len(fields)-2:]), http2.ErrCodeProtocol, func() { p.headers(id, true, fields...) })
	}
	for _, body := range []string{"", "longer"} {
		fault(fmt.Sprintf("content-length 3 of %q", body), http2.ErrCodeProtocol, func() {
			p.headers(id, false, request(testMethods[methodEcho], "content-length", "3")...)
			p.data(id, true, []byte(body))
		})
	}
}

// TestRefusedRequests checks requests that grpc-go answers by their head.
func TestRefusedRequests(t *testing.T) {
	p := startServer(t).dial()
	id := uint32(1)
	for _, tc := range []struct {
		fields     []string
		httpStatus int
		code       codes.Code
		text       string
	}{
		{[]string{":method", "GET", ":scheme", "http", ":path", "/test.T/Echo", ":authority", "a", "content-type", grpcType}, http.StatusMethodNotAllowed, codes.Internal, `:method "GET" which should be POST`},
		{[]string{":method", "POST", ":scheme", "http", ":path", "/test.T/Echo", "content-type", grpcType}, http.StatusBadRequest, codes.Internal, "no host or :authority"},
		{request("/test.T/Echo", "host", "a", "host", "b"), http.StatusBadRequest, codes.Internal, "num values of host: 2"},
		{request("/test.T/Echo", "x-bin", "???"), http.StatusBadRequest, codes.Internal, "malformed binary metadata"},
		{[]string{":method", "POST", ":scheme", "http", ":path", "/test.T/Echo", ":authority", "a", "content-type", "text/plain"}, http.StatusUnsupportedMediaType, codes.InvalidArgument, `invalid gRPC request content-type "text/plain"`},
		{[]string{":method", "POST", ":scheme", "http", ":path", "/test.T/Echo", ":authority", "a"}, http.StatusUnsupportedMediaType, codes.InvalidArgument, `invalid gRPC request content-type ""`},
	} {
		for _, end := range []bool{true, false} {
			p.headers(id, end, tc.fields...)
			p.requireStatus(id, tc.code, tc.text)
			require.Equal(t, fmt.Sprint(tc.httpStatus), p.stream(id).fields[":status"])
			id += 2
		}
	}
	p.requireServed(id)
}

// TestPeerSettings checks that the server keeps to what the peer asks for.
func TestPeerSettings(t *testing.T) {
	p := startServer(t).dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
	p.fr.ReadMetaHeaders.SetAllowedMaxDynamicTableSize(0)
	p.call(1, methodLarge, "95")
	p.awaitData(1, 10)
	require.NoError(t, p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 30}))
	p.awaitData(1, 30)
	require.NoError(t, p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 20}))
	require.NoError(t, p.fr.WriteWindowUpdate(1, 5)) // 5 below what was sent
	p.awaitPing()
	require.Len(t, p.stream(1).data, 30)
	p.grant(1, 25)
	p.awaitData(1, 50)
	require.NoError(t, p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
	require.Len(t, p.await(1).data, 100)
	for id := uint32(3); id < 9; id += 2 {
		p.requireServed(id)
	}

	// The connection's window holds up all streams, and lets them go in turn.
	p = startServer(t).dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
	for id := uint32(1); id < 9; id += 2 {
		p.call(id, methodLarge, "30000")
	}
	got := func() (n int) {
		for _, a := range p.streams {
			n += len(a.data)
		}
		return n
	}
	for got() < streamWindow {
		_, err := p.step()
		require.NoError(t, err)
	}
	p.awaitPing()
	require.Equal(t, streamWindow, got())
	p.grant(0, 1<<20)
	for id := uint32(1); id < 9; id += 2 {
		require.Len(t, p.await(id).data, 30_005)
	}
}

// TestSmallTable checks that a peer whose table is smaller than usual is told the size
// that is used, once, and that nothing is added to a table that is too small.
func TestSmallTable(t *testing.T) {
	for _, size := range []uint32{0, 64, uint32(entriesBytes), 1000, 4095} {
		var h heads
		limit := func(d *hpack.Decoder) { d.SetAllowedMaxDynamicTableSize(size) }
		first := h.appendOK(h.appendHead(nil, 1), 1)
		h.limitTable(5000)
		h.limitTable(size)
		h.limitTable(4096) // a larger one again, which is not made use of
		told := h.appendHead(nil, 3)[frameHeaderBytes:]
		require.Equal(t, byte(tableSize), told[0]&0xe0, "%d", size)
		d := hpack.NewDecoder(4096, nil)
		blocks := [][]byte{first[frameHeaderBytes : frameHeaderBytes+int(first[2])], first[2*frameHeaderBytes+int(first[2]):],
			told, h.appendOK(nil, 3)[frameHeaderBytes:], h.appendHead(nil, 5)[frameHeaderBytes:]}
		for i, block := range blocks {
			fields, err := d.DecodeFull(block)
			require.NoError(t, err)
			require.Equal(t, i%2 == 1, fields[0].Name == "grpc-status", "%v", fields)
			if i == 1 {
				limit(d) // from which on a larger one is an error
			}
			if i > 2 {
				require.NotEqual(t, byte(tableSize), block[0]&0xe0)
			}
		}
	}
	var h heads
	h.limitTable(4096)
	require.NotEqual(t, byte(tableSize), h.appendHead(nil, 1)[frameHeaderBytes]&0xe0)
}

// TestManySettings checks what a frame full of settings comes to: the last of each kind,
// and the smallest table. A frame does not make more work than that.
func TestManySettings(t *testing.T) {
	var payload []byte
	add := func(id http2.SettingID, value uint32) {
		payload = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(payload, uint16(id)), value)
	}
	for i := range uint32(900) {
		add(http2.SettingInitialWindowSize, i)
		add(http2.SettingHeaderTableSize, (i+450)%900)
		add(0x99, i) // unknown
	}
	c := &Conn{}
	require.NoError(t, c.takeSettings(payload))
	require.Equal(t, []event{
		{kind: evSetting, id: uint32(http2.SettingHeaderTableSize), n: 0},
		{kind: evSetting, id: uint32(http2.SettingInitialWindowSize), n: 899},
		{kind: evSettingsAck},
	}, c.batch)
	p := startServer(t).dial()
	p.raw(rawFrame(http2.FrameSettings, 0, 0, string(payload))...)
	p.requireServed(1)
}
