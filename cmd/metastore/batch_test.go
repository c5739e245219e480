package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/client"
	"metastorebench/variants"
)

// batchSize is the number of keys of each writer, all of which are in each of its
// batches.
const batchSize = 25

// batchWriter puts its keys in batches, over and over. The value of all is the
// batch's number, so that they say which batches happened.
type batchWriter struct {
	keys   [][]byte
	pairs  []client.Pair
	number uint64 // of the newest batch known to have happened
	first  int64  // revision of its first put
}

func newBatchWriter(id int) *batchWriter {
	w := &batchWriter{}
	for i := range batchSize {
		key := fmt.Appendf(nil, "\xff%d/%d", id, i)
		w.keys = append(w.keys, key)
		w.pairs = append(w.pairs, client.Pair{Key: key})
	}
	return w
}

// put sends the next batch and checks that its puts were given consecutive
// revisions.
func (w *batchWriter) put(t *testing.T, b *client.Batch) error {
	for i := range w.pairs {
		w.pairs[i].Value = binary.BigEndian.AppendUint64(nil, w.number+1)
	}
	outcomes, _, err := b.Put(t.Context(), w.pairs)
	if err != nil {
		return err
	}
	w.number++
	w.first = outcomes[0].Revision
	for i, o := range outcomes {
		if o.Err != nil || o.Revision != w.first+int64(i) {
			t.Errorf("put %d of a batch that begins at revision %d: %+v", i, w.first, o)
		}
	}
	return nil
}

// check reads the keys after a restart: all are of one batch, the newest
// acknowledged one at the revisions it was given, or the one that was under way,
// and each was put once per batch.
func (w *batchWriter) check(t *testing.T, b *client.Batch) {
	t.Helper()
	outcomes, _, err := b.Get(t.Context(), w.keys)
	require.NoError(t, err)
	if outcomes[0].Pair == nil {
		require.Zero(t, w.number, "an acknowledged batch is lost")
	}
	found, first := w.number, w.first
	for i, o := range outcomes {
		require.NoError(t, o.Err)
		if outcomes[0].Pair == nil {
			require.Nil(t, o.Pair, "a batch happened in part")
			continue
		}
		require.NotNil(t, o.Pair, "a batch happened in part")
		number := binary.BigEndian.Uint64(o.Pair.Value)
		if i == 0 {
			require.Contains(t, []uint64{w.number, w.number + 1}, number)
			if found = number; found > w.number {
				first = o.Pair.ModRevision
			}
		}
		require.Equal(t, found, number, "a batch happened in part")
		require.Equal(t, first+int64(i), o.Pair.ModRevision)
		require.EqualValues(t, found, o.Pair.Version, "a batch was applied twice")
	}
	w.number, w.first = found, first
}

// TestKillUnderBatches kills the store with SIGKILL under batches and starts it
// again, several times on the same data: each batch is there whole or not at all,
// every acknowledged one is, at the revisions of its answer, and none twice.
func TestKillUnderBatches(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		for _, variant := range []string{variants.VariantBest, variants.VariantBaseline} {
			t.Run(variant, func(t *testing.T) {
				killBatches(t, "--engine", engine, "--variant", variant, "--snapshot-count", "20")
			})
		}
	})
}

func killBatches(t *testing.T, args ...string) {
	dir := t.TempDir()
	writers := make([]*batchWriter, 4)
	for i := range writers {
		writers[i] = newBatchWriter(i)
	}
	for round := range 3 {
		p := startProcess(t, dir, args...)
		pool, err := client.Dial(client.Options{Endpoint: p.ready.Client, Conns: 2})
		require.NoError(t, err)
		for i, w := range writers {
			w.check(t, pool.Batch(i))
		}
		if round < 2 {
			putUntilKilled(t, p, pool, writers, 10+7*round)
		}
		require.NoError(t, pool.Close())
	}
	for _, w := range writers {
		require.Positive(t, w.number)
	}
}

// putUntilKilled kills the store when it has answered so many batches of the
// first writer.
func putUntilKilled(t *testing.T, p *process, pool *client.Pool, writers []*batchWriter, batches int) {
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() {
			b := pool.Batch(i)
			for n := 0; w.put(t, b) == nil; n++ {
				if i == 0 && n == batches {
					p.kill()
				}
			}
		})
	}
	wg.Wait()
}

// TestBatchesOverHTTP drives the gateway of a running store, and looks for the
// operations in its metrics.
func TestBatchesOverHTTP(t *testing.T) {
	p := startProcess(t, t.TempDir())
	post := func(path, body string) string {
		resp, err := http.Post("http://"+p.ready.HTTP+path, "application/json", strings.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode, string(answer))
		return string(answer)
	}
	require.JSONEq(t, `{"revision":"3","results":[{"revision":"2"},{"error":{"code":3,"message":"etcdserver: key is not provided"}},{"revision":"3"}]}`,
		post("/v3/batch/put", `{"puts":[{"key":"YQ==","value":"MQ=="},{"value":"MQ=="},{"key":"YQ==","value":"Mg=="}]}`))
	require.JSONEq(t, `{"revision":"3","results":[{"pair":{"key":"YQ==","value":"Mg==","create_revision":"2","mod_revision":"3","version":"2"}}]}`,
		post("/v3/batch/get", `{"gets":[{"key":"YQ=="}]}`))
	require.JSONEq(t, `{"revision":"4","results":[{"revision":"4","deleted":"1"},{"revision":"4"}]}`,
		post("/v3/batch/delete", `{"deletes":[{"key":"YQ=="},{"key":"YQ=="}]}`))

	resp, err := http.Get("http://" + p.ready.HTTP + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	metrics, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for _, want := range []string{
		`metastore_ops_total{engine="memory",operation="batch_put",status="OK"} 2`,
		`metastore_ops_total{engine="memory",operation="batch_put",status="InvalidArgument"} 1`,
		`metastore_ops_total{engine="memory",operation="batch_delete",status="OK"} 2`,
		`metastore_op_duration_seconds_count{engine="memory",operation="batch_put"} 1`,
		`metastore_applied_ops_total 4`,
	} {
		require.Contains(t, string(metrics), "\n"+want+"\n")
	}
}
