package variants_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/mem"

	"metastorebench/core/api"
	"metastorebench/core/client"
	"metastorebench/core/engine"
	"metastorebench/core/node"
	"metastorebench/core/recycle"
	"metastorebench/variants"
	"metastorebench/variants/rpc"
)

// recyclings are the selections whose memory is used again in different ways.
func recyclings(tb testing.TB) map[string]variants.Selection {
	all := make(map[string]variants.Selection)
	for _, engine := range engines() {
		if engine == "rocksdb" {
			continue // as pebble, on real files
		}
		for _, codec := range []string{"protobuf", "wire"} {
			for _, pool := range values("pool") {
				for _, transport := range []string{rpc.Tuned, rpc.Lean} {
					all[fmt.Sprintf("%s/%s/pool=%s/rpc=%s", engine, codec, pool, transport)] =
						with(tb, variants.VariantBest, "engine", engine, "codec", codec, "pool", pool, "index", "hybrid", "rpc", transport)
				}
			}
		}
	}
	return all
}

// poisonReleased has every buffer that is released during the test overwritten,
// those that gRPC receives messages in too, if servers have the option.
func poisonReleased(t *testing.T) grpc.ServerOption {
	recycle.PoisonReleased(true)
	t.Cleanup(func() { recycle.PoisonReleased(false) })
	return experimental.BufferPool(recycle.Buffers(mem.NewTieredBufferPool(1<<11, 1<<12, 1<<14, 1<<16, 1<<20)))
}

// TestRecycledMemory drives a store through every API while released buffers are
// overwritten: every answer and the final content are those of a model, before and
// after a restart. Values are of sizes that gRPC pools, and that it does not.
func TestRecycledMemory(t *testing.T) {
	for name, s := range recyclings(t) {
		t.Run(name, func(t *testing.T) {
			option := poisonReleased(t)
			fs := vfs.NewMem()
			o := options(t, fs, "data", s)
			o.SnapshotCount, o.CatchUpEntries, o.SegmentBytes = 30, 1, 64<<10
			n := start(t, o)
			model := driveAll(t, s, option, n)
			requireContent(t, n, model)
			require.NoError(t, n.Stop())
			o.Metrics = options(t, fs, "data", s).Metrics
			requireContent(t, start(t, o), model)
		})
	}
}

// TestRecycledMemoryInCluster does the same to a cluster of three, through each of
// its members: all of them hold the model's content in the end.
func TestRecycledMemoryInCluster(t *testing.T) {
	option := poisonReleased(t)
	s := with(t, variants.VariantBest, "codec", "wire", "pool", "on")
	c := startTrio(t, s, true)
	model := driveAll(t, s, option, c.nodes["a"], c.nodes["b"], c.nodes["c"])
	for _, n := range c.nodes {
		require.NoError(t, n.Err())
		requireContent(t, n, model)
	}
}

// driveAll serves the nodes, drives them from several workers, and returns what
// they then hold.
func driveAll(t *testing.T, s variants.Selection, option grpc.ServerOption, nodes ...*node.Node) map[string][]byte {
	t.Helper()
	model := make(map[string][]byte)
	var workers []*worker
	for i, n := range nodes {
		o := api.ServerOptions{RPC: []grpc.ServerOption{option}, Pool: s.Pool(), Lean: s["rpc"] == rpc.Lean}
		addr, shutdown := serve(t, n, o)
		defer func() { require.NoError(t, shutdown()) }()
		pool, err := client.Dial(client.Options{Endpoint: addr, Conns: 2})
		require.NoError(t, err)
		defer func() { require.NoError(t, pool.Close()) }()
		streams := pool.Streams(1)
		defer func() { require.NoError(t, streams.Close()) }()
		for w := range 4 {
			id := 4*i + w
			kv := pool.Handle(w)
			if w%2 == 1 {
				kv = streams.Handle(w)
			}
			workers = append(workers, &worker{
				t: t, rng: rand.New(rand.NewPCG(1, uint64(id))), prefix: fmt.Sprintf("\xff%02d/", id),
				kv: kv, batch: pool.Batch(w), etcd: pb.NewKVClient(pool), model: make(map[string][]byte),
			})
		}
		viaGateway(t, n, o, fmt.Sprint("gateway ", i), model)
	}
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() { w.run(100) })
	}
	wg.Wait()
	for _, w := range workers {
		maps.Copy(model, w.model)
	}
	return model
}

// viaGateway puts a key as JSON.
func viaGateway(t *testing.T, n *node.Node, o api.ServerOptions, key string, model map[string][]byte) {
	server, err := api.NewServer(n, o)
	require.NoError(t, err)
	encode := base64.StdEncoding.EncodeToString
	body := fmt.Sprintf(`{"key":%q,"value":%q}`, encode([]byte(key)), encode([]byte(key)))
	rec := httptest.NewRecorder()
	server.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/v3/kv/put", strings.NewReader(body)))
	require.Equal(t, http.StatusOK, rec.Code, rec.Body)
	require.NoError(t, server.Shutdown(t.Context()))
	model[key] = []byte(key)
}

// worker drives keys of its own through one API or another, and compares every
// answer with its model.
type worker struct {
	t      *testing.T
	rng    *rand.Rand
	prefix string
	kv     client.KV
	batch  *client.Batch
	etcd   pb.KVClient
	model  map[string][]byte
}

func (w *worker) run(steps int) {
	do := []func(context.Context) error{w.put, w.put, w.get, w.delete, w.scan, w.putBatch, w.deleteBatch, w.etcdPut, w.txn}
	for step := range steps {
		if err := do[w.rng.IntN(len(do))](w.t.Context()); err != nil {
			w.t.Errorf("worker %q, step %d: %v", w.prefix, step, err)
			return
		}
	}
}

