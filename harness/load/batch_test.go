package load

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
	"metastorebench/harness/check"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// batcher answers batches from a memory. Each call takes the memory's time once.
type batcher struct {
	*memory
	// refuses says which operation of a call fails alone; nil: none.
	refuses func(i int) bool
}

func (b *batcher) each(ctx context.Context, n int, do func(i int) client.Outcome) ([]client.Outcome, int64, error) {
	if err := b.call(ctx); err != nil {
		return nil, 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	outcomes := make([]client.Outcome, n)
	for i := range outcomes {
		if b.refuses != nil && b.refuses(i) {
			outcomes[i] = client.Outcome{Err: status.Error(codes.InvalidArgument, "bad")}
			continue
		}
		outcomes[i] = do(i)
	}
	return outcomes, b.revision, nil
}

func (b *batcher) Put(ctx context.Context, pairs []client.Pair) ([]client.Outcome, int64, error) {
	return b.each(ctx, len(pairs), func(i int) client.Outcome {
		b.revision++
		key, value := append([]byte(nil), pairs[i].Key...), append([]byte(nil), pairs[i].Value...)
		b.pairs[string(key)] = &mvccpb.KeyValue{Key: key, Value: value, ModRevision: b.revision}
		return client.Outcome{Revision: b.revision}
	})
}

func (b *batcher) Get(ctx context.Context, keys [][]byte) ([]client.Outcome, int64, error) {
	return b.each(ctx, len(keys), func(i int) client.Outcome { return client.Outcome{Pair: b.pairs[string(keys[i])]} })
}

func (b *batcher) Delete(ctx context.Context, keys [][]byte) ([]client.Outcome, int64, error) {
	return b.each(ctx, len(keys), func(i int) client.Outcome {
		o := client.Outcome{}
		if b.pairs[string(keys[i])] != nil {
			b.revision++
			o.Deleted = 1
			delete(b.pairs, string(keys[i]))
		}
		o.Revision = b.revision
		return o
	})
}

// batchConfig is a config with batches of 25.
func batchConfig(t *testing.T, typ string, clients int, b *batcher) Config {
	c := config(t, typ, clients, b.memory)
	params := c.Workload.Workload
	params.API, params.BatchOps = workload.APIBatch, 25
	w, err := workload.New(params, 1)
	require.NoError(t, err)
	c.Workload, c.Model = w, check.NewModel(w)
	c.Batch = func(int) Batcher { return b }
	return c
}

// Batches count by operation: 4 clients, each call 10 ms and 25 operations, one
// second.
func TestBatchesCountByOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &batcher{memory: newMemory(10 * time.Millisecond)}
		c := batchConfig(t, workload.TypeLargeScale, 4, b)
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		require.Len(t, got.Ops, 2)
		for i, name := range []string{record.OpPut, record.OpGet} {
			require.Equal(t, name, got.Ops[i].Op)
			require.Equal(t, int64(200*25), got.Ops[i].Count)
			h, err := record.DecodeHDR(got.Ops[i].ServiceHDR)
			require.NoError(t, err)
			require.Equal(t, int64(200*25), h.TotalCount())
			require.InEpsilon(t, 10*time.Millisecond, h.Max(), 0.01, "an operation takes as long as its batch")
		}
		var sum int64
		for _, n := range got.Series {
			sum += n
		}
		require.Equal(t, int64(2*200*25), sum)
		answers := c.Model.Answers()
		require.True(t, answers.OK, answers.Detail)
		require.True(t, c.Model.Revisions(1, b.revision).OK)
	})
}

// The preload goes in batches where it can, whatever the workload's API, and the
// model knows every pair.
func TestPreloadInBatches(t *testing.T) {
	b := &batcher{memory: newMemory(0)}
	c := config(t, workload.TypePut, 3, b.memory)
	params := c.Workload.Workload
	params.Keys, params.PreloadKeys = 5000, 4500
	w, err := workload.New(params, 1)
	require.NoError(t, err)
	c.Workload, c.Model = w, check.NewModel(w)
	c.PreloadBatch = func(int) Batcher { return b }
	require.NoError(t, Preload(t.Context(), c))
	require.Len(t, b.pairs, 4500)
	require.Equal(t, int64(5), b.calls, "1,000 puts in a call")
	scan := c.Model.Scan()
	for key := range w.PreloadKeys {
		scan.Add([]*mvccpb.KeyValue{b.pairs[string(w.AppendKey(nil, key))]})
	}
	got := scan.Finish()
	require.True(t, got.OK, got.Detail)

	b.refuses = func(i int) bool { return i == 499 }
	c.Model = check.NewModel(w)
	require.ErrorContains(t, Preload(t.Context(), c), "of 4500 keys: rpc error: code = InvalidArgument")
}

// A bad operation fails alone; a failed call fails all of its operations.
func TestFailuresInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &batcher{memory: newMemory(10 * time.Millisecond), refuses: func(i int) bool { return i == 3 }}
		b.fails = func(call int64) error {
			if call%10 == 0 {
				return status.Error(codes.Unavailable, "connection lost")
			}
			return nil
		}
		c := batchConfig(t, workload.TypePut, 1, b)
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		// 100 calls begin in the window; of those 10 fail, and one put of each other.
		require.Equal(t, map[string]int64{"Unavailable": 10 * 25, "InvalidArgument": 90}, got.Ops[0].Errors)
		require.Equal(t, int64(90*24), got.Ops[0].Count)
		answers := c.Model.Answers()
		require.True(t, answers.OK, answers.Detail)
		require.Equal(t, int64(11*25), c.Model.Totals().Unknown, "of the failed calls' operations, the warm-up's included")
	})
}

// Ranges have no batches and go one by one beside the others.
func TestMixedBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &batcher{memory: newMemory(10 * time.Millisecond)}
		c := batchConfig(t, workload.TypeMixed, 10, b)
		got, err := Run(t.Context(), c)
		require.NoError(t, err)
		counts := map[string]int64{}
		for _, op := range got.Ops {
			counts[op.Op] = op.Count
		}
		require.Equal(t, map[string]int64{"put": 4 * 100 * 25, "get": 4 * 100 * 25, "range": 100, "delete": 100 * 25}, counts)
	})
}
