package lean

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
)

// plainRequest is a request that is not gRPC's.
var plainRequest = []string{":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a"}

// TestWeb serves plain HTTP, of both versions, with and without TLS, on one port.
func TestWeb(t *testing.T) {
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	defer certified.Close()
	pair := certified.TLS.Certificates
	for _, secure := range []bool{false, true} {
		h := startServer(t, func(o *Options, _ *timing) {
			if secure {
				o.TLS = &tls.Config{Certificates: pair}
			}
		})
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprintf("HTTP/%d TLS %v", version, secure), func(t *testing.T) {
				protocols := new(http.Protocols)
				protocols.SetHTTP1(version == 1)
				protocols.SetHTTP2(version == 2 && secure)
				protocols.SetUnencryptedHTTP2(version == 2 && !secure)
				transport := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
				defer transport.CloseIdleConnections()
				client := &http.Client{Transport: transport, Timeout: patience}
				scheme := "http://"
				if secure {
					scheme = "https://"
				}
				body := strings.Repeat("0123456789", 50_000)
				resp, err := client.Post(scheme+h.addr+"/path", "text/plain", strings.NewReader(body))
				require.NoError(t, err)
				got, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, version, resp.ProtoMajor)
				require.Equal(t, "POST /path "+resp.Proto+body, string(got))
				require.Equal(t, fmt.Sprint(secure), resp.Header.Get("X-Secure"))
				resp, err = client.Head(scheme + h.addr + "/path")
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, resp.StatusCode)
				require.Equal(t, "text/plain", resp.Header.Get("Content-Type"))
				resp, err = client.Post(scheme+h.addr+"/test.T/Echo", "text/plain", nil)
				require.NoError(t, err)
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				if version == 1 {
					require.Equal(t, http.StatusHTTPVersionNotSupported, resp.StatusCode)
					require.Contains(t, string(text), "gRPC requires HTTP/2")
				} else {
					require.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode)
				}
			})
		}
	}
}

// TestALPN refuses a peer that negotiates one protocol and speaks another.
func TestALPN(t *testing.T) {
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	defer certified.Close()
	h := startServer(t, func(o *Options, _ *timing) { o.TLS = &tls.Config{Certificates: certified.TLS.Certificates} })
	for protocol, words := range map[string]string{http2.NextProtoTLS: "GET / HTTP/1.1\r\n\r\n\r\n\r\n\r\n", "http/1.1": http2.ClientPreface} {
		nc, err := tls.Dial("tcp", h.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
		require.NoError(t, err)
		require.NoError(t, nc.SetDeadline(time.Now().Add(patience)))
		_, err = io.WriteString(nc, words)
		require.NoError(t, err)
		_, err = io.ReadAll(nc)
		require.NoError(t, err, "the connection is closed")
		require.NoError(t, nc.Close())
	}
	plain, err := net.Dial("tcp", h.addr)
	require.NoError(t, err)
	require.NoError(t, plain.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(plain, http2.ClientPreface)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, plain) // an alert, and the end
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, plain.Close())
}

// handled starts a server whose gRPC requests are served by handler.
func handled(t *testing.T, handler http.HandlerFunc) *harness {
	return startServer(t, func(o *Options, times *timing) { o.GRPC, times.drainAck = handler, time.Millisecond })
}

// TestExchange streams both ways through a handler, beyond all windows.
func TestExchange(t *testing.T) {
	p := startServer(t).dial()
	p.grant(0, 1<<24)
	p.headers(1, false, request("/test.Rest/Echo")...)
	p.grant(1, 1<<24)
	piece := []byte(strings.Repeat("x", 10_000))
	for i := range 300 { // 3 MB, of which 1 MiB may be on the way
		p.data(1, i == 299, piece)
		p.awaitData(1, (i+1)*len(piece)-500_000)
	}
	a := p.await(1)
	require.Nil(t, a.reset)
	require.Len(t, a.data, 300*len(piece))
	require.Equal(t, []string{"200", grpcType, "0"}, []string{a.fields[":status"], a.fields["content-type"], a.fields["grpc-status"]})
}

