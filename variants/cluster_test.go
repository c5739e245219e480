package variants_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// trio is a cluster of three nodes in this process, on a simulated disk, so that
// the power fails all of them in one moment. They talk over TCP on loopback.
type trio struct {
	t     *testing.T
	sel   variants.Selection
	urls  map[string]string     // peer URL by name
	disks map[string]*vfs.MemFS // one for all at first, with a directory for each
	nodes map[string]*node.Node
	// patient members neither elect another leader because the machine is slow, nor
	// cut the log before all have it, so that every write has an answer.
	patient bool
	// adjust, if not nil, has the last word on the options of the named node.
	adjust func(name string, o *node.Options)
}

func newTrio(t *testing.T, sel variants.Selection) *trio { return startTrio(t, sel, false) }

func startTrio(t *testing.T, sel variants.Selection, patient bool) *trio {
	t.Helper()
	c := makeTrio(t, sel)
	c.patient = patient
	c.startAll()
	return c
}

// makeTrio returns three nodes that have yet to be started.
func makeTrio(t *testing.T, sel variants.Selection) *trio {
	t.Helper()
	c := &trio{t: t, sel: sel, urls: make(map[string]string), disks: make(map[string]*vfs.MemFS), nodes: make(map[string]*node.Node)}
	disk := vfs.NewCrashableMem()
	for _, name := range []string{"a", "b", "c"} {
		c.urls[name], c.disks[name] = "http://"+freeAddress(t), disk
	}
	return c
}

// freeAddress returns an address that stays free while nobody listens there: its
// port is below those of outgoing connections.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10_000+rand.N(20_000))); err == nil {
			require.NoError(t, l.Close())
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// options are those of the named node on fs, which may stand before its disk. The
// log is cut often.
func (c *trio) options(name string, fs vfs.FS) node.Options {
	c.t.Helper()
	o := options(c.t, fs, name, c.sel)
	o.Name, o.Members = name, c.urls
	o.HeartbeatInterval, o.ElectionTimeout = 20*time.Millisecond, 200*time.Millisecond
	o.SnapshotCount, o.CatchUpEntries, o.SegmentBytes = 20, 1, 64<<10
	if c.patient {
		o.HeartbeatInterval, o.ElectionTimeout, o.RequestTimeout = 100*time.Millisecond, 2*time.Second, time.Minute
		o.CatchUpEntries = 100_000
	}
	if c.adjust != nil {
		c.adjust(name, &o)
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(c.urls[name], "http://"))
	require.NoError(c.t, err)
	o.PeerListeners = []net.Listener{l}
	return o
}

// start starts one node while the others run.
func (c *trio) start(name string) *node.Node {
	c.t.Helper()
	c.nodes[name] = start(c.t, c.options(name, c.disks[name]))
	return c.nodes[name]
}

