package apply_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/apply"
	"metastorebench/core/apply/applytest"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// filled returns an engine with keys k0 to k9.
func filled(t *testing.T) *applytest.Oracle {
	t.Helper()
	o := applytest.New()
	for i := range 10 {
		st := o.State()
		_, err := apply.Exec(o, &st, &kv.Command{Put: &kv.PutRequest{Key: fmt.Appendf(nil, "k%d", i), Value: []byte("v")}})
		require.NoError(t, err)
		require.NoError(t, o.Commit(st))
	}
	o.Gets, o.Counts, o.Changes, o.Scanned = 0, 0, 0, 0
	return o
}

func TestPointReadIsOneGet(t *testing.T) {
	o := filled(t)
	res, err := apply.Range(o, &kv.RangeRequest{Key: []byte("k3")})
	require.NoError(t, err)
	require.Len(t, res.KVs, 1)
	require.Equal(t, 1, o.Gets)
	require.Zero(t, o.Scanned+o.Counts)
}

// TestLimitStopsTheScan also when the keys are wanted in order, up or down: the
// engine scans either way.
func TestLimitStopsTheScan(t *testing.T) {
	for order, first := range map[kv.RangeRequest_SortOrder]string{
		kv.RangeRequest_NONE: "k1", kv.RangeRequest_ASCEND: "k1", kv.RangeRequest_DESCEND: "k9",
	} {
		o := filled(t)
		res, err := apply.Range(o, &kv.RangeRequest{Key: []byte("k1"), RangeEnd: []byte{0}, Limit: 2, SortOrder: order})
		require.NoError(t, err)
		require.True(t, res.More)
		require.Len(t, res.KVs, 2)
		require.Equal(t, first, string(res.KVs[0].Key))
		require.EqualValues(t, 9, res.Count)
		require.Equal(t, 3, o.Scanned, "one pair more than the limit tells whether there is more")
		require.Equal(t, 1, o.Counts)
	}
}

func TestCountOnlyReadsNoPairs(t *testing.T) {
	o := filled(t)
	res, err := apply.Range(o, &kv.RangeRequest{Key: []byte("k1"), RangeEnd: []byte{0}, CountOnly: true})
	require.NoError(t, err)
	require.EqualValues(t, 9, res.Count)
	require.Zero(t, o.Scanned)
}

func TestPutTakesSlicesOver(t *testing.T) {
	o := applytest.New()
	st := o.State()
	put := &kv.PutRequest{Key: []byte("k"), Value: []byte("v")}
	_, err := apply.Exec(o, &st, &kv.Command{Put: put})
	require.NoError(t, err)
	require.Same(t, &put.Key[0], &o.Pairs()[0].Key[0])
	require.Same(t, &put.Value[0], &o.Pairs()[0].Value[0])
}

func TestRefusedCommandChangesNothing(t *testing.T) {
	lease := &kv.PutRequest{Key: []byte("k1"), Lease: 1}
	write := &kv.RequestOp{Put: &kv.PutRequest{Key: []byte("k2"), Value: []byte("new")}}
	for name, cmd := range map[string]*kv.Command{
		"put":     {Put: lease},
		"txn":     {Txn: &kv.TxnRequest{Success: []*kv.RequestOp{write, {Put: lease}}}},
		"compact": {Compact: &kv.CompactRequest{Revision: 99}},
	} {
		t.Run(name, func(t *testing.T) {
			o := filled(t)
			before := o.State()
			st := before
			res, err := apply.Exec(o, &st, cmd)
			require.NoError(t, err)
			require.Error(t, res.Err)
			require.False(t, kv.Unknown(res.Err))
			require.Equal(t, before, st)
			require.Zero(t, o.Changes)
		})
	}
}

