package client_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/api/apitest"
	"metastorebench/core/client"
	"metastorebench/core/engine"
)

// TestLeanMany has many callers share a connection, with messages small and large.
func TestLeanMany(t *testing.T) {
	for _, lean := range []bool{false, true} {
		c := dialLean(t, listenTCP(t, apitest.New(), lean))
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				h := c.Handle(i)
				for n := range 5 {
					key, value := fmt.Appendf(nil, "%d", i), fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", (n%5)*20_000))
					if _, err := h.Put(t.Context(), key, value); err != nil {
						t.Error(err)
						return
					}
					pair, _, err := h.Get(t.Context(), key)
					if err != nil || string(pair.GetValue()) != string(value) {
						t.Errorf("caller %d, call %d: %d bytes, %v", i, n, len(pair.GetValue()), err)
						return
					}
				}
			})
		}
		callers.Wait()
	}
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
	<-store.entered
	cancel()
	err := <-answered
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		_, _ = nc.Read(make([]byte, len(http2.ClientPreface)))
		fr := http2.NewFramer(nc, nc)
		_ = fr.WriteSettings()
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if data, ok := f.(*http2.DataFrame); ok {
				_ = answer(fr, data.StreamID)
				return
			}
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-served
	})
	return l.Addr().String()
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