func (w *worker) key() string { return fmt.Sprint(w.prefix, w.rng.IntN(12)) }

// value returns up to 6 KiB of one letter.
func (w *worker) value() []byte {
	return bytes.Repeat([]byte{byte('a' + w.rng.IntN(26))}, w.rng.IntN(4)*w.rng.IntN(2000))
}

// same returns an error if what was read under key is not the model's.
func (w *worker) same(key string, found bool, value []byte) error {
	want, ok := w.model[key]
	if ok != found || !bytes.Equal(want, value) {
		return fmt.Errorf("%q is %.20q (%d bytes, found: %t), want %.20q (%d bytes, found: %t)", key, value, len(value), found, want, len(want), ok)
	}
	return nil
}

func (w *worker) put(ctx context.Context) error {
	key, value := w.key(), w.value()
	w.model[key] = value
	_, err := w.kv.Put(ctx, []byte(key), value)
	return err
}

func (w *worker) get(ctx context.Context) error {
	key := w.key()
	pair, _, err := w.kv.Get(ctx, []byte(key))
	if err != nil {
		return err
	}
	return w.same(key, pair != nil, pair.GetValue())
}

func (w *worker) delete(ctx context.Context) error {
	key := w.key()
	_, was := w.model[key]
	delete(w.model, key)
	deleted, _, err := w.kv.Delete(ctx, []byte(key), nil)
	if err == nil && (deleted == 1) != was {
		err = fmt.Errorf("deleted %d of %q", deleted, key)
	}
	return err
}

func (w *worker) scan(ctx context.Context) error {
	page, err := w.kv.Range(ctx, []byte(w.prefix), []byte(w.prefix+"\xff"), 0)
	if err != nil {
		return err
	}
	if len(page.Pairs) != len(w.model) {
		return fmt.Errorf("found %d keys, want %d", len(page.Pairs), len(w.model))
	}
	for _, p := range page.Pairs {
		if err := w.same(string(p.Key), true, p.Value); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) putBatch(ctx context.Context) error {
	var pairs []client.Pair
	for range 1 + w.rng.IntN(8) {
		key, value := w.key(), w.value()
		w.model[key] = value
		pairs = append(pairs, client.Pair{Key: []byte(key), Value: value})
	}
	if w.rng.IntN(4) == 0 {
		pairs = append(pairs, client.Pair{Value: []byte("no key: refused alone")})
	}
	outcomes, _, err := w.batch.Put(ctx, pairs)
	for i, o := range outcomes {
		if err == nil && (o.Err != nil) != (len(pairs[i].Key) == 0) {
			err = fmt.Errorf("put %d of a batch: %w", i, o.Err)
		}
	}
	return err
}

func (w *worker) deleteBatch(ctx context.Context) error {
	keys := [][]byte{[]byte(w.key()), []byte(w.key())}
	for _, k := range keys {
		delete(w.model, string(k))
	}
	if _, _, err := w.batch.Delete(ctx, keys); err != nil {
		return err
	}
	outcomes, _, err := w.batch.Get(ctx, keys)
	for i, o := range outcomes {
		if err == nil {
			err = w.same(string(keys[i]), o.Pair != nil, o.Pair.GetValue())
		}
	}
	return err
}

// etcdPut asks for the pair before, and keeps its value if there is one.
func (w *worker) etcdPut(ctx context.Context) error {
	key := w.key()
	before, was := w.model[key]
	req := &pb.PutRequest{Key: []byte(key), PrevKv: true, IgnoreValue: was}
	if !was {
		req.Value = w.value()
		w.model[key] = req.Value
	}
	resp, err := w.etcd.Put(ctx, req)
	if err == nil && ((resp.PrevKv != nil) != was || !bytes.Equal(resp.PrevKv.GetValue(), before)) {
		err = fmt.Errorf("the pair before %q is %.20q, want %.20q", key, resp.PrevKv.GetValue(), before)
	}
	return err
}

// txn puts if the key is as the model says, and reads it back.
func (w *worker) txn(ctx context.Context) error {
	key, value := w.key(), w.value()
	compare := &pb.Compare{Key: []byte(key), Target: pb.Compare_VERSION, TargetUnion: &pb.Compare_Version{}}
	if _, was := w.model[key]; was {
		compare.Result = pb.Compare_GREATER
	}
	w.model[key] = value
	resp, err := w.etcd.Txn(ctx, &pb.TxnRequest{Compare: []*pb.Compare{compare}, Success: []*pb.RequestOp{
		{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(key), Value: value}}},
		{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte(key)}}},
	}})
	if err != nil {
		return err
	}
	if !resp.Succeeded {
		return fmt.Errorf("the compare of %q failed", key)
	}
	return w.same(key, true, resp.Responses[1].GetResponseRange().Kvs[0].Value)
}

// requireContent compares all that a node holds with the model.
func requireContent(t *testing.T, n *node.Node, model map[string][]byte) {
	t.Helper()
	found := make(map[string][]byte)
	require.NoError(t, n.Read(t.Context(), false, func(r engine.Reader) error {
		for _, key := range slices.Sorted(maps.Keys(model)) {
			pair, err := r.Get([]byte(key))
			require.NoError(t, err)
			if pair != nil {
				found[string(pair.Key)] = append([]byte{}, pair.Value...)
			}
		}
		count, err := r.Count([]byte{0}, nil)
		require.NoError(t, err)
		require.EqualValues(t, len(model), count)
		return nil
	}))
	require.Len(t, found, len(model))
	for key, value := range model {
		require.True(t, bytes.Equal(value, found[key]), "%q is %.20q, want %.20q", key, found[key], value)
	}
}
