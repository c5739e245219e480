package raftnode_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/kv"
	"metastorebench/core/raftnode"
	"metastorebench/core/transport"
	"metastorebench/core/wal"
)

// mute is a follower played by the test: it votes for whoever asks, and answers
// appends only while it is told to.
type mute struct {
	r  *replica // the leader
	id uint64

	mu      sync.Mutex
	answers bool
	sizes   []int // entries of each append that had any
	unasked []*raftpb.Message
}

func (f *mute) receive(m *raftpb.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply := &raftpb.Message{From: new(f.id), To: new(m.GetFrom()), Term: new(m.GetTerm())}
	switch m.GetType() {
	case raftpb.MsgPreVote:
		reply.Type = raftpb.MsgPreVoteResp.Enum()
	case raftpb.MsgVote:
		reply.Type = raftpb.MsgVoteResp.Enum()
	case raftpb.MsgHeartbeat:
		reply.Type = raftpb.MsgHeartbeatResp.Enum()
	case raftpb.MsgApp:
		if n := len(m.GetEntries()); n > 0 {
			f.sizes = append(f.sizes, n)
		}
		reply.Type = raftpb.MsgAppResp.Enum()
		reply.Index = new(m.GetIndex() + uint64(len(m.GetEntries())))
		if !f.answers {
			f.unasked = append(f.unasked, reply)
			return
		}
	default:
		return
	}
	_ = f.r.node.Step(context.Background(), reply)
}

// listen makes the follower answer, from now on and what it has not, or not.
func (f *mute) listen(answers bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = answers
	for _, reply := range f.unasked {
		_ = f.r.node.Step(context.Background(), reply)
	}
	f.unasked = nil
}

// TestAppendsInFlight lets followers hear and not answer: the leader goes on
// sending them what is proposed until its window is full, and the rest together
// when they have answered.
func TestAppendsInFlight(t *testing.T) {
	for name, c := range map[string]struct {
		policy   wal.Policy
		pipeline raftnode.Pipeline
		sizes    []int // of the appends to each follower, for 10 commands
	}{
		"off":          {syncPerReady{}, raftnode.Pipeline{}, []int{1, 9}},
		"off, grouped": {behind{}, raftnode.Pipeline{Appends: 1}, []int{1, 9}},
		"on":           {syncPerReady{}, pipelined, []int{1, 1, 1, 1, 6}},
		"on, grouped":  {behind{}, pipelined, []int{1, 1, 1, 1, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				most := 0
				lead, followers := leadMutes(t, &cluster{
					policy: c.policy, pipeline: c.pipeline,
					appended: func(_, inFlight int) { most = max(most, inFlight) },
				})
				for _, f := range followers {
					f.listen(false)
					f.sizes = nil
				}
				var callers sync.WaitGroup
				for i := range 10 {
					callers.Go(func() { put(t, lead, fmt.Sprint(i)) })
					synctest.Wait()
				}
				require.False(t, lead.has("0"), "applied without a majority")
				for _, f := range followers {
					require.Equal(t, c.sizes[:len(c.sizes)-1], f.sizes)
					f.listen(true)
				}
				callers.Wait()
				synctest.Wait()
				for _, f := range followers {
					require.Equal(t, c.sizes, f.sizes)
				}
				require.Equal(t, len(c.sizes)-1, most, "appends in flight, as the hook is told")
			})
		})
	}
}

// leadMutes starts one replica of three, which leads the others, that the test
// plays. All that they have been sent is answered.
func leadMutes(t *testing.T, c *cluster) (*replica, []*mute) {
	c.t, c.net = t, transport.NewNetwork(1)
	for id := range uint64(3) {
		c.replicas = append(c.replicas, &replica{id: id + 1, fs: vfs.NewCrashableMem()})
	}
	lead := c.replicas[0]
	var followers []*mute
	for _, r := range c.replicas[1:] {
		f := &mute{r: lead, id: r.id, answers: true}
		followers = append(followers, f)
		t.Cleanup(c.net.Join(r.id, f.receive))
	}
	c.start(lead)
	t.Cleanup(lead.stop)
	for lead.node.Status().Leader != lead.id {
		time.Sleep(time.Millisecond) // of the bubble's clock
	}
	put(t, lead, "before")
	synctest.Wait()
	return lead, followers
}