// TestHandlerEnds checks what the peer and the handler see of each other's end.
func TestHandlerEnds(t *testing.T) {
	ended := make(chan error, 10)
	release := make(chan struct{})
	h := handled(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/test.Rest/Early":
			w.WriteHeader(http.StatusTeapot)
		case "/test.Rest/Panic":
			panic("planted")
		case "/test.Rest/Read":
			_, err := io.ReadAll(r.Body)
			ended <- err
		case "/test.Rest/Write":
			var err error
			for err == nil {
				_, err = w.Write(make([]byte, 1000))
			}
			ended <- err
		case "/test.Rest/Late":
			<-release
			_, err := w.Write([]byte("late"))
			ended <- err
		}
	})
	p := h.dial()
	p.headers(1, false, request("/test.Rest/Early")...)
	require.Equal(t, "418", p.await(1).fields[":status"])
	p.headers(3, false, request("/test.Rest/Panic")...)
	p.requireReset(3, http2.ErrCodeInternal)
	p.headers(5, false, request("/test.Rest/Read")...)
	p.cancel(5)
	require.ErrorIs(t, receive(t, ended, "the handler to see its end"), errCancelled)
	p.headers(7, true, request("/test.Rest/Write")...)
	p.awaitData(7, 1000)
	p.cancel(7)
	require.ErrorIs(t, receive(t, ended, "the handler to see its end"), errCancelled)
	p.headers(9, true, request("/test.Rest/Late")...)
	p.cancel(9)
	p.awaitPing()
	close(release)
	require.Error(t, receive(t, ended, "the handler to see its end"))
	p.grant(0, 1<<20)
	p.headers(13, true, request("/test.Rest/Write")...)
	p.awaitData(13, 1000)
	p.grant(13, 1<<31-1)
	p.grant(13, 1<<31-1) // more than a window may be
	p.requireReset(13, http2.ErrCodeFlowControl)
	require.ErrorIs(t, receive(t, ended, "the handler to see its end"), errCancelled)
	p.headers(15, false, request("/test.Rest/Read")...)
	require.NoError(t, p.nc.Close())
	require.ErrorIs(t, receive(t, ended, "the handler to see its end"), errDisconnected)
}

// TestPadding sends more padding to a handler than the stream's window. It is given
// back, though nobody reads it.
func TestPadding(t *testing.T) {
	p := startServer(t).dial()
	p.headers(1, false, plainRequest...)
	const frames = 1000
	for i := range frames {
		require.NoError(t, p.fr.WriteDataPadded(1, i == frames-1, []byte("x"), make([]byte, 200)))
	}
	a := p.await(1)
	require.Nil(t, a.reset)
	require.Equal(t, "POST / HTTP/2.0"+strings.Repeat("x", frames), string(a.data))
}

// TestLateData sends on when the server has answered early: what its windows allowed is
// ignored, and so is a trailer. More is not.
func TestLateData(t *testing.T) {
	h := handled(t, func(w http.ResponseWriter, r *http.Request) {})
	p := h.dial()
	for id := uint32(1); id < 6; id += 2 {
		p.headers(id, false, request("/test.Rest/Early")...)
		require.Equal(t, "200", p.await(id).fields[":status"])
		p.awaitPing()
	}
	for range 2 * calmFrames {
		p.data(1, false, []byte("on its way"))
	}
	p.data(1, true, nil)
	p.headers(3, true, "x-trailer", "1")
	p.requireServed(7)
	require.Equal(t, http2.ErrCodeNo, *p.stream(1).reset)
	frame := rawFrame(http2.FrameData, 0, 5, strings.Repeat("x", 1000))
	flood(t, h, p, http2.ErrCodeEnhanceYourCalm, 10_000_000, func(int) { p.write(frame) })

	// The same for a stream that was refused.
	h = startServer(t, func(o *Options, _ *timing) { o.MaxConcurrentStreams = 1 })
	p = h.dial()
	p.call(1, methodHeld, "the only one")
	p.call(3, methodEcho, "refused")
	p.requireReset(3, http2.ErrCodeRefusedStream)
	h.nextBegun().answer()
	p.requireEcho(1, "the only one")
	p.requireServed(5)
	require.Equal(t, http2.ErrCodeRefusedStream, *p.stream(3).reset)
}

// TestHandlerEndsLater returns from a handler when all that it has written, and has no
// trailer to, has been sent. The stream ends all the same.
func TestHandlerEndsLater(t *testing.T) {
	release := make(chan struct{})
	p := handled(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "all of it")
		w.(http.Flusher).Flush()
		<-release
	}).dial()
	p.headers(1, true, request("/test.Rest/Slow")...)
	p.awaitData(1, len("all of it"))
	close(release)
	a := p.await(1)
	require.Nil(t, a.reset)
	require.Equal(t, "all of it", string(a.data))
}

