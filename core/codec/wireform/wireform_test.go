package wireform_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/codec/wireform"
	"metastorebench/core/kv"
)

// FuzzPut compares the strict reader with protobuf's own and etcd's message: what
// it accepts means the same to both, and what protobuf writes is accepted.
func FuzzPut(f *testing.F) {
	f.Add([]byte("\x0a\x01k\x12\x01v\x18\x07\x20\x01\x28\x01\x30\x01"))
	f.Add([]byte("\x0a\x01k\x0a\x01l"))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var got kv.PutRequest
		var etcd pb.PutRequest
		wellFormed := proto.Unmarshal(body, &etcd) == nil
		if wireform.Put(body, &got) == nil {
			require.True(t, wellFormed)
			requirePut(t, &etcd, &got)
		}
		if !wellFormed || len(etcd.Key) == 0 {
			return
		}
		etcd.ProtoReflect().SetUnknown(nil)
		written, err := proto.MarshalOptions{Deterministic: true}.Marshal(&etcd)
		require.NoError(t, err)
		require.NoError(t, wireform.Put(written, &got))
		requirePut(t, &etcd, &got)
	})
}

func requirePut(t *testing.T, want *pb.PutRequest, got *kv.PutRequest) {
	t.Helper()
	require.Equal(t, string(want.Key), string(got.Key))
	require.Equal(t, string(want.Value), string(got.Value))
	require.Equal(t, want.Lease, got.Lease)
	require.Equal(t, []bool{want.PrevKv, want.IgnoreValue, want.IgnoreLease}, []bool{got.PrevKv, got.IgnoreValue, got.IgnoreLease})
}

// FuzzDelete is FuzzPut for deletes.
func FuzzDelete(f *testing.F) {
	f.Add([]byte("\x0a\x01k\x12\x01v\x18\x01"))
	f.Add([]byte("\x12\x01v\x0a\x01k"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var got kv.DeleteRangeRequest
		var etcd pb.DeleteRangeRequest
		wellFormed := proto.Unmarshal(body, &etcd) == nil
		if wireform.Delete(body, &got) == nil {
			require.True(t, wellFormed)
			require.Equal(t, string(etcd.Key), string(got.Key))
			require.Equal(t, string(etcd.RangeEnd), string(got.RangeEnd))
			require.Equal(t, etcd.PrevKv, got.PrevKv)
		}
		if !wellFormed || len(etcd.Key) == 0 {
			return
		}
		etcd.ProtoReflect().SetUnknown(nil)
		written, err := proto.Marshal(&etcd)
		require.NoError(t, err)
		require.NoError(t, wireform.Delete(written, &got))
	})
}

func TestEach(t *testing.T) {
	var items []string
	collect := func(item []byte) error {
		items = append(items, string(item))
		return nil
	}
	require.NoError(t, wireform.Each([]byte("\x0a\x01a\x0a\x00\x0a\x02bc"), collect))
	require.Equal(t, []string{"a", "", "bc"}, items)
	for _, bad := range []string{"\x12\x01a", "\x0a", "\x0a\x02a"} {
		require.ErrorIs(t, wireform.Each([]byte(bad), collect), wireform.ErrShape, "%q", bad)
	}
}
