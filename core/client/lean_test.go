package client_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/client"
	"metastorebench/core/engine"
)

// TestLeanMany has many callers share a connection, with messages small and large.
func TestLeanMany(t *testing.T) {
	for _, lean := range []bool{false, true} {
		c := dialLean(t, listenTCP(t, apitest.New(), lean))
		var callers errgroup.Group
		for i := range 100 {
			callers.Go(func() error { return putAndGet(t.Context(), c.Handle(i), i) })
		}
		ended := make(chan error, 1)
		go func() { ended <- callers.Wait() }()
		require.NoError(t, receive(t, ended, "the callers to end"))
	}
}

// putAndGet puts values of many sizes under one key, and gets them back.
func putAndGet(ctx context.Context, h client.KV, caller int) error {
	for n := range 5 {
		key, value := fmt.Appendf(nil, "%d", caller), fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", (n%5)*20_000))
		if _, err := h.Put(ctx, key, value); err != nil {
			return err
		}
		pair, _, err := h.Get(ctx, key)
		if err != nil || string(pair.GetValue()) != string(value) {
			return fmt.Errorf("caller %d, call %d: %d bytes, %w", caller, n, len(pair.GetValue()), err)
		}
	}
	return nil
}

// receive returns what comes from a channel, or fails the test when nothing has come.
func receive[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	const patience = time.Minute
	select {
	case v = <-from:
	case <-time.After(patience):
		require.FailNow(t, "a wait without end", "waited %v for %s", patience, what)
	}
	return v
}

// TestLeanCancelled gives up: before a call, and during one. The connection goes on.
func TestLeanCancelled(t *testing.T) {
	store := &stalled{Store: apitest.New(), entered: make(chan struct{}), leave: make(chan struct{})}
	h := dialLean(t, listenTCP(t, store, true)).Handle(0)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		_, _, err := h.Get(ctx, []byte("k"))
		answered <- err
	}()
	receive(t, store.entered, "the call to reach the store")
	cancel()
	err := receive(t, answered, "the caller to be told")
	require.Equal(t, codes.Canceled, status.Code(err))
	require.True(t, client.Unknown(err))
	close(store.leave)
	_, err = h.Put(t.Context(), []byte("k"), []byte("v"))
	require.NoError(t, err)
}

// TestLeanNobody dials where nobody is, then where somebody is again.
func TestLeanNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	h := dialLean(t, l.Addr().String()).Handle(0)
	_, err = h.Put(t.Context(), []byte("k"), nil)
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.False(t, client.Unknown(err), "nothing was sent: %v", err)
	for _, bad := range []client.Options{{}, {Endpoint: "a:1", Conns: -1}} {
		_, err := client.DialLean(bad)
		require.ErrorIs(t, err, client.ErrOptions)
	}
}

// TestLeanServerFaults has a server end a call in every way that there is, and checks
// if the caller may take it for not done.
func TestLeanServerFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		answer  func(fr *http2.Framer, id uint32) error
		code    codes.Code
		text    string
		unknown bool
	}{
		"refused":  {func(fr *http2.Framer, id uint32) error { return fr.WriteRSTStream(id, http2.ErrCodeRefusedStream) }, codes.Unavailable, "refused", false},
		"reset":    {func(fr *http2.Framer, id uint32) error { return fr.WriteRSTStream(id, http2.ErrCodeInternal) }, codes.Internal, "INTERNAL_ERROR", true},
		"gone":     {func(fr *http2.Framer, _ uint32) error { return fr.WriteGoAway(0, http2.ErrCodeNo, nil) }, codes.Unavailable, "went away", false},
		"too late": {func(fr *http2.Framer, id uint32) error { return fr.WriteGoAway(id, http2.ErrCodeNo, nil) }, codes.Unavailable, "broke", true},
		"no HPACK": {func(fr *http2.Framer, id uint32) error {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, EndHeaders: true})
		}, codes.Unavailable, "broke", true},
		"no status": {func(fr *http2.Framer, id uint32) error {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}, EndHeaders: true, EndStream: true})
		}, codes.Unknown, `HTTP status "200"`, true},
		"half a message": {func(fr *http2.Framer, id uint32) error {
			if err := fr.WriteData(id, false, binary.BigEndian.AppendUint32([]byte{0}, 9)); err != nil {
				return err
			}
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte("\x88\x00\x0bgrpc-status\x010"), EndHeaders: true, EndStream: true})
		}, codes.Internal, "not one plain message", true},
	} {
		t.Run(name, func(t *testing.T) {
			h := dialLean(t, faultyServer(t, tc.answer)).Handle(0)
			_, err := h.Put(t.Context(), []byte("k"), []byte("v"))
			require.Equal(t, tc.code, status.Code(err), "%v", err)
			require.ErrorContains(t, err, tc.text)
			require.Equal(t, tc.unknown, client.Unknown(err))
		})
	}
}

