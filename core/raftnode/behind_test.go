package raftnode_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/kv"
	"metastorebench/core/propose"
	"metastorebench/core/transport"
	"metastorebench/core/wal"
)

// gate is a policy behind the loop whose saves a test can hold up.
type gate struct {
	syncPerReady
	over   <-chan struct{} // the test has ended: hold nothing up
	closed atomic.Bool
	began  chan int   // the number of entries of a save that is held up
	goOn   chan error // what the save fails with, or nil
}

func newGate(t *testing.T) *gate {
	return &gate{over: t.Context().Done(), began: make(chan int), goOn: make(chan error)}
}

func (*gate) AcknowledgesFirst() bool { return false }

func (g *gate) Save(l wal.Target, hs *wal.HardState, entries []wal.Entry) error {
	if g.closed.Load() {
		select {
		case g.began <- len(entries):
			select {
			case err := <-g.goOn:
				if err != nil {
					return err
				}
			case <-g.over:
			}
		case <-g.over:
		}
	}
	return g.syncPerReady.Save(l, hs, entries)
}

// admitted is a context that tells when Do begins to wait for its end, which it
// does after it has admitted its command.
type admitted struct {
	context.Context
	waits chan struct{}
	once  sync.Once
}

func (a *admitted) Done() <-chan struct{} {
	a.once.Do(func() { close(a.waits) })
	return a.Context.Done()
}

// TestUncommittedIsBounded: while the log does not get on, a leader takes no more
// than so much, and says of the rest that it has not happened.
func TestUncommittedIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		c := startCluster(t, 1, &cluster{policy: g, uncommitted: 64 << 10})
		r := c.replicas[0]
		c.put(r, "before")
		g.closed.Store(true)
		var callers sync.WaitGroup
		var refused, taken atomic.Int64
		full := make(chan struct{}, 1)
		for i := range 2 * propose.Crowd {
			callers.Go(func() {
				key := fmt.Sprintf("%01000d", i)
				_, err := r.proposer.Do(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte(key)}})
				switch {
				case err == nil:
					taken.Add(1)
				case errors.Is(err, kv.ErrDropped) && !kv.Unknown(err):
					refused.Add(1)
					select {
					case full <- struct{}{}:
					default:
					}
				default:
					t.Errorf("put %d: %v", i, err)
				}
			})
		}
		<-g.began
		<-full
		g.closed.Store(false)
		g.goOn <- nil
		callers.Wait()
		require.EqualValues(t, 2*propose.Crowd, refused.Load()+taken.Load())
		require.Positive(t, taken.Load())
		c.put(r, "after")
	})
}

// TestTheLoopGoesOnDuringASync holds up a sync: meanwhile reads are answered and
// commands taken, the write that is being synced is not applied, and the next
// sync takes all that came.
func TestTheLoopGoesOnDuringASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		c := newCluster(t, 1, g, 0)
		r := c.replicas[0]
		c.put(r, "before")

		var callers sync.WaitGroup
		put := func(key string) {
			ctx := &admitted{Context: t.Context(), waits: make(chan struct{})}
			callers.Go(func() {
				if _, err := r.proposer.Do(ctx, &kv.Command{Put: &kv.PutRequest{Key: []byte(key)}}); err != nil {
					t.Errorf("put %s: %v", key, err)
				}
			})
			<-ctx.waits
		}
		g.closed.Store(true)
		put("first")
		require.Equal(t, 1, <-g.began)
		for i := range 5 {
			put(fmt.Sprint("later ", i))
		}
		require.NoError(t, r.node.LinearizableRead(t.Context()))
		require.True(t, r.has("before"))
		require.False(t, r.has("first"), "applied before its sync")

		g.goOn <- nil
		require.Equal(t, 5, <-g.began, "entries of the next sync")
		g.closed.Store(false)
		g.goOn <- nil
		callers.Wait()
		c.requireEverywhere("first", "later 0", "later 4")
	})
}

