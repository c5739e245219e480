package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"metastorebench/core/client"
	"metastorebench/core/trace"
	"metastorebench/variants"
)

// summaries reads the stage trace off /metrics: count and sum in seconds, by
// stage, "" for the total, and the number of incomplete traces.
func (p *process) summaries(t *testing.T) (count map[string]uint64, sum map[string]float64, incomplete float64) {
	t.Helper()
	resp, err := http.Get("http://" + p.ready.HTTP + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	require.NoError(t, err)
	count, sum = map[string]uint64{}, map[string]float64{}
	for _, name := range []string{"metastore_stage_seconds", "metastore_stage_total_seconds"} {
		for _, m := range families[name].GetMetric() {
			stage := ""
			for _, l := range m.GetLabel() {
				stage = l.GetValue()
			}
			count[stage], sum[stage] = m.GetSummary().GetSampleCount(), m.GetSummary().GetSampleSum()
		}
	}
	for _, m := range families["metastore_stage_incomplete_total"].GetMetric() {
		incomplete = m.GetCounter().GetValue()
	}
	return count, sum, incomplete
}

// TestStageTrace drives every kind of write, over both APIs, on streams and from
// many clients, through stores that trace all: each write that was carried out is in
// the trace once, whole, and its stages add up to its time in the store.
func TestStageTrace(t *testing.T) {
	for _, args := range [][]string{
		{"--variant", variants.VariantBaseline}, {"--variant", variants.VariantBest}, {"--wal", "group"}, {"--wal", "async"},
		{"--rpc", "lean"},
	} {
		t.Run(args[1], func(t *testing.T) {
			p := startProcess(t, t.TempDir(), append(args, "--stage-sample", "1")...)
			require.Equal(t, "1", p.ready.Options["stage-sample"])
			began := time.Now()
			writes := everyKindOfWrite(t, p)
			elapsed := time.Since(began)
			count, sum, incomplete := p.summaries(t)
			require.Zero(t, incomplete)
			require.Len(t, count, len(trace.Stages())+1)
			var stages float64
			for _, s := range trace.Stages() {
				require.Equal(t, uint64(writes), count[s.String()], s)
				require.Positive(t, sum[s.String()], s)
				stages += sum[s.String()]
			}
			require.Equal(t, uint64(writes), count[""])
			require.LessOrEqual(t, stages, sum[""]+1e-9)
			require.Less(t, sum[""], elapsed.Seconds()*clients, "no write may take longer than all of them")
		})
	}
}

const clients = 8

// everyKindOfWrite returns the number of writes that were carried out.
func everyKindOfWrite(t *testing.T, p *process) int {
	c := p.client(t)
	const each = 50
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for j := range each {
				if _, err := c.Put(t.Context(), fmt.Sprintf("k%d-%d", i, j), "v"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	_, err := c.Delete(t.Context(), "k0-0")
	require.NoError(t, err)
	_, err = c.Txn(t.Context()).Then(clientv3.OpPut("a", "1"), clientv3.OpPut("b", "2")).Commit()
	require.NoError(t, err)
	resp, err := http.Post("http://"+p.ready.HTTP+"/v3/kv/put", "application/json", strings.NewReader(`{"key":"YQ==","value":"Yg=="}`))
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	// None of these is a write that was carried out.
	_, err = c.Put(t.Context(), "", "no key")
	require.Error(t, err)
	_, err = c.Put(t.Context(), "missing", "", clientv3.WithIgnoreValue())
	require.Error(t, err, "refused when it is applied")
	_, err = c.Txn(t.Context()).Then(clientv3.OpGet("a")).Commit()
	require.NoError(t, err)
	_, err = c.Get(t.Context(), "a")
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Put(gone, "never", "sent")
	require.Error(t, err)
	return clients*each + 3 + streamWrites(t, p)
}

// streamWrites writes on a stream from many clients, and returns the number of
// writes that were carried out.
func streamWrites(t *testing.T, p *process) int {
	pool, err := client.Dial(client.Options{Endpoint: p.ready.Client})
	require.NoError(t, err)
	streams := pool.Streams(1)
	const each = 50
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c := streams.Handle(i)
			for j := range each {
				if _, err := c.Put(t.Context(), fmt.Appendf(nil, "s%d-%d", i, j), []byte("v")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c := streams.Handle(0)
	_, _, err = c.Delete(t.Context(), []byte("s0-0"), nil)
	require.NoError(t, err)

	// Neither of these is a write that was carried out.
	_, err = c.Put(t.Context(), nil, []byte("no key"))
	require.Error(t, err)
	_, _, err = c.Get(t.Context(), []byte("s0-1"))
	require.NoError(t, err)
	require.NoError(t, streams.Close())
	require.NoError(t, pool.Close())
	return clients*each + 1
}

// TestStageTraceIsOffByDefault: a store that does not trace has no such metrics.
func TestStageTraceIsOffByDefault(t *testing.T) {
	p := startProcess(t, t.TempDir())
	require.Equal(t, "0", p.ready.Options["stage-sample"])
	_, err := p.client(t).Put(t.Context(), "a", "b")
	require.NoError(t, err)
	count, _, _ := p.summaries(t)
	require.Empty(t, count)
}
