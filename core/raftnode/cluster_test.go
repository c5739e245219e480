package raftnode_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/propose"
	"metastorebench/core/raftnode"
	"metastorebench/core/transport"
	"metastorebench/core/wal"
)

// keyCodec encodes a command as its put's key and nothing else.
type keyCodec struct{}

func (keyCodec) Name() string { return "key" }
func (keyCodec) Tag() byte    { return 'k' }
func (keyCodec) AppendCommand(dst []byte, cmd *kv.Command) ([]byte, error) {
	return append(dst, cmd.Put.Key...), nil
}
func (keyCodec) AppendPayload(dst []byte, encoded [][]byte) []byte {
	for _, e := range encoded {
		dst = append(dst, e...)
	}
	return dst
}
func (keyCodec) DecodePayload(dst []*kv.Command, payload []byte) ([]*kv.Command, error) {
	return append(dst, &kv.Command{Put: &kv.PutRequest{Key: payload}}), nil
}

type onePerEntry struct{}

func (onePerEntry) Name() string                   { return "one" }
func (onePerEntry) Take([]int, propose.Limits) int { return 1 }

type syncPerReady struct{}

func (syncPerReady) Name() string { return "sync" }
func (syncPerReady) Save(t wal.Target, hs *wal.HardState, entries []wal.Entry) error {
	return errors.Join(t.Append(hs, entries), t.Sync())
}

// behind is syncPerReady behind the loop.
type behind struct {
	syncPerReady
	acksFirst bool
}

func (b behind) AcknowledgesFirst() bool { return b.acksFirst }

// pipelined is a window that the tests fill, and every log behind the loop.
var pipelined = raftnode.Pipeline{Appends: 4, AppendBytes: 1 << 20, WriteBehind: true}

// everyLog runs a test with each way in which the loop can use its log, and with
// many appends in flight. safe says that what is acknowledged survives a power cut.
// Its clock, as that of all tests with a cluster, goes on when all wait, so that no
// machine is too slow for an election.
func everyLog(t *testing.T, test func(t *testing.T, c *cluster, safe bool)) {
	for name, log := range map[string]struct {
		cluster
		safe bool
	}{
		"in the loop":         {cluster{policy: syncPerReady{}}, true},
		"behind":              {cluster{policy: behind{}}, true},
		"behind, lingering":   {cluster{policy: behind{}, linger: time.Millisecond}, true},
		"acknowledged first":  {cluster{policy: behind{acksFirst: true}}, false},
		"pipelined":           {cluster{policy: syncPerReady{}, pipeline: pipelined}, true},
		"pipelined, grouping": {cluster{policy: behind{}, pipeline: pipelined}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, startCluster(t, 3, &log.cluster), log.safe) })
		})
	}
}

// replica is a raftnode with a log in memory and a state machine that is the
// list of commands.
type replica struct {
	id       uint64
	fs       *vfs.MemFS
	node     *raftnode.Node
	proposer *propose.Proposer
	leave    func()
	done     sync.WaitGroup
	err      error // of the last Run, once done
	// turn is full while a run is applied; a test that fills it holds up the rest.
	turn chan struct{}

	mu      sync.Mutex
	applied []string
	index   uint64
	members member.Set
}

type cluster struct {
	t           *testing.T
	policy      wal.Policy
	linger      time.Duration
	pipeline    raftnode.Pipeline
	uncommitted uint64
	appended    func(entries, inFlight int)
	fails       bool // replicas may stop by themselves
	reads       raftnode.ReadPolicy
	net         *transport.Network
	replicas    []*replica
}

func newCluster(t *testing.T, n int, policy wal.Policy, linger time.Duration) *cluster {
	return startCluster(t, n, &cluster{policy: policy, linger: linger})
}

func startCluster(t *testing.T, n int, c *cluster) *cluster {
	c.t, c.net = t, transport.NewNetwork(1)
	disk := vfs.NewCrashableMem() // of all, so that the power fails all in one moment
	for i := range n {
		c.replicas = append(c.replicas, &replica{id: uint64(i + 1), fs: disk})
	}
	for _, r := range c.replicas {
		c.start(r)
	}
	t.Cleanup(func() {
		for _, r := range c.replicas {
			r.stop()
		}
	})
	return c
}