// faultyServer answers the first call of a connection, and closes it.
func faultyServer(t *testing.T, answer func(fr *http2.Framer, id uint32) error) (endpoint string) {
	return scriptedServer(t, func(fr *http2.Framer) {
		_ = fr.WriteSettings()
		if id, err := nextCall(fr); err == nil {
			_ = answer(fr, id)
		}
	})
}

// nextCall reads to the end of a call's request.
func nextCall(fr *http2.Framer) (id uint32, err error) {
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return 0, err
		}
		if data, ok := f.(*http2.DataFrame); ok {
			return data.StreamID, nil
		}
	}
}

// answerOK answers a call with an empty message.
func answerOK(fr *http2.Framer, id uint32) error {
	return errors.Join(
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}, EndHeaders: true}),
		fr.WriteData(id, false, make([]byte, 5)),
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte("\x00\x0bgrpc-status\x010"), EndHeaders: true, EndStream: true}),
	)
}

// scriptedServer serves connections one after another. Each is closed when serve, which
// comes in behind the preface, has returned.
func scriptedServer(t *testing.T, serve func(fr *http2.Framer)) (endpoint string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			_ = nc.SetDeadline(time.Now().Add(time.Minute)) // a test that fails does not hang
			_, _ = io.ReadFull(nc, make([]byte, len(http2.ClientPreface)))
			serve(http2.NewFramer(nc, nc))
			_ = nc.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		receive(t, served, "the server to end")
	})
	return l.Addr().String()
}

// TestLeanDrained is told that a connection takes no more calls. The one under way is
// answered, the connection is closed behind it, and the next call opens another.
func TestLeanDrained(t *testing.T) {
	ends := make(chan error, 2)
	h := dialLean(t, scriptedServer(t, func(fr *http2.Framer) {
		id, err := nextCall(fr)
		err = errors.Join(err, fr.WriteSettings(), fr.WriteGoAway(id, http2.ErrCodeNo, nil), answerOK(fr, id))
		for err == nil {
			_, err = fr.ReadFrame()
		}
		ends <- err
	})).Handle(0)
	for range 2 {
		_, err := h.Put(t.Context(), []byte("k"), []byte("v"))
		require.NoError(t, err)
		require.ErrorIs(t, receive(t, ends, "the client to close"), io.EOF)
	}
}

// TestLeanStreams has more callers than the server takes streams. None is refused: not
// with one stream, by either server, and not when there is none for a while.
func TestLeanStreams(t *testing.T) {
	for _, lean := range []bool{false, true} {
		_, addr := apitest.ServeTCP(t, apitest.New(), api.ServerOptions{Lean: lean, Limits: api.Limits{MaxConcurrentStreams: 1}})
		c := dialLean(t, addr.String())
		callAll(t, c, 1) // from which on both connections know the limit
		callAll(t, c, 20)
	}
	none, goOn := make(chan struct{}), make(chan struct{})
	c := dialLean(t, scriptedServer(t, func(fr *http2.Framer) {
		id, err := nextCall(fr)
		err = errors.Join(err, fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0}), awaitAck(fr), answerOK(fr, id))
		close(none)
		<-goOn
		err = errors.Join(err, fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1}))
		for err == nil {
			if id, err = nextCall(fr); err == nil {
				err = answerOK(fr, id)
			}
		}
	}))
	defer close(goOn)
	h := c.Handle(0)
	_, err := h.Put(t.Context(), []byte("k"), nil)
	require.NoError(t, err)
	receive(t, none, "the server to take none")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = h.Put(ctx, []byte("k"), nil)
	require.ErrorContains(t, err, "deadline exceeded")
	require.False(t, client.Unknown(err), "it was not sent")
}

func awaitAck(fr *http2.Framer) error {
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return err
		}
		if s, ok := f.(*http2.SettingsFrame); ok && s.IsAck() {
			return nil
		}
	}
}

// callAll has so many callers on each of two connections make calls, all of which work.
func callAll(t *testing.T, c *client.Lean, callers int) {
	t.Helper()
	var group errgroup.Group
	for i := range 2 * callers {
		h := c.Handle(i)
		group.Go(func() error {
			for range 20 {
				if _, err := h.Put(t.Context(), []byte("k"), []byte("v")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	require.NoError(t, receive(t, ended, "the callers to end"))
}

// stalled holds reads up.
type stalled struct {
	*apitest.Store
	entered, leave chan struct{}
}

func (s *stalled) Read(ctx context.Context, serializable bool, fn func(engine.Reader) error) error {
	select {
	case s.entered <- struct{}{}:
	case <-s.leave:
	}
	<-s.leave
	return s.Store.Read(ctx, serializable, fn)
}
