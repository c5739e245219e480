package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// ledger is what clients were told, per key: each key has one writer, which counts.
type ledger struct {
	mu    sync.Mutex
	acked map[string]int          // the highest value that was acknowledged
	tried map[string]int          // the highest value that was sent
	open  map[string]map[int]bool // values that were sent and not answered
	total int                     // acknowledgements
}

func newLedger() *ledger {
	return &ledger{acked: map[string]int{}, tried: map[string]int{}, open: map[string]map[int]bool{}}
}

// load puts ever higher numbers until ctx ends, from several writers, through
// whichever members answer. A put without an answer may happen at any time or
// never; its writer goes on with the next number.
func (l *ledger) load(ctx context.Context, c *clientv3.Client, writers int) *sync.WaitGroup {
	wg := new(sync.WaitGroup)
	for w := range writers {
		wg.Go(func() {
			for key := fmt.Sprint("writer ", w); ctx.Err() == nil; {
				value := l.begin(key)
				attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
				_, err := c.Put(attempt, key, fmt.Sprint(value))
				cancel()
				if err == nil {
					l.acknowledged(key, value)
				}
			}
		})
	}
	return wg
}

// begin returns the next value of the key.
func (l *ledger) begin(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tried[key]++
	value := l.tried[key]
	if l.open[key] == nil {
		l.open[key] = make(map[int]bool)
	}
	l.open[key][value] = true
	return value
}

func (l *ledger) acknowledged(key string, value int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[key] = value
	delete(l.open[key], value)
	l.total++
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// awaitMore waits for n more acknowledged puts.
func (l *ledger) awaitMore(t *testing.T, n int) {
	t.Helper()
	goal := l.count() + n
	require.Eventually(t, func() bool { return l.count() >= goal }, patience, 5*time.Millisecond, "the cluster acknowledges nothing")
}

// require compares a member's linearizable view with what clients were told: no
// key is older than what was acknowledged, but for a put without an answer that
// came after it, and none newer than what was sent.
func (l *ledger) require(t *testing.T, c *clientv3.Client) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, acked := range l.acked {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		res, err := c.Get(ctx, key)
		cancel()
		require.NoError(t, err)
		require.Len(t, res.Kvs, 1, "%s, acknowledged at %d, is lost", key, acked)
		var found int
		_, err = fmt.Sscan(string(res.Kvs[0].Value), &found)
		require.NoError(t, err)
		if !l.open[key][found] {
			require.GreaterOrEqual(t, found, acked, "%s went back", key)
		}
		require.LessOrEqual(t, found, l.tried[key])
	}
}