// start opens the replica's log and runs it. Its state machine starts empty, so
// that the whole log is applied again.
func (c *cluster) start(r *replica) {
	log, rec, err := wal.Open(wal.Options{FS: r.fs, Dir: fmt.Sprint("wal", r.id), SegmentBytes: 1 << 20, Identity: wal.Identity{ClusterID: 1, NodeID: r.id}})
	require.NoError(c.t, err)
	if rec.Snapshot.Index == 0 {
		var members []member.Member
		for _, p := range c.replicas {
			members = append(members, member.Member{ID: p.id, Name: fmt.Sprint(p.id), PeerURLs: []string{fmt.Sprint("http://h:", p.id)}})
		}
		rec.Snapshot = raftnode.InitialMark(member.NewSet(members...))
		require.NoError(c.t, log.SaveSnapshot(rec.Snapshot))
	}
	members, err := member.Decode(rec.Snapshot.ConfState)
	require.NoError(c.t, err)
	commit := make(chan []wal.Entry, 16)
	r.applied, r.index, r.turn = nil, rec.Snapshot.Index, make(chan struct{}, 1)
	limits := propose.Limits{MaxRequestBytes: 1 << 20, MaxPendingOps: 1000, MaxPendingBytes: 1 << 20, MaxEntryOps: 1, MaxEntryBytes: 1 << 20}
	r.proposer = propose.New(keyCodec{}, onePerEntry{}, limits, rand.Uint64(), nil)
	node, err := raftnode.New(raftnode.Config{
		ID: r.id, TickInterval: 5 * time.Millisecond, HeartbeatTicks: 1, ElectionTicks: 10, RequestTimeout: 500 * time.Millisecond,
		Log: log, Recovered: rec, Policy: c.policy, Linger: c.linger, Pipeline: c.pipeline, UncommittedBytes: c.uncommitted, Reads: c.reads, Applied: rec.Snapshot.Index, Members: members,
		Proposer: r.proposer, Commit: commit, Send: c.net.Send, Logger: zap.NewNop(),
		Hooks: raftnode.Hooks{Proposed: func(int) {}, Ready: func(int) {}, Appended: c.appended},
	})
	require.NoError(c.t, err)
	r.node = node
	r.leave = c.net.Join(r.id, func(m *raftpb.Message) { _ = node.Step(context.Background(), m) })
	r.done.Go(func() {
		defer close(commit)
		if r.err = node.Run(); r.err != nil && !c.fails {
			c.t.Errorf("replica %d: %v", r.id, r.err)
		}
	})
	r.done.Go(func() { r.apply(c.t, commit) })
}

func (r *replica) apply(t *testing.T, commit <-chan []wal.Entry) {
	for run := range commit {
		r.turn <- struct{}{}
		for _, e := range run {
			r.mu.Lock()
			if e.Index != r.index+1 {
				t.Errorf("replica %d: entry %d follows %d", r.id, e.Index, r.index)
			}
			r.index = e.Index
			if e.Type == wal.EntryMembership {
				var err error
				if r.members, err = member.Decode(e.Data); err != nil {
					t.Errorf("replica %d: %v", r.id, err)
				}
			}
			commands := e.Type == wal.EntryCommands && len(e.Data) > 0
			if commands {
				r.applied = append(r.applied, string(e.Data[codec.HeaderBytes:]))
			}
			r.mu.Unlock()
			r.node.Applied(e.Index)
			if commands {
				id := codec.ProposalID{Origin: binary.LittleEndian.Uint64(e.Data[1:]), Sequence: binary.LittleEndian.Uint64(e.Data[9:])}
				r.proposer.Resolve(id, []kv.Result{{Revision: int64(e.Index)}}, 0)
			}
		}
		<-r.turn
	}
}

func (r *replica) stop() {
	r.node.Stop()
	r.leave()
	r.done.Wait()
}

func (r *replica) has(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.applied {
		if a == key {
			return true
		}
	}
	return false
}

// put proposes at r until it is acknowledged; errors that leave the outcome open
// are repeated too, so a key may be applied twice.
func (c *cluster) put(r *replica, key string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	for {
		_, err := r.proposer.Do(ctx, &kv.Command{Put: &kv.PutRequest{Key: []byte(key)}})
		if err == nil {
			return
		}
		require.NoError(c.t, ctx.Err(), "put %s at replica %d: %v", key, r.id, err)
		time.Sleep(time.Millisecond) // it may have been refused at once
	}
}

