package api

import (
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/apply"
	"metastorebench/core/apply/applytest"
	"metastorebench/core/kv"
)

// FuzzTxn checks that a transaction that passes validation can be carried out:
// a command that made the applier fail would stop every replica, at every
// restart. The corpus holds encoded etcdserverpb.TxnRequests.
func FuzzTxn(f *testing.F) {
	for _, r := range []*pb.TxnRequest{
		{},
		{Compare: []*pb.Compare{{Key: []byte("a"), Target: pb.Compare_VALUE}}, Failure: []*pb.RequestOp{putOp("a"), delOp("b", "c")}},
		{Success: []*pb.RequestOp{delOp("\x00", "\x00"), {Request: &pb.RequestOp_RequestPut{
			RequestPut: &pb.PutRequest{Key: []byte("a"), IgnoreValue: true, PrevKv: true}}}}},
		{Success: []*pb.RequestOp{txnOp([]*pb.RequestOp{putOp("b")}, []*pb.RequestOp{{}}), {Request: &pb.RequestOp_RequestRange{
			RequestRange: &pb.RangeRequest{Key: []byte("c"), RangeEnd: []byte("a"), Revision: 2}}}}},
	} {
		data, err := proto.Marshal(r)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &pb.TxnRequest{}
		if proto.Unmarshal(data, r) != nil || checkTxn(r, DefaultMaxTxnOps) != nil {
			return
		}
		o := applytest.New()
		execute(t, o, &kv.Command{Put: &kv.PutRequest{Key: []byte("a"), Value: []byte("1")}})
		before := o.State().Revision
		res := execute(t, o, &kv.Command{Txn: toTxn(r)})
		if res.Err != nil {
			require.False(t, kv.Unknown(res.Err))
			require.Equal(t, before, o.State().Revision)
			return
		}
		reply := fromTxn(&pb.ResponseHeader{Revision: res.Revision}, r, res.Txn)
		require.Len(t, reply.Responses, len(chosen(r, res.Txn)))
		if wrote(r, res.Txn) {
			before++
		}
		require.Equal(t, before, reply.Header.Revision)
	})
}

func execute(t *testing.T, o *applytest.Oracle, cmd *kv.Command) kv.Result {
	t.Helper()
	st := o.State()
	res, err := apply.Exec(o, &st, cmd)
	require.NoError(t, err)
	require.NoError(t, o.Commit(st))
	return res
}
