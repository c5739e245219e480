package raftnode_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/raftnode"
)

// TestLeaseReadsAreNotStale cuts the leader off while it answers reads from its
// lease, again and again. Once another leader has acknowledged a write, no read
// that begins at the old one may succeed without it.
func TestLeaseReadsAreNotStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, 3, &cluster{policy: syncPerReady{}, reads: raftnode.ReadLease})
		for round := range 4 {
			before, during := fmt.Sprint("before ", round), fmt.Sprint("during ", round)
			old := c.leader(c.replicas...)
			c.put(old, before)
			require.NoError(t, old.node.LinearizableRead(t.Context()))

			var answered, acknowledged atomic.Bool
			ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
			reading := make(chan struct{})
			go func() {
				defer close(reading)
				for ctx.Err() == nil {
					time.Sleep(100 * time.Microsecond) // of the bubble's clock, which a lease's answer does not move
					late := acknowledged.Load()
					err := old.node.LinearizableRead(ctx)
					switch {
					case err != nil:
					case late && !old.has(during):
						t.Error("a stale read from a lease that is over")
					default:
						answered.Store(true)
					}
					if late {
						return
					}
				}
			}()
			require.Eventually(t, answered.Load, 30*time.Second, time.Millisecond)
			c.net.Isolate(old.id, true)
			c.put(c.leader(c.others(old)...), during)
			acknowledged.Store(true)
			<-reading
			stop()
			c.net.Isolate(old.id, false)
			c.requireEverywhere(before, during)
		}
	})
}

// TestLeaseAfterRestarts: members that were stopped while a leader counted on them
// come back, and the cluster elects and reads.
func TestLeaseAfterRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, 3, &cluster{policy: behind{}, reads: raftnode.ReadLease})
		var keys []string
		for round := range 3 {
			keys = append(keys, fmt.Sprint("key ", round))
			c.put(c.leader(c.replicas...), keys[round])
			r := c.replicas[round]
			r.stop()
			c.start(r)
			c.requireEverywhere(keys...)
		}
	})
}