// TestContinue asks if a body is wanted. It is when the handler reads it, and the peer is
// told so once; it is not told when the answer has been given.
func TestContinue(t *testing.T) {
	ask := make(chan struct{})
	p := handled(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/test.Rest/Unread" {
			return
		}
		<-ask
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, " "+r.Header.Get("Expect"))
	}).dial()
	p.headers(1, false, request("/test.Rest/Read", "expect", "100-continue")...)
	p.awaitPing()
	require.Empty(t, p.stream(1).fields)
	close(ask)
	for p.stream(1).fields[":status"] == "" {
		_, err := p.step()
		require.NoError(t, err)
	}
	require.Equal(t, "100", p.stream(1).fields[":status"])
	p.data(1, false, []byte("the "))
	p.data(1, true, []byte("body"))
	a := p.await(1)
	require.Equal(t, "200 the body ", a.fields[":status"]+" "+string(a.data))
	p.headers(3, false, request("/test.Rest/Unread", "expect", "100-continue")...)
	require.Equal(t, "200", p.await(3).fields[":status"])
	p.headers(5, true, request("/test.Rest/Read", "expect", "a miracle")...)
	require.Equal(t, " a miracle", string(p.await(5).data))
}

// TestSlowReaderOfHandlers has handlers write to a peer that takes nothing. All together
// keep little, and each goes on when the peer takes more.
func TestSlowReaderOfHandlers(t *testing.T) {
	const handlers, size = 500, 100_000
	blocked := make(chan struct{}, handlers)
	var conn *Conn
	h := startServer(t, func(o *Options, _ *timing) {
		o.MaxConcurrentStreams = handlers
		o.NewSession = func(c *Conn) Session { conn = c; return &testSession{conn: c} }
		o.GRPC = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(make([]byte, exchangeFlush))
			blocked <- struct{}{}
			_, _ = w.Write(make([]byte, size-exchangeFlush))
		})
	})
	p := h.dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for i := range uint32(handlers) {
		p.headers(2*i+1, true, request("/test.Rest/Write")...)
	}
	for range handlers {
		receive(t, blocked, "a handler to write")
	}
	require.Less(t, conn.written.Load(), int64(maxHeld+handlers*exchangeFlush))
	for i := range uint32(handlers / 2) {
		p.cancel(2*i + 1)
	}
	p.grant(0, 1<<30)
	require.NoError(t, p.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	for i := uint32(handlers / 2); i < handlers; i++ {
		require.Len(t, p.await(2*i+1).data, size)
	}
	p.awaitPing()
	require.Zero(t, conn.written.Load())
}

// TestHandlersAreCounted resets streams whose handlers go on: they count against the
// limit until they have returned.
func TestHandlersAreCounted(t *testing.T) {
	running, release := make(chan struct{}, 1000), make(chan struct{})
	h := handled(t, func(http.ResponseWriter, *http.Request) {
		running <- struct{}{}
		<-release
	})
	p := h.dial()
	for i := range uint32(150) {
		p.headers(2*i+1, true, request("/test.Rest/Stubborn")...)
		p.cancel(2*i + 1)
	}
	p.awaitPing()
	for range 100 {
		receive(t, running, "a handler to run")
	}
	require.Empty(t, running)
	close(release)
}

// TestDrainTellsAll has an HTTP/1.1 request under way: others are told of the drain.
func TestDrainTellsAll(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	h := startServer(t, func(o *Options, _ *timing) {
		o.Web = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(entered)
			<-release
		})
	})
	p, old := h.dial(), h.dialBare()
	old.raw([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")...)
	receive(t, entered, "the handler to run")
	done := h.drain()
	for told := false; !told; {
		f, err := p.step()
		require.NoError(t, err)
		_, told = f.(*http2.GoAwayFrame)
	}
	close(release)
	require.NoError(t, p.nc.Close())
	require.NoError(t, receive(t, done, "the server to drain"))
}

// TestDrainOfTheSilent drains with a call under way whose peer does not answer pings any
// more. It is not waited for.
func TestDrainOfTheSilent(t *testing.T) {
	h := startServer(t, func(_ *Options, times *timing) {
		times.pingEvery, times.pingWait = 50*time.Millisecond, 50*time.Millisecond
	})
	p := h.dial()
	p.call(1, methodHeld, "of nobody")
	held := h.nextBegun()
	require.NoError(t, receive(t, h.drain(), "the server to drain"))
	held.answer()
	h.nextDropped()
}

// TestDrainWaitsForHandlers lets a handler finish.
func TestDrainWaitsForHandlers(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	h := handled(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	p := h.dial()
	p.headers(1, true, request("/test.Rest/Slow")...)
	receive(t, entered, "the handler to run")
	done := h.drain()
	for last := uint32(1 << 31); last != 1; {
		f, err := p.step()
		require.NoError(t, err)
		if g, ok := f.(*http2.GoAwayFrame); ok {
			last = g.LastStreamID
		}
	}
	close(release)
	require.Equal(t, "done", string(p.await(1).data))
	_, err := p.step()
	require.Error(t, err)
	require.False(t, errors.Is(err, errDisconnected))
	require.NoError(t, p.nc.Close())
	require.NoError(t, receive(t, done, "the server to drain"))
}