// TestFailedSync fails a sync while a command, and a compaction, wait behind it:
// the node stops, nothing is acknowledged or applied, and nobody waits for ever.
func TestFailedSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t)
		c := &cluster{t: t, policy: g, net: transport.NewNetwork(1), fails: true}
		r := &replica{id: 1, fs: vfs.NewCrashableMem()}
		c.replicas = []*replica{r}
		c.start(r)
		t.Cleanup(r.stop)
		c.put(r, "before")

		g.closed.Store(true)
		results := make(chan error, 2)
		for _, key := range []string{"first", "behind it"} {
			ctx := &admitted{Context: t.Context(), waits: make(chan struct{})}
			go func() {
				_, err := r.proposer.Do(ctx, &kv.Command{Put: &kv.PutRequest{Key: []byte(key)}})
				results <- err
			}()
			<-ctx.waits
			if key == "first" {
				require.Equal(t, 1, <-g.began)
			}
		}
		compacted := make(chan error, 1)
		go func() { compacted <- r.node.Compact(t.Context(), wal.SnapshotMark{Index: 1, Term: 1}, 0) }()

		broken := errors.New("device error")
		g.goOn <- broken
		for range 2 {
			err := <-results
			require.ErrorIs(t, err, kv.ErrStopped)
			require.ErrorIs(t, err, broken)
			require.True(t, kv.Unknown(err))
		}
		require.Error(t, <-compacted)
		require.ErrorIs(t, r.node.LinearizableRead(t.Context()), broken)
		require.True(t, r.has("before"))
		require.False(t, r.has("first"))
	})
}

// TestLinger: a sync waits for what comes within the linger, and no longer.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const linger = 10 * time.Millisecond
		g := newGate(t)
		c := newCluster(t, 1, g, linger)
		r := c.replicas[0]
		c.put(r, "before")

		began := time.Now() // the bubble's clock stands still unless all wait
		var callers sync.WaitGroup
		for i := range 3 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * linger / 3)
				if _, err := r.proposer.Do(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: fmt.Append(nil, i)}}); err != nil {
					t.Errorf("put %d: %v", i, err)
				}
			})
		}
		g.closed.Store(true)
		require.Equal(t, 3, <-g.began, "entries of the sync")
		require.Equal(t, linger, time.Since(began))
		g.closed.Store(false)
		g.goOn <- nil
		callers.Wait()
	})
}

// TestVotesWaitForTheLog asks a replica for its vote and holds up the sync that
// the vote needs: its heartbeats are answered, but the vote is not given before it
// is on disk.
func TestVotesWaitForTheLog(t *testing.T) {
	g := newGate(t)
	g.closed.Store(true)
	c := &cluster{t: t, policy: g, net: transport.NewNetwork(1)}
	for id := range uint64(3) {
		c.replicas = append(c.replicas, &replica{id: id + 1, fs: vfs.NewCrashableMem()})
	}
	r := c.replicas[0] // the test plays the others' part
	answers := make(chan raftpb.MessageType, 100)
	leave := c.net.Join(2, func(m *raftpb.Message) {
		if kind := m.GetType(); kind == raftpb.MsgVoteResp && !m.GetReject() || kind == raftpb.MsgHeartbeatResp {
			answers <- kind
		}
	})
	c.start(r)
	t.Cleanup(func() {
		r.stop()
		leave()
	})
	ask := func(kind raftpb.MessageType) {
		require.NoError(t, r.node.Step(t.Context(), &raftpb.Message{
			Type: kind.Enum(), From: new(uint64(2)), To: new(uint64(1)), Term: new(uint64(5)), Index: new(uint64(1)), LogTerm: new(uint64(1)),
		}))
	}
	ask(raftpb.MsgVote)
	require.Zero(t, <-g.began, "the vote's save has no entries")
	ask(raftpb.MsgHeartbeat)
	require.Equal(t, raftpb.MsgHeartbeatResp, <-answers)
	g.closed.Store(false)
	g.goOn <- nil
	require.Equal(t, raftpb.MsgVoteResp, <-answers)
}
