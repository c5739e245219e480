package api_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/rpcpb"
)

// side is a server of one transport, with its own store, and clients of it.
type side struct {
	cc   *grpc.ClientConn
	raw  *http.Client
	addr string
}

func newSide(t *testing.T, lean bool) side {
	o := api.ServerOptions{Lean: lean, Limits: api.Limits{MaxTxnOps: 8, MaxRequestBytes: 2000}}
	_, addr := apitest.ServeTCP(t, apitest.New(), o)
	cc, err := grpc.NewClient(addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols, DisableCompression: true}
	t.Cleanup(func() {
		_ = cc.Close()
		transport.CloseIdleConnections()
	})
	return side{cc: cc, raw: &http.Client{Transport: transport, Timeout: patience}, addr: "http://" + addr.String()}
}

// patience bounds every call. Nothing that works takes nearly as long.
const patience = time.Minute

// TestEqualAnswers makes random calls on both transports, good ones and bad ones, and
// expects the same answers: code, text, and reply.
func TestEqualAnswers(t *testing.T) {
	if apitest.Lean {
		t.Skip("compares both in one run")
	}
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	left, right := newSide(t, false), newSide(t, true)
	for i := range 2000 {
		method, request, reply := randomCall(random)
		want, wantErr := invoke(t, left.cc, method, request, reply)
		got, gotErr := invoke(t, right.cc, method, request, reply)
		require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(gotErr), "call %d, %s of %v", i, method, request)
		require.True(t, proto.Equal(want, got), "call %d, %s of %v:\n%v\n%v", i, method, request, want, got)
	}
}

func invoke(t *testing.T, cc *grpc.ClientConn, method string, request, reply proto.Message) (proto.Message, error) {
	reply = reply.ProtoReflect().New().Interface()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer time.AfterFunc(patience, cancel).Stop() // a deadline would be sent, and keep calls from the shortest path
	return reply, cc.Invoke(ctx, method, request, reply)
}

// randomCall returns a call of some method.
func randomCall(random *rand.Rand) (method string, request, reply proto.Message) {
	gen := generator{random}
	switch random.IntN(9) {
	case 0, 1:
		return pb.KV_Put_FullMethodName, gen.put(), &pb.PutResponse{}
	case 2:
		return pb.KV_Range_FullMethodName, gen.get(), &pb.RangeResponse{}
	case 3:
		return pb.KV_DeleteRange_FullMethodName, gen.delete(), &pb.DeleteRangeResponse{}
	case 4:
		return pb.KV_Txn_FullMethodName, gen.txn(2), &pb.TxnResponse{}
	case 5:
		r := &rpcpb.BatchPutRequest{}
		for range random.IntN(4) {
			r.Puts = append(r.Puts, &rpcpb.Put{Key: gen.key(), Value: gen.value()})
		}
		return rpcpb.MetaStore_BatchPut_FullMethodName, r, &rpcpb.BatchPutResponse{}
	case 6:
		r := &rpcpb.BatchGetRequest{Serializable: gen.rarely()}
		for range random.IntN(4) {
			r.Gets = append(r.Gets, &rpcpb.Get{Key: gen.key()})
		}
		return rpcpb.MetaStore_BatchGet_FullMethodName, r, &rpcpb.BatchGetResponse{}
	case 7:
		r := &rpcpb.BatchDeleteRequest{}
		for range random.IntN(4) {
			r.Deletes = append(r.Deletes, &rpcpb.Delete{Key: gen.key()})
		}
		return rpcpb.MetaStore_BatchDelete_FullMethodName, r, &rpcpb.BatchDeleteResponse{}
	}
	return []string{pb.Lease_LeaseGrant_FullMethodName, pb.KV_Compact_FullMethodName, "/a.b/C", "/etcdserverpb.KV/Unknown"}[random.IntN(4)],
		&pb.CompactionRequest{Revision: int64(random.IntN(3))}, &pb.CompactionResponse{}
}

// generator makes requests over few keys, some of which are refused.
type generator struct{ *rand.Rand }

func (g generator) rarely() bool { return g.IntN(6) == 0 }

func (g generator) key() []byte {
	if g.rarely() {
		return nil
	}
	return []byte{byte('a' + g.IntN(6)), 0xff}[:1+g.IntN(2)]
}

func (g generator) value() []byte {
	if g.IntN(20) == 0 {
		return make([]byte, 1500+g.IntN(1000)) // about the bound
	}
	return bytes.Repeat([]byte{byte(g.IntN(256))}, g.IntN(20))
}

func (g generator) put() *pb.PutRequest {
	r := &pb.PutRequest{Key: g.key(), Value: g.value(), PrevKv: g.IntN(2) == 0, IgnoreValue: g.rarely(), IgnoreLease: g.rarely()}
	if g.rarely() {
		r.Lease = 7
	}
	if g.rarely() {
		r.ProtoReflect().SetUnknown([]byte{0x78, 1}) // a field that nobody knows
	}
	return r
}