func put(t *testing.T, r *replica, key string) {
	if _, err := r.proposer.Do(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte(key)}}); err != nil {
		t.Errorf("put %s: %v", key, err)
	}
}

// inLoop is a gate that is no wal.Background.
type inLoop struct{ g *gate }

func (p inLoop) Save(l wal.Target, hs *wal.HardState, entries []wal.Entry) error {
	return p.g.Save(l, hs, entries)
}

// TestAppendsWaitForTheLog holds up a follower's sync: heartbeats are answered
// meanwhile, and the appends that come meanwhile share the next sync although the
// policy groups nothing.
func TestAppendsWaitForTheLog(t *testing.T) {
	g := newGate(t)
	c := &cluster{t: t, policy: inLoop{g}, pipeline: pipelined, net: transport.NewNetwork(1)}
	for id := range uint64(3) {
		c.replicas = append(c.replicas, &replica{id: id + 1, fs: vfs.NewCrashableMem()})
	}
	r := c.replicas[0] // the test plays the others' part
	answers := make(chan *raftpb.Message, 100)
	leave := c.net.Join(2, func(m *raftpb.Message) {
		if kind := m.GetType(); kind == raftpb.MsgAppResp || kind == raftpb.MsgHeartbeatResp {
			answers <- m
		}
	})
	c.start(r)
	t.Cleanup(func() {
		r.stop()
		leave()
	})
	tell := func(kind raftpb.MessageType, after, term uint64) {
		m := &raftpb.Message{Type: kind.Enum(), From: new(uint64(2)), To: new(uint64(1)), Term: new(uint64(5))}
		if kind == raftpb.MsgApp {
			m.Index, m.LogTerm = &after, &term
			m.Entries = []*raftpb.Entry{{Index: new(after + 1), Term: new(uint64(5)), Data: []byte("entry")}}
		}
		require.NoError(t, r.node.Step(t.Context(), m))
	}
	acknowledged := func(index uint64) {
		t.Helper()
		for {
			m := <-answers
			require.Equal(t, raftpb.MsgAppResp, m.GetType())
			if m.GetIndex() == index {
				return
			}
		}
	}
	tell(raftpb.MsgApp, 1, 1)
	acknowledged(2)
	g.closed.Store(true)
	tell(raftpb.MsgApp, 2, 5)
	require.Equal(t, 1, <-g.began)
	tell(raftpb.MsgApp, 3, 5)
	tell(raftpb.MsgApp, 4, 5)
	tell(raftpb.MsgHeartbeat, 0, 0)
	require.Equal(t, raftpb.MsgHeartbeatResp, (<-answers).GetType(), "an append was acknowledged before its sync")
	g.goOn <- nil
	acknowledged(3)
	require.Equal(t, 2, <-g.began, "entries of the next sync")
	g.closed.Store(false)
	g.goOn <- nil
	acknowledged(5)
}

// TestSlowApply holds up the leader's apply stage for many election timeouts, with
// more runs on their way than its queue holds: it stays the leader, and all is
// applied in the end.
func TestSlowApply(t *testing.T) {
	for name, c := range map[string]cluster{
		"grouped":   {policy: behind{}},
		"pipelined": {policy: syncPerReady{}, pipeline: pipelined},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := startCluster(t, 3, &c)
				time.Sleep(time.Second) // of the bubble's clock: somebody leads
				lead := c.leader(c.replicas...)
				before := lead.node.Status()
				lead.turn <- struct{}{}
				var callers sync.WaitGroup
				for i := range 50 {
					callers.Go(func() {
						_, err := lead.proposer.Do(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: fmt.Append(nil, i)}})
						if err != nil && !kv.Unknown(err) {
							t.Errorf("put %d: %v", i, err)
						}
					})
					synctest.Wait()
				}
				time.Sleep(10 * time.Second)
				after := lead.node.Status()
				require.Equal(t, [2]uint64{before.Leader, before.Term}, [2]uint64{after.Leader, after.Term})
				require.Equal(t, before.CommitIndex+50, after.CommitIndex)
				<-lead.turn
				callers.Wait()
				c.requireEverywhere("0", "49")
			})
		})
	}
}