// leader waits until a majority of the given replicas agrees on one of them.
func (c *cluster) leader(among ...*replica) *replica {
	c.t.Helper()
	var found *replica
	require.Eventually(c.t, func() bool {
		votes := make(map[uint64]int)
		for _, r := range among {
			votes[r.node.Status().Leader]++
		}
		for _, r := range among {
			if 2*votes[r.id] > len(c.replicas) {
				found = r
				return true
			}
		}
		return false
	}, 30*time.Second, time.Millisecond)
	return found
}

func (c *cluster) others(r *replica) []*replica {
	var rest []*replica
	for _, o := range c.replicas {
		if o != r {
			rest = append(rest, o)
		}
	}
	return rest
}

// requireEverywhere waits until every replica has applied the keys and read
// linearizably.
func (c *cluster) requireEverywhere(keys ...string) {
	c.t.Helper()
	for _, r := range c.replicas {
		for {
			ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
			err := r.node.LinearizableRead(ctx)
			cancel()
			if err == nil {
				break
			}
			require.ErrorIs(c.t, err, kv.ErrTimeout) // no leader answered in time: ask again
		}
		for _, k := range keys {
			require.True(c.t, r.has(k), "replica %d read linearizably and misses %s", r.id, k)
		}
	}
}

func TestThreeReplicas(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, _ bool) {
		lead := c.leader(c.replicas...)
		c.put(lead, "at the leader")
		c.put(c.others(lead)[0], "at a follower")
		c.requireEverywhere("at the leader", "at a follower")
	})
}

// TestLeaderIsCutOff: the isolated leader's callers are told that the outcome is
// unknown; the rest elects another and goes on; later the old leader catches up.
func TestLeaderIsCutOff(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, _ bool) {
		old := c.leader(c.replicas...)
		c.put(old, "before")
		c.net.Isolate(old.id, true)
		_, err := old.proposer.Do(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte("lost")}})
		require.True(t, kv.Unknown(err), "%v", err)
		require.ErrorIs(t, err, kv.ErrLeaderLost)
		require.Error(t, old.node.LinearizableRead(t.Context()), "a replica without a majority answered a linearizable read")

		c.put(c.leader(c.others(old)...), "during")
		require.False(t, old.has("during"))
		c.net.Isolate(old.id, false)
		c.requireEverywhere("before", "during")
	})
}

// TestLossyNetwork: a fifth of all messages is lost and the rest is late.
func TestLossyNetwork(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, _ bool) {
		c.leader(c.replicas...)
		c.net.SetDropRate(0.2)
		c.net.SetDelay(time.Millisecond)
		var keys []string
		for i := range 30 {
			keys = append(keys, fmt.Sprint("key ", i))
			c.put(c.replicas[i%3], keys[i])
		}
		c.net.SetDropRate(0)
		c.requireEverywhere(keys...)
	})
}

// TestDisorder: messages come twice, late and behind others, and some are lost.
func TestDisorder(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, _ bool) {
		c.leader(c.replicas...)
		c.net.SetDisorder(0.3)
		c.net.SetDropRate(0.05)
		var keys []string
		for i := range 30 {
			keys = append(keys, fmt.Sprint("key ", i))
			c.put(c.replicas[i%3], keys[i])
		}
		c.net.SetDropRate(0)
		c.requireEverywhere(keys...)
	})
}

// TestPowerLossOfAll: every replica loses what it had not synced.
func TestPowerLossOfAll(t *testing.T) {
	everyLog(t, func(t *testing.T, c *cluster, safe bool) {
		if !safe {
			t.Skip("its replicas lose what they acknowledged")
		}
		lead := c.leader(c.replicas...)
		var keys []string
		for i := range 20 {
			keys = append(keys, fmt.Sprint("key ", i))
			c.put(lead, keys[i])
		}
		crashed := lead.fs.CrashClone(vfs.CrashCloneCfg{})
		for _, r := range c.replicas {
			r.stop()
		}
		for _, r := range c.replicas {
			r.fs = crashed
			c.start(r)
		}
		c.requireEverywhere(keys...)
	})
}
