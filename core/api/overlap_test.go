package api

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"metastorebench/core/kv"
)

func putOp(key string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(key)}}}
}

func delOp(key, end string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{
		RequestDeleteRange: &pb.DeleteRangeRequest{Key: []byte(key), RangeEnd: []byte(end)}}}
}

func txnOp(then, otherwise []*pb.RequestOp) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: &pb.TxnRequest{Success: then, Failure: otherwise}}}
}

func TestOverlaps(t *testing.T) {
	list := func(ops ...*pb.RequestOp) []*pb.RequestOp { return ops }
	for _, tc := range []struct {
		name    string
		ops     []*pb.RequestOp
		refused bool
	}{
		{"different keys", list(putOp("a"), putOp("b"), delOp("c", "")), false},
		{"two puts", list(putOp("a"), putOp("a")), true},
		{"put and delete", list(putOp("a"), delOp("a", "")), true},
		{"delete and put", list(delOp("a", ""), putOp("a")), true},
		{"put in a deleted range", list(delOp("a", "c"), putOp("b")), true},
		{"put at the range's end", list(delOp("a", "c"), putOp("c")), false},
		{"put behind the deleted key", list(delOp("a", ""), putOp("a\x00")), false},
		{"two deletes", list(delOp("a", "c"), delOp("b", "d")), false},
		{"put in merged ranges", list(delOp("a", "c"), delOp("e", "f"), delOp("b", "e"), putOp("d")), true},
		{"an empty range", list(delOp("c", "a"), putOp("b")), false},
		{"delete everything, then put", list(delOp("\x00", "\x00"), putOp("b")), false},
		{"both branches of a nested one", list(txnOp(list(putOp("a")), list(putOp("a")))), false},
		{"nested put and put", list(txnOp(list(putOp("a")), nil), putOp("a")), true},
		{"put in the other nested branch", list(putOp("a"), txnOp(nil, list(putOp("a")))), true},
		{"two nested ones put", list(txnOp(list(putOp("a")), nil), txnOp(nil, list(putOp("a")))), true},
		{"nested put in a deleted range", list(delOp("a", "c"), txnOp(nil, list(putOp("b")))), true},
		{"nested delete of a put key", list(txnOp(nil, list(delOp("a", "c"))), putOp("b")), true},
		{"nested delete, nested put", list(txnOp(list(delOp("a", "")), nil), txnOp(list(putOp("a")), nil)), true},
		{"nested put, nested delete", list(txnOp(list(putOp("a")), nil), txnOp(list(delOp("a", "")), nil)), false},
		{"overlap within a nested one", list(txnOp(list(putOp("a"), putOp("a")), nil)), true},
		{"overlap in its other branch", list(txnOp(nil, list(delOp("a", ""), putOp("a")))), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, r := range []*pb.TxnRequest{{Success: tc.ops}, {Failure: tc.ops}} {
				if err := checkOverlaps(r); tc.refused {
					require.Equal(t, rpctypes.ErrGRPCDuplicateKey, err)
				} else {
					require.NoError(t, err)
				}
			}
			require.NoError(t, checkOverlaps(&pb.TxnRequest{Success: list(putOp("a")), Failure: list(putOp("a"))}))
		})
	}
}

// TestSpansAgainstModel compares the merged spans with a list of ranges that is
// searched from end to end.
func TestSpansAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	key := func() string { return fmt.Sprintf("%02d", rnd.IntN(40)) }
	for range 300 {
		s := newSpans()
		var ranges [][2]string
		for range rnd.IntN(20) {
			r := [2]string{key(), ""}
			if rnd.IntN(3) > 0 {
				r[1] = key()
			}
			ranges = append(ranges, r)
			s.addRange([]byte(r[0]), []byte(r[1]))
		}
		for n := range 41 {
			k := fmt.Sprintf("%02d", n)
			want := false
			for _, r := range ranges {
				want = want || kv.Contains([]byte(r[0]), []byte(r[1]), []byte(k))
			}
			require.Equal(t, want, s.contain(k), "key %s, ranges %v", k, ranges)
		}
		last := ""
		s.tree.Ascend(func(sp span) bool {
			require.Less(t, sp.start, sp.end)
			require.True(t, last == "" || last < sp.start, "spans must neither touch nor overlap")
			last = sp.end
			return true
		})
	}
}

// TestEnumerationsAgree checks that the conversion by number is one by meaning.
func TestEnumerationsAgree(t *testing.T) {
	require.Equal(t, pb.RangeRequest_SortOrder_name, kv.RangeRequest_SortOrder_name)
	require.Equal(t, pb.RangeRequest_SortTarget_name, kv.RangeRequest_SortTarget_name)
	require.Equal(t, pb.Compare_CompareResult_name, kv.Compare_Result_name)
	require.Equal(t, pb.Compare_CompareTarget_name, kv.Compare_Target_name)
}
