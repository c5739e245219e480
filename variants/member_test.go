package variants_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// TestMembersDisagreeOnLeases: leases rest on a promise of all members. One that
// does not give it, or a shorter one, is not talked to, and both sides say why.
func TestMembersDisagreeOnLeases(t *testing.T) {
	lease := with(t, variants.VariantBest, "read", "lease")
	for name, change := range map[string]func(o *node.Options){
		"no leases": func(o *node.Options) {
			require.NoError(t, with(t, variants.VariantBest, "read", "readindex").Apply(o, 1))
		},
		"an election timeout of its own":   func(o *node.Options) { o.ElectionTimeout *= 2 },
		"a heartbeat interval of its own ": func(o *node.Options) { o.HeartbeatInterval /= 2 },
	} {
		t.Run(name, func(t *testing.T) {
			c := newTrio(t, lease)
			away := c.follower()
			require.NoError(t, c.nodes[away].Stop())
			delete(c.nodes, away)

			logs, said := observer.New(zapcore.WarnLevel)
			o := c.options(away, c.disks[away])
			o.Logger = zap.New(logs)
			change(&o)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			started := make(chan error, 1)
			go func() {
				_, err := node.Start(ctx, o)
				started <- err
			}()
			const why, remedy = "the members must agree on leases", "give both the same --read, --election-timeout and --heartbeat-interval"
			require.Eventually(t, func() bool {
				var refused, refuses bool
				for _, e := range said.FilterMessage("no connection to the peer").All() {
					refused = refused || strings.Contains(text(e), why) && strings.Contains(text(e), remedy)
				}
				for _, e := range said.FilterMessage("a peer's connection ended").All() {
					refuses = refuses || strings.Contains(text(e), why)
				}
				return refused && refuses
			}, time.Minute, time.Millisecond)
			cancel()
			require.ErrorContains(t, <-started, "no leader yet")
			for _, n := range c.nodes { // the others go on
				_, err := n.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte("k")}})
				require.NoError(t, err)
				break
			}
		})
	}
}

// text is the error of a log entry.
func text(e observer.LoggedEntry) string {
	err, _ := e.ContextMap()["error"].(string)
	return err
}

// TestSnapshotThatDoesNotFit: a member that cannot store a snapshot asks again, and
// keeps nothing of those that were cut short, nor what a crash has left.
func TestSnapshotThatDoesNotFit(t *testing.T) {
	c := newTrio(t, with(t, variants.VariantBest, "propose", "perop"))
	l := newLedger()
	away := c.follower()
	require.NoError(t, c.nodes[away].Stop())
	delete(c.nodes, away)
	for _, n := range c.nodes {
		l.load(n, 4, 20, 1)
		break
	}
	disk := c.disks[away]
	require.NoError(t, disk.MkdirAll(away+"/snap", 0o700))
	f, err := disk.Create(away+"/snap/ffffffffffffffff.snap.tmp", vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	var failures atomic.Int64
	full := errors.New("no space left")
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".snap.received.tmp") && failures.Add(1) <= 3 {
			return full
		}
		return nil
	}))
	n := start(t, c.options(away, fs))
	c.nodes[away] = n
	require.NoError(t, n.Read(t.Context(), false, func(engine.Reader) error { return nil }))
	require.Greater(t, failures.Load(), int64(3))
	c.checkAll(l)
	names, err := disk.List(away + "/snap")
	require.NoError(t, err)
	for _, name := range names {
		require.NotContains(t, name, ".tmp")
	}
}