func TestEngineFailureIsReturned(t *testing.T) {
	broken := errors.New("disk on fire")
	key := []byte("k1")
	get := &kv.RequestOp{Range: &kv.RangeRequest{Key: key, Revision: 11}}
	put := &kv.RequestOp{Put: &kv.PutRequest{Key: key, IgnoreValue: true}}
	all := &kv.DeleteRangeRequest{Key: key, RangeEnd: []byte{0}}
	for name, cmd := range map[string]*kv.Command{
		"put":          {Put: &kv.PutRequest{Key: key}},
		"delete":       {DeleteRange: &kv.DeleteRangeRequest{Key: key}},
		"delete range": {DeleteRange: all},
		"txn compare":  {Txn: &kv.TxnRequest{Compare: []*kv.Compare{{Key: key}}}},
		"txn range":    {Txn: &kv.TxnRequest{Success: []*kv.RequestOp{get}}},
		"txn put":      {Txn: &kv.TxnRequest{Success: []*kv.RequestOp{put}}},
		"txn delete":   {Txn: &kv.TxnRequest{Success: []*kv.RequestOp{{DeleteRange: all}}}},
		"txn nested": {Txn: &kv.TxnRequest{Success: []*kv.RequestOp{
			{Txn: &kv.TxnRequest{Compare: []*kv.Compare{{Key: key, RangeEnd: []byte{0}}}}},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := filled(t)
			o.Fail = broken
			before := o.State()
			st := before
			_, err := apply.Exec(o, &st, cmd)
			require.ErrorIs(t, err, broken)
			require.Equal(t, before, st, "a failed command must not move the state")
		})
	}
	t.Run("reads", func(t *testing.T) {
		o := filled(t)
		o.Fail = broken
		for _, req := range []*kv.RangeRequest{
			{Key: key}, {Key: key, RangeEnd: []byte{0}}, {Key: key, RangeEnd: []byte{0}, CountOnly: true},
		} {
			_, err := apply.Range(o, req)
			require.ErrorIs(t, err, broken)
		}
	})
}

func TestCommandWithoutRequest(t *testing.T) {
	for name, cmd := range map[string]*kv.Command{
		"command":   {},
		"operation": {Txn: &kv.TxnRequest{Success: []*kv.RequestOp{{}}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := applytest.New()
			st := o.State()
			_, err := apply.Exec(o, &st, cmd)
			require.ErrorIs(t, err, apply.ErrNoRequest)
		})
	}
}

func TestReadOnly(t *testing.T) {
	get := &kv.RequestOp{Range: &kv.RangeRequest{}}
	put := &kv.RequestOp{Put: &kv.PutRequest{}}
	del := &kv.RequestOp{DeleteRange: &kv.DeleteRangeRequest{}}
	nested := func(op *kv.RequestOp) *kv.RequestOp {
		return &kv.RequestOp{Txn: &kv.TxnRequest{Failure: []*kv.RequestOp{op}}}
	}
	for _, tc := range []struct {
		name string
		txn  *kv.TxnRequest
		want bool
	}{
		{"empty", &kv.TxnRequest{}, true},
		{"ranges", &kv.TxnRequest{Success: []*kv.RequestOp{get}, Failure: []*kv.RequestOp{get, get}}, true},
		{"put", &kv.TxnRequest{Success: []*kv.RequestOp{get, put}}, false},
		{"delete in the other branch", &kv.TxnRequest{Failure: []*kv.RequestOp{del}}, false},
		{"nested range", &kv.TxnRequest{Success: []*kv.RequestOp{nested(get)}}, true},
		{"nested put", &kv.TxnRequest{Success: []*kv.RequestOp{get, nested(put)}}, false},
	} {
		require.Equal(t, tc.want, apply.ReadOnly(tc.txn), tc.name)
	}
}

// stub is an engine of one pair, so that BenchmarkExecPut measures Exec alone.
type stub struct {
	*applytest.Oracle
	pair *kv.KeyValue
}

func (s *stub) Get([]byte) (*kv.KeyValue, error) { return s.pair, nil }

func (s *stub) Put(p *kv.KeyValue) error {
	s.pair = p
	return nil
}

var _ engine.Batch = (*stub)(nil)

func BenchmarkExecPut(b *testing.B) {
	s := &stub{Oracle: applytest.New()}
	st := s.State()
	cmd := &kv.Command{Put: &kv.PutRequest{Key: binary.BigEndian.AppendUint64(nil, 7), Value: make([]byte, 256)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := apply.Exec(s, &st, cmd); err != nil {
			b.Fatal(err)
		}
	}
}
