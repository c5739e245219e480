package lean

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// FuzzConnection feeds a connection what comes to its mind. The server must neither
// panic, nor keep anything of it, nor fail to end the connection when its peer has.
func FuzzConnection(f *testing.F) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	fields := request(testMethods[methodEcho])
	for i := 0; i < len(fields); i += 2 {
		_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	call := rawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 1, block.String())
	call = append(call, rawFrame(http2.FrameData, http2.FlagDataEndStream, 1, string(framed("x")))...)
	f.Add(call)
	f.Add(rawFrame(http2.FrameHeaders, 0, 1, "\x83\x86\x84\x41\x01a"))
	f.Add(append(rawFrame(http2.FrameSettings, 0, 0, "\x00\x04\x00\x00\x00\x00"), call...))
	f.Add(append(rawFrame(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x01"), appendReset(call, 1, http2.ErrCodeCancel)...))
	f.Add(rawFrame(http2.FramePing, 0, 0, "12345678"))
	f.Fuzz(func(t *testing.T, conversation []byte) {
		h := &harness{t: t, begun: make(chan begun, 1<<16), dropped: make(chan string, 1<<16)}
		srv := New(Options{
			Methods: []string{testMethods[methodEcho]}, Services: []string{"test.T"}, MaxMessageBytes: 1 << 16, MaxConcurrentStreams: 10,
			NewSession: func(c *Conn) Session { return &testSession{h: h, conn: c, messages: make(map[int][]byte)} },
			GRPC:       http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }),
			Web:        http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }),
			ErrorLog:   log.New(panics{t}, "", 0),
		})
		srv.timing.farewell = 0
		ours, theirs := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			srv.greet(theirs)
		}()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		_ = ours.SetWriteDeadline(time.Now().Add(patience))
		_, _ = ours.Write([]byte(http2.ClientPreface))
		_, _ = ours.Write(appendSettings(nil))
		_, _ = ours.Write(conversation)
		_ = ours.Close()
		receive(t, served, "the connection to end")
		for deadline := time.Now().Add(patience); srv.budget.used.Load() != 0; {
			if time.Now().After(deadline) {
				t.Fatalf("%d bytes are kept", srv.budget.used.Load())
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// panics fails the test for what handlers do.
type panics struct{ t *testing.T }

func (p panics) Write(b []byte) (int, error) {
	p.t.Error(string(b))
	return len(b), nil
}
