package variants_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/encoding/protowire"

	"metastorebench/core/api"
	"metastorebench/core/client"
	"metastorebench/core/kv"
	"metastorebench/core/metrics"
	"metastorebench/core/node"
	"metastorebench/variants"
	"metastorebench/variants/rpc"
)

// BenchmarkPutAllocs counts allocations and copied bytes of a synced put of an
// 8-byte key and a 256-byte value, for each value of --codec and --pool:
//
//	process   1,000 callers of the node, one put each, without gRPC: what the
//	          store allocates, and its callers beside it nothing
//	submit    the same, as a stream hands them over, 256 puts in a call
//	stream    1,000 callers on two streams, over TCP, client and gRPC included
//	unary     100 callers, one call each, client and gRPC included
//
// copied-B/op is what the codec and the log entries copied (package metrics), of
// 264 bytes of key and value.
func BenchmarkPutAllocs(b *testing.B) {
	profile, err := rpc.Lookup(rpc.Tuned)
	if err != nil {
		b.Fatal(err)
	}
	for _, engine := range engines() {
		for _, codec := range values("codec") {
			for _, pool := range values("pool") {
				s := with(b, variants.VariantBest, "engine", engine, "codec", codec, "pool", pool)
				name := fmt.Sprintf("engine=%s/codec=%s/pool=%s", engine, codec, pool)
				b.Run("api=process/"+name, func(b *testing.B) { benchmarkAllocs(b, s, benchmarkProcess) })
				b.Run("api=submit/"+name, func(b *testing.B) { benchmarkAllocs(b, s, benchmarkSubmit) })
				b.Run("api=stream/"+name, func(b *testing.B) { benchmarkStreamPut(b, s, profile) })
				b.Run("api=unary/"+name, func(b *testing.B) { benchmarkUnaryPut(b, s, profile) })
			}
		}
	}
}

// benchmarkAllocs counts around put, which puts so many times to a node.
func benchmarkAllocs(b *testing.B, s variants.Selection, put func(b *testing.B, n *node.Node, puts int)) {
	o := options(b, vfs.Default, b.TempDir(), s)
	n := start(b, o)
	put(b, n, 100_000) // the keys are there, and the pools
	before := copiedBytes(b, o.Metrics)
	b.ReportAllocs()
	b.ResetTimer()
	put(b, n, b.N)
	b.StopTimer()
	b.ReportMetric((copiedBytes(b, o.Metrics)-before)/float64(b.N), "copied-B/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
}

// copiedBytes sums the store's account of copied bytes.
func copiedBytes(tb testing.TB, m *metrics.Metrics) (sum float64) {
	tb.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, "metastore_write_copied_bytes_total{") {
			_, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			bytes, err := strconv.ParseFloat(value, 64)
			if err != nil {
				tb.Fatal(err)
			}
			sum += bytes
		}
	}
	return sum
}

// putForm returns the wire form of a put, as gRPC would have received it, with
// room to change the key.
func putForm() (form, key []byte) {
	form = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), make([]byte, 8))
	key = form[2:10]
	return protowire.AppendBytes(protowire.AppendTag(form, 2, protowire.BytesType), make([]byte, 256)), key
}

// benchmarkProcess puts from 1,000 callers, each of which waits.
func benchmarkProcess(b *testing.B, n *node.Node, puts int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			form, _ := putForm()
			key := form[2:10]
			put := kv.PutRequest{Key: key, Value: form[len(form)-256:]}
			cmd := kv.Command{Put: &put}
			for i := next.Add(1); i <= int64(puts); i = next.Add(1) {
				binary.BigEndian.PutUint64(key, uint64(i%100_000))
				var err error
				if n.TakesWire() {
					_, err = n.ProposeWire(context.Background(), kv.Wire{Form: kv.FormPut, Ops: 1, Bytes: form})
				} else {
					_, err = n.Propose(context.Background(), &cmd)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// window is a sink that counts answers, for a submitter that has up to four calls
// under way.
type window struct {
	b    *testing.B
	mu   sync.Mutex
	room sync.Cond
	open int
}

func (w *window) Answered(answers []kv.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open -= len(answers)
	for _, a := range answers {
		if a.Err != nil {
			w.b.Error(a.Err)
		}
	}
	w.room.Signal()
}

// wait takes room for so many puts below the bound.
func (w *window) wait(puts, bound int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.open+puts > bound {
		w.room.Wait()
	}
	w.open += puts
}

// benchmarkSubmit puts from one goroutine, as a stream's does. What is received is
// not changed while it is under way, as with pooled frames: there are as many of
// them as fit into the window.
func benchmarkSubmit(b *testing.B, n *node.Node, puts int) {
	const perCall, calls = 256, 8
	w := &window{b: b}
	w.room.L = &w.mu
	frames := make([][perCall][]byte, calls+1)
	for f := range frames {
		for i := range perCall {
			frames[f][i], _ = putForm()
		}
	}
	subs := make([]kv.Submission, 0, perCall)
	commands := make([]kv.Command, perCall)
	requests := make([]kv.PutRequest, perCall)
	for done, f := 0, 0; done < puts; f++ {
		size := min(perCall, puts-done)
		w.wait(size, perCall*calls)
		subs = subs[:0]
		for i := range size {
			form := frames[f%len(frames)][i]
			binary.BigEndian.PutUint64(form[2:10], uint64((done+i)%100_000))
			if n.TakesWire() {
				subs = append(subs, kv.Submission{Wire: kv.Wire{Form: kv.FormPut, Ops: 1, Bytes: form}})
				continue
			}
			requests[i].Key, requests[i].Value = form[2:10], form[len(form)-256:]
			commands[i].Put = &requests[i]
			subs = append(subs, kv.Submission{Command: &commands[i]})
		}
		n.ProposeEach(subs, w)
		done += size
	}
	w.wait(perCall*calls, perCall*calls)
}

func benchmarkUnaryPut(b *testing.B, s variants.Selection, profile rpc.Profile) {
	n := start(b, options(b, vfs.Default, b.TempDir(), s))
	addr, shutdown := serve(b, n, api.ServerOptions{RPC: profile.Server, Pool: s.Pool()})
	pool, err := client.Dial(client.Options{Endpoint: addr, Conns: 2, DialOptions: profile.Client})
	if err != nil {
		b.Fatal(err)
	}
	put := func(puts int) {
		var next atomic.Int64
		var wg sync.WaitGroup
		for c := range 100 {
			wg.Go(func() {
				h, value := pool.Handle(c), make([]byte, 256)
				var key []byte
				for i := next.Add(1); i <= int64(puts); i = next.Add(1) {
					key = binary.BigEndian.AppendUint64(key[:0], uint64(i%100_000))
					if _, err := h.Put(context.Background(), key, value); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	put(10_000)
	b.ReportAllocs()
	b.ResetTimer()
	put(b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	if err := errors.Join(pool.Close(), shutdown(), n.Stop()); err != nil {
		b.Fatal(err)
	}
}
