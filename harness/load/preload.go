package load

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"metastorebench/harness/workload"
)

const (
	// preloadWorkers fill the store before the run: enough for a store that
	// batches, few enough for one that does not.
	preloadWorkers = 64
	// preloadBatchers do so where puts go in batches, which are large enough for
	// any store.
	preloadBatchers = 4
)

// Preload writes PreloadKeys keys, in the workload's order for it, under the eyes
// of the model. It stops at the first error. Of the Config it uses Workload,
// Client, PreloadBatch and Model.
func Preload(ctx context.Context, c Config) error {
	group, running := errgroup.WithContext(ctx)
	epoch := time.Now()
	w := c.Workload
	workers, n := preloadWorkers, 1
	if c.PreloadBatch != nil {
		workers, n = preloadBatchers, w.PreloadOps()
	}
	workers = min(workers, (w.PreloadKeys+n-1)/n)
	for i := range workers {
		s := newPreloader(i, c, n, epoch)
		group.Go(func() error {
			for first := i * n; first < w.PreloadKeys; first += workers * n {
				if err := s.preload(running, first, min(n, w.PreloadKeys-first)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// newPreloader returns the sender of the preload's worker i, with up to ops puts
// in a call.
func newPreloader(i int, c Config, ops int, epoch time.Time) *sender {
	s := &sender{client: c.Client(i), work: c.Workload, observer: c.Model.Observer(i), writer: c.Workload.PreloadWriter(), epoch: epoch}
	if c.PreloadBatch != nil {
		s.batches = &batches{client: c.PreloadBatch(i), observer: c.Model.Batch(i, ops)}
	}
	return s
}

// preload puts n keys from the given place in the preload's order on, in one
// call.
func (s *sender) preload(ctx context.Context, first, n int) error {
	ops := make([]workload.Op, n)
	for i := range ops {
		ops[i] = workload.Op{Kind: workload.Put, Key: s.work.PreloadKey(first + i)}
	}
	s.seq = uint64(first) // one writer number, so the place tells writes apart
	for _, e := range s.call(ctx, ops) {
		if e.err != nil {
			return fmt.Errorf("preload, after %d of %d keys: %w", first, s.work.PreloadKeys, e.err)
		}
	}
	return nil
}
