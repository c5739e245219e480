package variants_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// barrier holds up accesses to a disk while it is down.
type barrier struct {
	match func(errorfs.Op) bool
	state atomic.Pointer[barrierState]
}

type barrierState struct{ reached, up chan struct{} }

func (b *barrier) lower() {
	b.state.Store(&barrierState{reached: make(chan struct{}, 1), up: make(chan struct{})})
}

func (b *barrier) raise() {
	if s := b.state.Swap(nil); s != nil {
		close(s.up)
	}
}

func (b *barrier) pass(op errorfs.Op) {
	s := b.state.Load()
	if s == nil || !b.match(op) {
		return
	}
	select {
	case s.reached <- struct{}{}:
	default:
	}
	<-s.up
}

// reached has a value when an access is held up.
func (b *barrier) reached() <-chan struct{} { return b.state.Load().reached }

// straggler is a cluster with a follower whose disk can be held up, while the others
// go on and cut their logs, so that it needs a snapshot of the leader's.
type straggler struct {
	*trio
	logs             map[string]*observer.ObservedLogs
	name             string // of the follower
	follower, leader *node.Node
	leaderName       string
	wal, snapshots   barrier
	puts             int
}

func newStraggler(t *testing.T, sel variants.Selection) *straggler {
	s := &straggler{trio: makeTrio(t, sel), logs: make(map[string]*observer.ObservedLogs)}
	s.patient = true
	s.adjust = func(name string, o *node.Options) {
		core, logs := observer.New(zap.InfoLevel)
		s.logs[name], o.Logger, o.CatchUpEntries = logs, zap.New(core), 1
	}
	s.wal.match = func(op errorfs.Op) bool {
		return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "wal")
	}
	s.snapshots.match = func(op errorfs.Op) bool { // of its own, when it gets its name
		return op.Kind == errorfs.OpRename && strings.HasSuffix(op.Path, ".snap.tmp")
	}
	s.startAll()
	s.name = s.trio.follower()
	require.NoError(t, s.nodes[s.name].Stop())
	s.follower = start(t, s.options(s.name, errorfs.Wrap(s.disks[s.name], errorfs.InjectorFunc(func(op errorfs.Op) error {
		s.wal.pass(op)
		s.snapshots.pass(op)
		return nil
	}))))
	s.nodes[s.name] = s.follower
	t.Cleanup(func() { s.wal.raise(); s.snapshots.raise() }) // before the nodes are stopped
	for name, n := range s.nodes {
		if st := n.Status(); st.Leader == st.MemberID {
			s.leader, s.leaderName = n, name
		}
	}
	require.NotNil(t, s.leader)
	return s
}

// put writes a key of its own through the leader.
func (s *straggler) put() {
	s.t.Helper()
	s.puts++
	_, err := s.leader.Propose(s.t.Context(), &kv.Command{Put: &kv.PutRequest{Key: fmt.Append(nil, s.puts)}})
	require.NoError(s.t, err)
}

// leaveBehind writes until the leader has dropped all that the follower, whose log
// is held up, could need.
func (s *straggler) leaveBehind() {
	s.t.Helper()
	const inFlight = 5 // more than one append of single puts
	for needed := s.leader.Status().RaftIndex + inFlight; s.lastIndex(s.leaderName, "the log was cut behind a snapshot") < needed; {
		s.put()
	}
}

// lastIndex is that of a node's last log message with the given text.
func (s *straggler) lastIndex(name, text string) uint64 {
	all := s.logs[name].FilterMessage(text).All()
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].ContextMap()["index"].(uint64)
}

func (s *straggler) hasAll(n *node.Node) {
	s.t.Helper()
	require.NoError(s.t, n.Read(s.t.Context(), false, func(r engine.Reader) error {
		for i := range s.puts {
			pair, err := r.Get(fmt.Append(nil, i+1))
			require.NoError(s.t, err)
			require.NotNil(s.t, pair, "put %d is lost", i+1)
		}
		return nil
	}))
}

func stragglers(t *testing.T) map[string]variants.Selection {
	all := make(map[string]variants.Selection)
	for _, wal := range []string{"perready", "group"} {
		all[wal] = with(t, variants.VariantBest, "wal", wal, "pipeline", "off")
	}
	return all
}

// TestSnapshotsMeet: a follower takes over a snapshot of the leader's while it
// writes one of its own, which comes too late. Neither disturbs the other.
func TestSnapshotsMeet(t *testing.T) {
	for name, sel := range stragglers(t) {
		t.Run(name, func(t *testing.T) {
			s := newStraggler(t, sel)
			s.snapshots.lower()
			for held := false; !held; {
				s.put()
				select {
				case <-s.snapshots.reached():
					held = true
				default:
				}
			}
			s.wal.lower()
			s.put()
			<-s.wal.reached()
			s.leaveBehind()
			s.wal.raise()
			require.Eventually(t, func() bool {
				return s.lastIndex(s.name, "took over a snapshot of the leader's") > 0
			}, time.Minute, time.Millisecond)
			s.snapshots.raise()
			s.put()
			s.hasAll(s.follower)
			require.NoError(t, s.follower.Stop())
			require.NoError(t, s.follower.Err())
			s.hasAll(s.trio.start(s.name))
		})
	}
}

// TestForwardedWriteIsOvertaken: the follower forwards a write, and takes over a
// snapshot that holds it before it has applied it. The caller hears at once that
// the outcome is unknown. In a round the follower may also learn first that the
// write is committed, and answer it.
func TestForwardedWriteIsOvertaken(t *testing.T) {
	for name, sel := range stragglers(t) {
		t.Run(name, func(t *testing.T) {
			s := newStraggler(t, sel)
			for overtaken := false; !overtaken; {
				s.wal.lower()
				answer := make(chan error, 1)
				go func() {
					_, err := s.follower.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte("forwarded")}})
					answer <- err
				}()
				<-s.wal.reached()
				s.leaveBehind()
				s.wal.raise()
				err := <-answer
				if overtaken = errors.Is(err, kv.ErrOvertaken); !overtaken {
					require.NoError(t, err)
				}
			}
			require.True(t, kv.Unknown(kv.ErrOvertaken))
			s.hasAll(s.follower)
			_, err := s.follower.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte("forwarded")}})
			require.NoError(t, err)
		})
	}
}

// TestSnapshotsUnderLoad: members that cut their logs so often that snapshots of
// all kinds cross, under load through each of them. None stops, and nothing that
// was acknowledged is lost.
func TestSnapshotsUnderLoad(t *testing.T) {
	for name, sel := range map[string]variants.Selection{
		"group":               with(t, variants.VariantBest, "wal", "group", "codec", "protobuf", "pool", "off"),
		"perready, pipelined": with(t, variants.VariantBest, "wal", "perready", "pipeline", "on"),
		"pebble, key index":   with(t, variants.VariantBest, "engine", "pebble", "key-index", "ranked", "wal", "group"),
	} {
		t.Run(name, func(t *testing.T) {
			c := makeTrio(t, sel)
			c.patient = true
			c.adjust = func(_ string, o *node.Options) { o.CatchUpEntries = 1 }
			c.startAll()
			l := newLedger()
			var load sync.WaitGroup
			for name, n := range c.nodes {
				load.Go(func() { l.load(n, 4, 100, uint64(name[0])) })
			}
			load.Wait()
			for _, n := range c.nodes {
				require.NoError(t, n.Err())
			}
			c.checkAll(l)
		})
	}
}
