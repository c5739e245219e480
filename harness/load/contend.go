package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/workload"
)

// A round of Contend has contenders on each key at the same time. What they do is
// in mixed or, in every second round, in swaps; a contender does what stands at its
// place in the round, and one place on in the next round of its sort.
const (
	contenders = 6
	rounds     = 8
	// maxRounds bounds the rounds that are added until enough operations were
	// concurrent: no history is longer than (contenders+1)*maxRounds.
	maxRounds = 32
)

type contention uint8

const (
	contendPut contention = iota
	contendGet
	contendDelete
	contendSwap
)

var (
	mixed = [contenders]contention{contendPut, contendGet, contendDelete, contendPut, contendGet, contendSwap}
	swaps = [contenders]contention{contendSwap, contendGet, contendSwap, contendSwap, contendGet, contendSwap}
)

// Swapper carries out compare-and-put, for one goroutine; see client.Swapper.
type Swapper interface {
	Swap(ctx context.Context, key, value []byte, expected int64) (client.Swapped, error)
}

var _ Swapper = (*client.Swapper)(nil)

// Contend has clients contend for the workload's few contended keys, under the eyes
// of the model: the histories that are searched for a linearization are made here.
// It sends a fixed number of operations by the workload's API, whatever the store's
// speed, and more only if too few were concurrent. Of the Config it uses Workload,
// Client, Batch, Swap and Model. Operations may fail: the model knows of it.
func Contend(ctx context.Context, c Config) error {
	a := newArena(c)
	for r := range maxRounds {
		if r >= rounds && a.enough() {
			return nil
		}
		a.round(ctx, r)
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("contend for keys: %w", err)
		}
		a.look(ctx, r)
	}
	return nil
}

// arena is what the contenders have in common.
type arena struct {
	Config
	of       []*contender
	onlooker *contender // reads all keys after each round
}

// contender sends what one client does on some of the contended keys.
type contender struct {
	*sender
	swapper Swapper
	keys    []int
}

func newArena(c Config) *arena {
	a := &arena{Config: c}
	// A batch has one operation on each key if batches of the workload are so large.
	each := 1
	if c.Workload.API == workload.APIBatch {
		for each = workload.ContendedKeys; each > c.Workload.BatchOps; each /= 2 {
		}
	}
	epoch := time.Now()
	for range contenders {
		for first := 0; first < workload.ContendedKeys; first += each {
			a.of = append(a.of, newContender(c, len(a.of), first, each, epoch))
		}
	}
	a.onlooker = newContender(c, len(a.of), 0, each, epoch)
	return a
}

// newContender returns the i-th contender, for n keys from the given one on.
func newContender(c Config, i, first, n int, epoch time.Time) *contender {
	w := c.Workload
	s := &sender{client: c.Client(i), work: w, observer: c.Model.Observer(i), writer: w.Contender(i), epoch: epoch}
	if w.API == workload.APIBatch {
		s.batches = &batches{client: c.Batch(i), observer: c.Model.Batch(i, n)}
	}
	return &contender{sender: s, swapper: c.Swap(i), keys: contended(w, first, n)}
}

// contended are the indexes of n contended keys.
func contended(w *workload.Workload, first, n int) []int {
	keys := make([]int, n)
	for i := range keys {
		keys[i] = w.Keys + first + i
	}
	return keys
}

func (a *arena) enough() bool {
	ops, concurrent := a.Model.Contended()
	return ops >= check.MinOps && concurrent >= check.MinConcurrent
}

// round has every contender send one call, or as many swaps as it has keys, and
// waits until all have been answered. All swaps of a key expect the same revision:
// what it has now.
func (a *arena) round(ctx context.Context, r int) {
	var expected [workload.ContendedKeys]int64
	for i := range expected {
		expected[i] = a.Model.Revision(a.Workload.Keys + i)
	}
	does := mixed
	if r%2 == 1 {
		does = swaps
	}
	a.together(a.of, func(i int, n *contender) {
		n.contend(ctx, does[(i/a.perPlace()+r/2)%contenders], expected)
	})
}

// perPlace is how many contenders it takes to have one on each key.
func (a *arena) perPlace() int { return len(a.of) / contenders }

// together has each do something at the same time, and waits until all have.
func (a *arena) together(all []*contender, do func(i int, n *contender)) {
	start := make(chan struct{})
	var ended sync.WaitGroup
	for i, n := range all {
		ended.Go(func() {
			<-start
			do(i, n)
		})
	}
	close(start)
	ended.Wait()
}

func (n *contender) contend(ctx context.Context, what contention, expected [workload.ContendedKeys]int64) {
	switch what {
	case contendPut:
		n.callAll(ctx, workload.Put)
	case contendGet:
		n.callAll(ctx, workload.Get)
	case contendDelete:
		n.callAll(ctx, workload.Delete)
	case contendSwap:
		for _, key := range n.keys {
			n.swap(ctx, key, expected[key-n.work.Keys])
		}
	}
}

// callAll does the same with all keys of the contender, in one call.
func (n *contender) callAll(ctx context.Context, kind workload.Kind) {
	ops := make([]workload.Op, len(n.keys))
	for i, key := range n.keys {
		ops[i] = workload.Op{Kind: kind, Key: key}
	}
	n.call(ctx, ops)
}

func (n *contender) swap(ctx context.Context, key int, expected int64) {
	n.seq++
	id := workload.WriteID{Writer: n.writer, Seq: n.seq}
	n.key = n.work.AppendKey(n.key[:0], key)
	n.value = n.work.AppendValue(n.value[:0], key, id)
	n.observer.BeginSwap(key, id, expected)
	n.observer.EndSwap(n.swapper.Swap(ctx, n.key, n.value, expected))
}

// look reads the contended keys while nothing writes: one by one or in batches, and
// as a range, with the count, which is known now. In every second round it has a
// limit.
func (a *arena) look(ctx context.Context, r int) {
	readers := append([]*contender{a.onlooker}, a.of[:a.perPlace()]...)
	a.together(readers, func(i int, n *contender) {
		if i > 0 {
			n.callAll(ctx, workload.Get)
			return
		}
		w := a.Workload
		n.key = w.AppendKey(n.key[:0], w.Keys)
		n.end = append(w.AppendKey(n.end[:0], w.AllKeys()-1), 0)
		n.read(ctx, w.Keys, workload.ContendedKeys, int64(r%2))
	})
}
