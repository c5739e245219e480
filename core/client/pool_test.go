package client_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"metastorebench/core/client"
)

// counter counts the calls of each connection, which has a number in its address,
// and holds up the calls of the key "wait" until it is told.
type counter struct {
	etcdserverpb.UnimplementedKVServer
	mu    sync.Mutex
	calls map[string]int
	leave chan struct{}
}

func (c *counter) Put(ctx context.Context, r *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	from, _ := peer.FromContext(ctx)
	c.mu.Lock()
	c.calls[from.Addr.String()]++
	c.mu.Unlock()
	if string(r.Key) == "wait" {
		<-c.leave
	}
	return &etcdserverpb.PutResponse{}, nil
}

// seen returns how many calls each connection has had since it was asked last.
func (c *counter) seen() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = make(map[string]int)
	return calls
}

// network dials a server in memory, and numbers the connections.
type network struct {
	listener *bufconn.Listener
	dials    atomic.Int64
	refuse   atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

// numberedConn has its number for an address at the server's end.
type numberedConn struct {
	net.Conn
	name string
}

func (c numberedConn) RemoteAddr() net.Addr { return name(c.name) }

type name string

func (n name) Network() string { return "memory" }
func (n name) String() string  { return string(n) }

func (n *network) dial(ctx context.Context, _ string) (net.Conn, error) {
	n.dials.Add(1)
	if n.refuse.Load() {
		return nil, errors.New("refused")
	}
	conn, err := n.listener.DialContext(ctx)
	if err == nil {
		n.mu.Lock()
		n.conns = append(n.conns, conn)
		n.mu.Unlock()
	}
	return conn, err
}

// cut breaks the connection that was dialled as the i-th.
func (n *network) cut(i int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.conns[i].Close()
}

// accepted names the server's ends of connections in their order.
type accepted struct {
	net.Listener
	n int
}

func (a *accepted) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	a.n++
	return numberedConn{conn, string(rune('a' + a.n - 1))}, nil
}

// inPool runs a test of a pool of n connections, in a bubble: nothing moves while
// the test waits. first has made all connections be opened, a and so on.
func inPool(t *testing.T, n int, test func(t *testing.T, pool *client.Pool, server *counter, net *network)) {
	synctest.Test(t, func(t *testing.T) {
		server, wire := &counter{leave: make(chan struct{})}, &network{listener: bufconn.Listen(1 << 16)}
		server.seen()
		s := grpc.NewServer()
		etcdserverpb.RegisterKVServer(s, server)
		served := make(chan error, 1)
		go func() { served <- s.Serve(&accepted{Listener: wire.listener}) }()
		pool, err := client.Dial(client.Options{Endpoint: "mem", Conns: n, DialOptions: []grpc.DialOption{grpc.WithContextDialer(wire.dial)}})
		require.NoError(t, err)
		for range n {
			_, err := pool.Handle(0).Put(t.Context(), []byte("k"), nil)
			require.NoError(t, err)
		}
		require.Len(t, server.seen(), n, "connections at rest take turns")
		test(t, pool, server, wire)
		require.NoError(t, pool.Close())
		s.Stop()
		require.NoError(t, <-served)
	})
}

// TestLeastLoaded checks that a call takes the connection with the fewest calls
// under way.
func TestLeastLoaded(t *testing.T) {
	inPool(t, 3, func(t *testing.T, pool *client.Pool, server *counter, _ *network) {
		var waiting sync.WaitGroup
		wait := func(n int) {
			for range n {
				waiting.Go(func() {
					if _, err := pool.Handle(0).Put(t.Context(), []byte("wait"), nil); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
		}
		wait(6)
		require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 2}, server.seen())
		wait(1) // one of them has more now
		require.Len(t, server.seen(), 1)
		wait(2)
		require.Len(t, server.seen(), 2, "and is left out until the others have as many")
		close(server.leave)
		waiting.Wait()
	})
}

// TestStreamsAreSpread checks that an open stream counts as a call under way.
func TestStreamsAreSpread(t *testing.T) {
	inPool(t, 2, func(t *testing.T, pool *client.Pool, server *counter, _ *network) {
		ctx, cancel := context.WithCancel(t.Context())
		// The server does not know the method, but says so only when asked.
		_, err := pool.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/metastore.v1.MetaStore/Pipeline")
		require.NoError(t, err)
		for range 4 {
			_, err := pool.Handle(0).Put(t.Context(), []byte("k"), nil)
			require.NoError(t, err)
		}
		require.Len(t, server.seen(), 1, "the connection with the stream has no call")
		cancel()
		synctest.Wait()
		for range 4 {
			_, err := pool.Handle(0).Put(t.Context(), []byte("k"), nil)
			require.NoError(t, err)
		}
		require.Len(t, server.seen(), 2)
	})
}

// TestFailingConnectionIsLeftOut breaks one connection and lets it not come back:
// calls go to the other one, none fails, and it is tried again with growing
// delays until it succeeds.
func TestFailingConnectionIsLeftOut(t *testing.T) {
	inPool(t, 2, func(t *testing.T, pool *client.Pool, server *counter, wire *network) {
		wire.refuse.Store(true)
		wire.cut(0)
		synctest.Wait()
		dials := wire.dials.Load()
		require.EqualValues(t, 3, dials, "it is opened again without a call")
		for range 10 {
			_, err := pool.Handle(0).Put(t.Context(), []byte("k"), nil)
			require.NoError(t, err)
		}
		require.Equal(t, map[string]int{"b": 10}, server.seen())

		time.Sleep(time.Minute) // of the bubble's time: it costs nothing
		tries := wire.dials.Load() - dials
		require.Greater(t, tries, int64(60/4), "tried at least every 3.6 s")
		require.Less(t, tries, int64(60/2+10), "and after a while not more often than every 2.4 s")
		wire.refuse.Store(false)
		time.Sleep(4 * time.Second)
		for range 4 {
			_, err := pool.Handle(0).Put(t.Context(), []byte("k"), nil)
			require.NoError(t, err)
		}
		require.Equal(t, map[string]int{"b": 2, "c": 2}, server.seen())
	})
}

// TestAllFailing checks that calls fail at once, and that the pool recovers.
func TestAllFailing(t *testing.T) {
	inPool(t, 2, func(t *testing.T, pool *client.Pool, server *counter, wire *network) {
		wire.refuse.Store(true)
		wire.cut(0)
		wire.cut(1)
		synctest.Wait()
		_, err := pool.Handle(0).Put(t.Context(), []byte("k"), nil)
		require.Equal(t, codes.Unavailable, status.Code(err))
		require.ErrorContains(t, err, "refused")
		wire.refuse.Store(false)
		time.Sleep(4 * time.Second)
		_, err = pool.Handle(0).Put(t.Context(), []byte("k"), nil)
		require.NoError(t, err)
	})
}