// startAll starts all three; none has a leader before another runs.
func (c *trio) startAll() {
	c.t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for name := range c.urls {
		o := c.options(name, c.disks[name])
		wg.Go(func() {
			n, err := node.Start(c.t.Context(), o)
			if err != nil {
				c.t.Errorf("node %s: %v", name, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			c.nodes[name] = n
		})
	}
	wg.Wait()
	for _, n := range c.nodes {
		c.t.Cleanup(func() { _ = n.Stop() })
	}
	require.Len(c.t, c.nodes, len(c.urls))
}

// stopAll stops all three at once, as they would otherwise hand the leadership
// around.
func (c *trio) stopAll() {
	var wg sync.WaitGroup
	for _, n := range c.nodes {
		wg.Go(func() { _ = n.Stop() })
	}
	wg.Wait()
}

// follower returns the name of a node that does not lead.
func (c *trio) follower() string {
	for name, n := range c.nodes {
		if st := n.Status(); st.Leader != st.MemberID {
			return name
		}
	}
	panic("every node leads")
}

func (c *trio) checkAll(l *ledger) {
	c.t.Helper()
	for _, n := range c.nodes {
		l.check(c.t, n)
	}
}

// TestClusterPowerLoss cuts the power of all three members under load that goes to
// each of them: nothing acknowledged is lost, and all members hold the same.
func TestClusterPowerLoss(t *testing.T) {
	for name, sel := range map[string]variants.Selection{
		"baseline":            with(t, variants.VariantBaseline),
		"perready":            with(t, variants.VariantBest, "wal", "perready"),
		"group":               with(t, variants.VariantBest, "wal", "group"),
		"baseline, pipelined": with(t, variants.VariantBaseline, "pipeline", "on"),
		"perready, pipelined": with(t, variants.VariantBest, "wal", "perready", "pipeline", "on"),
		"group, pipelined":    with(t, variants.VariantBest, "wal", "group", "pipeline", "on"),
		"pebble":              with(t, variants.VariantBest, "engine", "pebble", "wal", "group"),
	} {
		t.Run(name, func(t *testing.T) {
			c := newTrio(t, sel)
			l := newLedger()
			var load sync.WaitGroup
			for name, n := range c.nodes {
				load.Go(func() { l.load(n, 4, 10_000, uint64(name[0])) })
			}
			l.mu.Lock()
			for len(l.value) < 300 && !l.done {
				l.more.Wait()
			}
			acked := &ledger{acked: maps.Clone(l.acked), value: maps.Clone(l.value)}
			l.mu.Unlock()
			require.GreaterOrEqual(t, len(acked.value), 300)
			for _, n := range c.nodes {
				require.NoError(t, n.Err())
			}
			after := c.disks["a"].CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, 2))})
			c.stopAll()
			load.Wait()

			for name := range c.disks {
				c.disks[name] = after
			}
			c.startAll()
			c.checkAll(acked)
		})
	}
}

// errPower is what a disk answers when the power is gone.
var errPower = errors.New("the power is gone")

// TestSnapshotPowerCut cuts a follower's power at every stage of taking over a
// snapshot: it starts again from whatever is on its disk and catches up.
func TestSnapshotPowerCut(t *testing.T) {
	for _, log := range [][2]string{{"perready", "off"}, {"group", "off"}, {"perready", "on"}} {
		t.Run(strings.Join(log[:], "/"), func(t *testing.T) {
			c := newTrio(t, with(t, variants.VariantBest, "wal", log[0], "pipeline", log[1], "propose", "perop"))
			l := newLedger()
			l.load(c.nodes["a"], 4, 20, 0)
			rng := rand.New(rand.NewPCG(3, 4))
			cuts := 0
			for round := range uint64(15) {
				away := c.follower()
				require.NoError(t, c.nodes[away].Stop())
				delete(c.nodes, away)
				for _, n := range c.nodes { // either takes them
					l.load(n, 4, 10, round+1)
					break
				}
				if c.cutWhileStarting(away, 1+rng.Int64N(120), rng) {
					cuts++
				}
				l.check(t, c.start(away))
			}
			require.Positive(t, cuts)
			c.checkAll(l)
		})
	}
}

// cutWhileStarting starts a node, takes its power away at the given operation of
// its disk, and leaves what a disk holds then. It reports whether it came to that:
// the node may have caught up before, and is stopped then.
func (c *trio) cutWhileStarting(name string, at int64, rng *rand.Rand) (cut bool) {
	c.t.Helper()
	disk := c.disks[name]
	var ops atomic.Int64
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && ops.Add(1) >= at {
			return errPower
		}
		return nil
	}))
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	n, err := node.Start(ctx, c.options(name, fs))
	if err == nil {
		_ = n.Read(ctx, false, func(engine.Reader) error { return nil }) // it has caught up, or fails
		_ = n.Stop()
	}
	if ops.Load() < at {
		require.NoError(c.t, err)
		return false
	}
	// Only now: an operation that had begun when the power failed may have ended.
	c.disks[name] = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
	return true
}

// TestFollowerOutcomes: commands that a follower cannot forward have not happened,
// and are refused at once.
func TestFollowerOutcomes(t *testing.T) {
	c := newTrio(t, with(t, variants.VariantBest))
	last := c.follower()
	for name, n := range c.nodes {
		if name != last {
			require.NoError(t, n.Stop())
		}
	}
	n := c.nodes[last]
	require.Eventually(t, func() bool {
		_, err := n.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte("k")}})
		require.Error(t, err)
		return errors.Is(err, kv.ErrDropped) && !kv.Unknown(err)
	}, time.Minute, time.Millisecond)
}