func (g generator) get() *pb.RangeRequest {
	r := &pb.RangeRequest{Key: g.key(), Limit: int64(g.IntN(3)), KeysOnly: g.rarely(), CountOnly: g.rarely(), Serializable: g.rarely(),
		SortOrder: pb.RangeRequest_SortOrder(g.IntN(4)), SortTarget: pb.RangeRequest_SortTarget(g.IntN(6))}
	if g.IntN(2) == 0 {
		r.RangeEnd = []byte{byte('a' + g.IntN(8))}
	}
	if g.rarely() {
		r.Revision = int64(g.IntN(100_000))
	}
	return r
}

func (g generator) delete() *pb.DeleteRangeRequest {
	r := &pb.DeleteRangeRequest{Key: g.key(), PrevKv: g.IntN(2) == 0}
	if g.rarely() {
		r.RangeEnd = []byte{byte('a' + g.IntN(8))}
	}
	return r
}

func (g generator) txn(depth int) *pb.TxnRequest {
	r := &pb.TxnRequest{}
	for range g.IntN(3) {
		r.Compare = append(r.Compare, &pb.Compare{Key: g.key(), Target: pb.Compare_VERSION, Result: pb.Compare_CompareResult(g.IntN(5)),
			TargetUnion: &pb.Compare_Version{Version: int64(g.IntN(2))}})
	}
	for _, branch := range []*[]*pb.RequestOp{&r.Success, &r.Failure} {
		for range g.IntN(4) {
			*branch = append(*branch, g.op(depth))
		}
	}
	return r
}

func (g generator) op(depth int) *pb.RequestOp {
	switch g.IntN(4) {
	case 0:
		return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: g.key(), Value: g.value()}}}
	case 1:
		return &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: g.delete()}}
	case 2:
		if depth > 0 {
			return &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: g.txn(depth - 1)}}
		}
	}
	return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: g.key()}}}
}

// TestEqualFraming sends requests that no gRPC client sends, and expects both
// transports to say the same of them.
func TestEqualFraming(t *testing.T) {
	if apitest.Lean {
		t.Skip("compares both in one run")
	}
	left, right := newSide(t, false), newSide(t, true)
	framed := func(flag byte, length int, rest string) string {
		return string(binary.BigEndian.AppendUint32([]byte{flag}, uint32(length))) + rest
	}
	put := "\x0a\x01k\x12\x01v"
	good := framed(0, len(put), put)
	bodies := map[string]string{
		"a put": good, "nothing": "", "half a prefix": "\x00\x00", "a short message": framed(0, 9, put), "two messages": good + good,
		"a bit of a second": good + "\x00\x00", "a prefix of a second": good + framed(0, 5, ""), "a compressed message": framed(1, len(put), put),
		"an unknown format": framed(9, len(put), put), "a second that is compressed": good + framed(1, 1, "x"),
		"too long": framed(0, 1<<20, ""), "no put": framed(0, 2, "\xff\xff"), "empty": framed(0, 0, ""), "a field twice": framed(0, 9, put+"\x0a\x01l"),
		"a key that is cut short": framed(0, 3, "\x0a\x09k"),
	}
	headers := map[string][]string{
		"as usual": nil, "proto": {"Content-Type", "application/grpc+proto"}, "another content type": {"Content-Type", "text/plain"},
		"gzip": {"Grpc-Encoding", "gzip"}, "identity": {"Grpc-Encoding", "identity"}, "unknown encoding": {"Grpc-Encoding", "zip"},
		"a timeout": {"Grpc-Timeout", "1H"}, "a bad timeout": {"Grpc-Timeout", "1Y"}, "no time": {"Grpc-Timeout", "0n"},
		"metadata": {"X-Bin", "AAAA"}, "bad metadata": {"X-Bin", "?"}, "accepts gzip": {"Grpc-Accept-Encoding", "gzip"},
	}
	for _, path := range []string{pb.KV_Put_FullMethodName, pb.KV_Range_FullMethodName, rpcpb.MetaStore_BatchGet_FullMethodName, pb.KV_Compact_FullMethodName} {
		for bodyName, body := range bodies {
			if strings.Contains(bodyName, "second") || strings.HasPrefix(bodyName, "two") {
				// grpc-go decodes the first message before it looks for another.
				if path != pb.KV_Put_FullMethodName {
					continue
				}
			}
			for headerName, header := range headers {
				want := left.post(t, path, body, header)
				got := right.post(t, path, body, header)
				require.Equal(t, want, got, "%s, %s, %s", path, bodyName, headerName)
			}
		}
	}
}

// post returns what is answered: HTTP's status, gRPC's status and text, and the body.
func (s side) post(t *testing.T, path, body string, header []string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.addr+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	if len(header) > 0 {
		r.Header.Set(header[0], header[1])
	}
	resp, err := s.raw.Do(r)
	if err != nil {
		return "no answer: " + err.Error()
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Sprint("half an answer: ", err)
	}
	status := func(name string) string { return resp.Header.Get(name) + resp.Trailer.Get(name) }
	return fmt.Sprintf("%d %s %q %x", resp.StatusCode, status("Grpc-Status"), status("Grpc-Message"), got)
}
