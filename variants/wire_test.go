package variants_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/rpcpb"
	"metastorebench/variants"
)

// rawCodec sends bytes as they are.
type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

// TestDoorOfWire sends messages that are no requests, or not in the strict shape:
// each is answered as with any other codec, and whatever was carried out is there
// after a restart.
func TestDoorOfWire(t *testing.T) {
	for _, tc := range []struct {
		codec string
		lean  bool
	}{{"protobuf", false}, {"wire", false}, {"protobuf", true}, {"wire", true}} {
		codec := tc.codec
		t.Run(fmt.Sprintf("%s lean=%v", codec, tc.lean), func(t *testing.T) {
			o := options(t, vfs.NewMem(), "data", with(t, variants.VariantBest, "codec", codec, "pool", "on"))
			n := start(t, o)
			addr, shutdown := serve(t, n, api.ServerOptions{Pool: true, Lean: tc.lean})
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
			require.NoError(t, err)
			call := func(method, message string, reply any) codes.Code {
				return status.Code(conn.Invoke(context.Background(), method, []byte(message), reply, grpc.ForceCodecV2(rawCodec{rpcpb.Codec()})))
			}
			malformed := codes.Internal // gRPC's own answer
			if codec == "wire" {
				malformed = codes.InvalidArgument
			}
			put, del := &pb.PutResponse{}, &pb.DeleteRangeResponse{}
			batch, deletes := &rpcpb.BatchPutResponse{}, &rpcpb.BatchDeleteResponse{}
			require.Equal(t, malformed, call(pb.KV_Put_FullMethodName, "\x0a\x7fk", put))
			require.Equal(t, malformed, call(pb.KV_DeleteRange_FullMethodName, "\x0a\x7fk", del))
			require.Equal(t, malformed, call(rpcpb.MetaStore_BatchPut_FullMethodName, "\x0a\x03\x0a\x7fk", batch))
			require.Equal(t, malformed, call(rpcpb.MetaStore_BatchDelete_FullMethodName, "\x0a\x03\x0a\x7fk", deletes))
			require.Equal(t, codes.InvalidArgument, call(pb.KV_Put_FullMethodName, "", put))
			require.Equal(t, codes.InvalidArgument, call(pb.KV_Put_FullMethodName, "\x12\x01v", put))
			require.Equal(t, codes.NotFound, call(pb.KV_Put_FullMethodName, "\x0a\x01k\x18\x07", put))
			require.Equal(t, codes.InvalidArgument, call(rpcpb.MetaStore_BatchPut_FullMethodName, "", batch))

			// A value before its key, a key twice, a field that nobody knows.
			require.Equal(t, codes.OK, call(pb.KV_Put_FullMethodName, "\x12\x01v\x0a\x02k1", put))
			require.Equal(t, codes.OK, call(pb.KV_Put_FullMethodName, "\x0a\x01x\x0a\x02k2\x12\x01v", put))
			require.Equal(t, codes.OK, call(pb.KV_Put_FullMethodName, "\x0a\x02k3\x12\x01v\x7a\x01z", put))
			// In the store's own service ignore_value (5) is not known.
			require.Equal(t, codes.OK, call(rpcpb.MetaStore_BatchPut_FullMethodName, "\x0a\x09\x0a\x02k4\x12\x01v\x28\x01\x0a\x07\x0a\x02k5\x12\x01v", batch))
			require.Nil(t, batch.Results[0].Error)
			// Nor is range_end (2) in a batch of deletes.
			require.Equal(t, codes.OK, call(rpcpb.MetaStore_BatchDelete_FullMethodName, "\x0a\x07\x0a\x02k5\x12\x01\x00", deletes))
			require.EqualValues(t, 1, deletes.Results[0].Deleted)

			model := map[string][]byte{"k1": []byte("v"), "k2": []byte("v"), "k3": []byte("v"), "k4": []byte("v")}
			requireContent(t, n, model)
			require.NoError(t, conn.Close())
			require.NoError(t, shutdown())
			require.NoError(t, n.Stop())
			requireContent(t, start(t, o), model)
		})
	}
}
