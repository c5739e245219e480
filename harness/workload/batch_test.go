package workload

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

func batched(typ string, ops int) record.Workload {
	w := valid(typ)
	w.API, w.BatchOps = APIBatch, ops
	return w
}

// TestCallsOfAStream checks that the calls of a client hold operations of one
// kind, and that batches of one are the stream without batches.
func TestCallsOfAStream(t *testing.T) {
	for _, typ := range Types() {
		one, plain := mustNew(t, batched(typ, 1)), mustNew(t, valid(typ))
		many := mustNew(t, batched(typ, 10))
		for client := range one.Clients {
			a, b, c := one.Stream(client), plain.Stream(client), many.Stream(client)
			for range 30 {
				require.Equal(t, b.Next(), a.Next())
				ops := c.Next()
				require.Len(t, ops, many.Call(ops[0].Kind))
				for _, op := range ops {
					require.Equal(t, ops[0].Kind, op.Kind)
				}
			}
		}
	}
	w := mustNew(t, batched(TypeMixed, 10))
	require.Equal(t, []int{10, 10, 1, 10}, []int{w.Call(Put), w.Call(Get), w.Call(Range), w.Call(Delete)})
	require.Equal(t, 1, mustNew(t, valid(TypeMixed)).Call(Put))
}

// TestLargeScaleBatches checks that a batch of gets reads the keys of the batch
// of puts before it.
func TestLargeScaleBatches(t *testing.T) {
	s := mustNew(t, batched(TypeLargeScale, 8)).Stream(2)
	var last []Op
	for range 20 {
		puts := append([]Op(nil), s.Next()...)
		gets := s.Next()
		require.Len(t, gets, 8)
		for i := range puts {
			require.Equal(t, []Op{{Put, puts[i].Key}, {Get, puts[i].Key}}, []Op{puts[i], gets[i]})
		}
		require.NotEqual(t, last, puts)
		last = puts
	}
}

func TestInvalidBatches(t *testing.T) {
	for want, change := range map[string]func(*record.Workload){
		"batch_ops is 0; accepted: 1 to 10000":                           func(w *record.Workload) { w.BatchOps = 0 },
		"batch_ops is 10001; accepted: 1 to 10000":                       func(w *record.Workload) { w.BatchOps = 10_001 },
		"batch_ops is 10, but api grpc sends one operation in a call":    func(w *record.Workload) { w.API = APIGRPC },
		"which makes batches of 10485920 bytes; accepted: up to 1572864": func(w *record.Workload) { w.ValueBytes = 1<<20 - w.KeyBytes },
		"api is batch in an open loop, whose operations are due one by one; accepted: loop closed": func(w *record.Workload) {
			w.Loop, w.Arrivals, w.OfferedOpsPerSecond = record.LoopOpen, record.ArrivalsPoisson, 10
		},
	} {
		w := batched(TypePut, 10)
		change(&w)
		errs := Validate(w)
		require.Len(t, errs, 1, want)
		require.ErrorIs(t, errs[0], ErrInvalid)
		require.ErrorContains(t, errs[0], want)
	}
}
