package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// gate stands before a member's peer port and lets its peers through. While it is
// shut, nothing arrives at the member and nothing of its answers at its peers, but
// no connection breaks; later all arrives after all, late.
type gate struct {
	url, behind string

	mu    sync.Mutex
	moved *sync.Cond
	shut  bool
	conns []net.Conn
}

func newGate(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{url: "http://" + l.Addr().String(), behind: freeURL(t)}
	g.moved = sync.NewCond(&g.mu)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { g.serve(from) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		g.set(false)
		g.mu.Lock()
		for _, c := range g.conns {
			_ = c.Close()
		}
		g.mu.Unlock()
		work.Wait()
	})
	return g
}

// set shuts the gate or opens it.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	g.moved.Broadcast()
}

func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.shut {
		g.moved.Wait()
	}
}

func (g *gate) serve(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", strings.TrimPrefix(g.behind, "http://"))
	if err != nil {
		return // the member is down
	}
	defer to.Close()
	g.mu.Lock()
	g.conns = append(g.conns, from, to)
	g.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { g.copy(to, from) })
	both.Go(func() { g.copy(from, to) })
	both.Wait()
}

// copy ends both connections when either ends.
func (g *gate) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		g.pass()
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// newGatedFleet is newFleet with a gate before every member.
func newGatedFleet(t *testing.T, size int, args ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, args: args}
	for i := range size {
		g := newGate(t)
		f.members = append(f.members, &fleetMember{name: fmt.Sprint("m", i), dir: t.TempDir(), peerURL: g.url, gate: g})
	}
	f.launchAll()
	return f
}

// TestOneWayPartition: a leader that its peers hear and that hears none of them
// gives up, and the others elect one whom they hear. What was under way arrives
// when the link is back, long after its time.
func TestOneWayPartition(t *testing.T) {
	for _, args := range [][]string{{"--link-delay=0s"}, {"--link-delay=5ms"}, {"--link-delay=5ms", "--pipeline=on"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			f := newGatedFleet(t, 3, args...)
			l := newLedger()
			ctx, stop := context.WithCancel(t.Context())
			load := l.load(ctx, f.client(), 8)
			for range 3 {
				l.awaitMore(t, 100)
				old := f.leader()
				old.gate.set(true)
				f.leader(f.others(old)...)
				l.awaitMore(t, 100)
				old.gate.set(false)
			}
			l.awaitMore(t, 100)
			stop()
			load.Wait()
			for _, m := range f.members {
				l.require(t, f.client(m))
			}
		})
	}
}

// sent is told of each request that a client has handed to its connection.
type sent chan struct{}

func (sent) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sent) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sent) HandleConn(context.Context, stats.ConnStats)                       {}
func (s sent) HandleRPC(_ context.Context, what stats.RPCStats) {
	if _, ok := what.(*stats.OutPayload); ok {
		select {
		case s <- struct{}{}:
		default:
		}
	}
}

// TestPausedLeader stops a leader's process for longer than an election takes, and
// asks it, while it is stopped, for what the others have written since: when it
// wakes up, it answers with no less than had been acknowledged before it was asked.
func TestPausedLeader(t *testing.T) {
	for _, read := range []string{"readindex", "lease"} {
		t.Run(read, func(t *testing.T) {
			f := newFleet(t, 3, "--read", read)
			l := newLedger()
			for range 3 {
				old := f.leader()
				requests := make(sent, 1)
				asked := f.clientWith([]grpc.DialOption{grpc.WithStatsHandler(requests)}, old)
				ctx, stop := context.WithCancel(t.Context())
				load := l.load(ctx, f.client(f.others(old)...), 4)
				l.awaitMore(t, 50)
				l.require(t, asked) // so that it has a lease
				require.NoError(t, old.cmd.Process.Signal(syscall.SIGSTOP))
				f.leader(f.others(old)...)
				l.awaitMore(t, 50)
				stop()
				load.Wait()

				for len(requests) > 0 {
					<-requests
				}
				woken := make(chan error)
				go func() {
					<-requests
					woken <- old.cmd.Process.Signal(syscall.SIGCONT)
				}()
				l.require(t, asked)
				require.NoError(t, <-woken)
			}
		})
	}
}
