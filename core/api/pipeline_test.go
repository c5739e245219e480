package api_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

// rawStream is a stream driven by generated code, which knows nothing of frames.
type rawStream struct {
	grpc.BidiStreamingClient[rpcpb.PipelineRequest, rpcpb.PipelineResponse]
	t *testing.T
}

// openStream opens a stream and takes its window.
func openStream(t *testing.T, cc grpc.ClientConnInterface) rawStream {
	t.Helper()
	stream, err := rpcpb.NewMetaStoreClient(cc).Pipeline(t.Context(), largeReply)
	require.NoError(t, err)
	first, err := stream.Recv()
	require.NoError(t, err)
	require.EqualValues(t, rpcpb.PipelineWindow, first.GetWindow().GetOperations())
	require.Empty(t, first.Outcomes)
	return rawStream{stream, t}
}

func (s rawStream) send(ops ...*rpcpb.Operation) {
	s.t.Helper()
	require.NoError(s.t, s.Send(&rpcpb.PipelineRequest{Operations: ops}))
}

// receive returns the next n outcomes in the order in which they come.
func (s rawStream) receive(n int) (outcomes []*rpcpb.Outcome) {
	s.t.Helper()
	for len(outcomes) < n {
		resp, err := s.Recv()
		require.NoError(s.t, err)
		require.NotEmpty(s.t, resp.Outcomes)
		outcomes = append(outcomes, resp.Outcomes...)
	}
	require.Len(s.t, outcomes, n)
	return outcomes
}

// requireEnd closes the client's side, and expects the server to end its own.
func (s rawStream) requireEnd() {
	s.t.Helper()
	require.NoError(s.t, s.CloseSend())
	_, err := s.Recv()
	require.ErrorIs(s.t, err, io.EOF)
}

// byID puts outcomes in the order of their ids, which are 1 to their number.
func byID(t *testing.T, outcomes []*rpcpb.Outcome) []*rpcpb.Outcome {
	t.Helper()
	sorted := make([]*rpcpb.Outcome, len(outcomes))
	for _, o := range outcomes {
		require.Nil(t, sorted[o.Id-1], "answered twice: %v", o)
		sorted[o.Id-1] = o
	}
	return sorted
}

// shift lowers the ids.
func shift(outcomes []*rpcpb.Outcome, by uint64) []*rpcpb.Outcome {
	for _, o := range outcomes {
		o.Id -= by
	}
	return outcomes
}

func opPut(id uint64, key, value string) *rpcpb.Operation {
	return &rpcpb.Operation{Id: id, Put: &rpcpb.Put{Key: []byte(key), Value: []byte(value)}}
}

func opGet(id uint64, key string) *rpcpb.Operation {
	return &rpcpb.Operation{Id: id, Get: &rpcpb.Get{Key: []byte(key)}}
}

func opDelete(id uint64, key, end string) *rpcpb.Operation {
	return &rpcpb.Operation{Id: id, Delete: &rpcpb.DeleteRange{Key: []byte(key), RangeEnd: []byte(end)}}
}

func opRange(id uint64, key, end string, limit int64) *rpcpb.Operation {
	return &rpcpb.Operation{Id: id, Range: &rpcpb.Range{Key: []byte(key), RangeEnd: []byte(end), Limit: limit}}
}

// TestPipeline carries out operations of every kind, some in one message and some
// in their own.
func TestPipeline(t *testing.T) {
	seen := &recorder{}
	s := openStream(t, dial(t, apitest.New(), api.ServerOptions{Observer: seen}))
	s.send(opPut(1, "a", "\xff"), opPut(2, "b", "2"), opGet(3, "a"), opGet(4, "absent"))
	s.send(opRange(5, "a", "z", 1))
	got := byID(t, s.receive(5))
	require.Equal(t, []int64{2, 3}, []int64{got[0].Put.Revision, got[1].Put.Revision})
	require.Equal(t, `key:"a" create_revision:2 mod_revision:2 version:1 value:"\xff"`, text(got[2].Get.Pair))
	require.NotNil(t, got[3].Get)
	require.Nil(t, got[3].Get.Pair)
	require.Equal(t, []any{true, int64(2), int64(3)}, []any{got[4].Range.More, got[4].Range.Count, got[4].Revision})
	require.Len(t, got[4].Range.Pairs, 1)

	s.send(opDelete(6, "a", "z"), opDelete(7, "a", ""), opRange(8, "\x00", "\x00", 0))
	got = append(got, byID(t, shift(s.receive(3), 5))...)
	require.Equal(t, []int64{2, 4}, []int64{got[5].Delete.Deleted, got[5].Delete.Revision})
	require.Equal(t, []int64{0, 4}, []int64{got[6].Delete.Deleted, got[6].Delete.Revision})
	require.Equal(t, []int64{0, 4}, []int64{got[7].Range.Count, got[7].Revision})
	for _, o := range got {
		require.Nil(t, o.Error)
	}
	s.requireEnd()
	counts := map[string]int{}
	for _, line := range seen.seen() {
		counts[strings.Fields(line)[0]]++
	}
	for _, op := range []string{api.OpStreamPut, api.OpStreamGet, api.OpStreamRange, api.OpStreamDelete} {
		require.Positive(t, counts[op], "the observer was told of %v", counts)
	}
}

// TestPipelineBadOperations checks that each bad operation is answered by itself,
// that its neighbours are carried out, and that ids are a stream's own.
func TestPipelineBadOperations(t *testing.T) {
	cc := dial(t, apitest.New(), api.ServerOptions{Limits: api.Limits{MaxRequestBytes: 1000}})
	s, other := openStream(t, cc), openStream(t, cc)
	both := opPut(5, "a", "")
	both.Get = &rpcpb.Get{Key: []byte("a")}
	s.send(opPut(1, "a", "1"), opPut(2, "", "2"), opPut(3, "c", strings.Repeat("v", 1000)), &rpcpb.Operation{Id: 4}, both,
		opRange(6, "a", "", 0), opGet(7, ""), opPut(8, "h", "8"))
	got := byID(t, s.receive(8))
	for i, want := range []error{
		nil, rpctypes.ErrGRPCEmptyKey, rpctypes.ErrGRPCRequestTooLarge,
		status.Error(codes.Unimplemented, "metastore: unknown operation; accepted are put, get, delete and range"),
		status.Error(codes.InvalidArgument, "metastore: the operation is of 2 kinds; accepted is one"),
		status.Error(codes.InvalidArgument, "metastore: a range without range_end; one key is read with a get"),
		rpctypes.ErrGRPCEmptyKey, nil,
	} {
		requireError(t, want, got[i].Error)
		require.Equal(t, want != nil, got[i].Put == nil)
	}

	// An id that was used is refused, whether or not its operation was; one of
	// another stream's is another operation.
	for id, below := range map[uint64]string{8: "id 8 is not above 8", 3: "id 3 is not above 8", 0: "id 0 is not above 8"} {
		s.send(opPut(id, "stolen", "x"))
		o := s.receive(1)[0]
		require.Equal(t, id, o.Id)
		require.Equal(t, int32(codes.InvalidArgument), o.Error.GetCode())
		require.Contains(t, o.Error.GetMessage(), below)
	}
	other.send(opPut(8, "h", "other"), opGet(9, "stolen"))
	for _, o := range other.receive(2) {
		require.Nil(t, o.Error)
		require.Nil(t, o.Get.GetPair())
	}
	s.send(opPut(9, "i", "9"))
	require.EqualValues(t, 5, s.receive(1)[0].Put.GetRevision())
	s.requireEnd()
	other.requireEnd()
}

// TestPipelineAnswersAreBounded asks for more than an answer may hold, and for
// much in many answers.
func TestPipelineAnswersAreBounded(t *testing.T) {
	s := openStream(t, dial(t, apitest.New(), api.ServerOptions{}))
	value := strings.Repeat("v", 1<<20)
	for i := range uint64(3) {
		s.send(opPut(i+1, string(rune('a'+i)), value))
	}
	s.receive(3)
	s.send(opRange(4, "a", "z", 0), opRange(5, "a", "z", 2))
	got := s.receive(2)
	require.Equal(t, int32(codes.ResourceExhausted), got[0].Error.GetCode())
	require.Equal(t, "metastore: the range has 3145731 bytes in 3 pairs; accepted on a stream are 3145728: set a limit", got[0].Error.GetMessage())
	require.Len(t, got[1].Range.GetPairs(), 2)
	var ops []*rpcpb.Operation
	for i := range uint64(40) {
		ops = append(ops, opGet(6+i, "b"))
	}
	s.send(ops...)
	for _, o := range s.receive(40) {
		require.Len(t, o.Get.GetPair().GetValue(), 1<<20)
	}
}

// TestPipelineErrors checks that a failure of the store is each operation's own
// error, and leaves the stream as it is.
func TestPipelineErrors(t *testing.T) {
	store := apitest.New()
	s := openStream(t, dial(t, store, api.ServerOptions{}))
	id := uint64(0)
	for _, tc := range []struct{ cause, want error }{
		{kv.ErrTooManyRequests, rpctypes.ErrGRPCRequestTooManyRequests},
		{kv.ErrDropped, rpctypes.ErrGRPCNoLeader},
		{kv.ErrLeaderLost, rpctypes.ErrGRPCLeaderChanged},
		{kv.ErrTimeout, rpctypes.ErrGRPCTimeout},
		{nil, nil},
	} {
		store.Fail(tc.cause)
		s.send(opPut(id+1, "k", "v"), opDelete(id+2, "k", ""), opGet(id+3, "k"))
		for _, o := range s.receive(3) {
			requireError(t, tc.want, o.Error)
		}
		id += 3
	}
}

// held is a store that answers commands when it is told to.
type held struct {
	*apitest.Store
	mu      sync.Mutex
	came    sync.Cond
	waiting []heldCommand
	most    int // most that waited at the same time
	open    bool
}

type heldCommand struct {
	kv.Submission
	sink kv.Sink
}

func hold() *held {
	h := &held{Store: apitest.New()}
	h.came.L = &h.mu
	return h
}

func (h *held) ProposeEach(submissions []kv.Submission, sink kv.Sink) {
	h.mu.Lock()
	if h.open {
		h.mu.Unlock()
		h.Store.ProposeEach(submissions, sink)
		return
	}
	defer h.mu.Unlock()
	for _, s := range submissions {
		s.Command = proto.CloneOf(s.Command)
		h.waiting = append(h.waiting, heldCommand{s, sink})
	}
	h.most = max(h.most, len(h.waiting))
	h.came.Broadcast()
}

// waitFor waits until n commands are held.
func (h *held) waitFor(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.waiting) < n {
		h.came.Wait()
	}
}

// release carries out the n oldest commands.
func (h *held) release(n int) {
	h.mu.Lock()
	now := h.waiting[:n]
	h.waiting = h.waiting[n:]
	h.mu.Unlock()
	for _, c := range now {
		h.Store.ProposeEach([]kv.Submission{c.Submission}, c.sink)
	}
}

// TestPipelineReadsSeeEarlierWrites checks that a read waits for the writes that
// were sent before it, and for no others.
func TestPipelineReadsSeeEarlierWrites(t *testing.T) {
	store := hold()
	s := openStream(t, dial(t, store, api.ServerOptions{}))
	s.send(opGet(1, "k"), opPut(2, "k", "2"), opGet(3, "k"), opPut(4, "k", "4"), opRange(5, "k", "l", 0))
	require.Nil(t, s.receive(1)[0].Get.Pair, "a read with no write before it waits for none")
	store.waitFor(2)
	s.send(opPut(6, "", ""))
	require.EqualValues(t, 6, s.receive(1)[0].Id, "refused at once, while reads wait")
	store.release(1)
	got := s.receive(2)
	require.EqualValues(t, 2, got[0].Put.GetRevision())
	require.Equal(t, "2", string(got[1].Get.GetPair().GetValue()))
	store.release(1)
	got = s.receive(2)
	require.EqualValues(t, 3, got[0].Put.GetRevision())
	require.Equal(t, "4", string(got[1].Range.GetPairs()[0].GetValue()))
	s.requireEnd()
}

// TestPipelineWindow sends as fast as it can to a store that answers one command
// at a time: no more than a window's worth is ever in flight, the store has the
// commands in the order of the stream, and all are answered.
func TestPipelineWindow(t *testing.T) {
	const n = 3 * rpcpb.PipelineWindow
	store := hold()
	s := openStream(t, dial(t, store, api.ServerOptions{}))
	var sending sync.WaitGroup
	sending.Go(func() {
		for id := uint64(1); id <= n; id += 64 {
			var ops []*rpcpb.Operation
			for i := range uint64(64) {
				ops = append(ops, opPut(id+i, "k", ""))
			}
			if err := s.Send(&rpcpb.PipelineRequest{Operations: ops}); err != nil {
				t.Error(err)
			}
		}
	})
	store.waitFor(rpcpb.PipelineWindow)
	sending.Go(func() {
		for range n {
			store.waitFor(1)
			store.release(1)
		}
	})
	for i, o := range s.receive(n) {
		require.EqualValues(t, i+1, o.Id)
		require.EqualValues(t, i+2, o.Put.GetRevision(), "out of order")
	}
	sending.Wait()
	require.Equal(t, rpcpb.PipelineWindow, store.most)
	s.requireEnd()
}

// TestPipelineEndsWithItsClient checks that the answers of a stream whose client
// has gone harm nobody.
func TestPipelineEndsWithItsClient(t *testing.T) {
	store := hold()
	cc := dial(t, store, api.ServerOptions{Limits: api.Limits{MaxPipelines: 4}})
	ctx, cancel := context.WithCancel(t.Context())
	gone, err := rpcpb.NewMetaStoreClient(cc).Pipeline(ctx)
	require.NoError(t, err)
	require.NoError(t, gone.Send(&rpcpb.PipelineRequest{Operations: []*rpcpb.Operation{opPut(1, "k", "v"), opGet(2, "k")}}))
	store.waitFor(1)
	cancel()
	for { // its place is free again as soon as the server knows that it has gone
		stream, err := rpcpb.NewMetaStoreClient(cc).Pipeline(t.Context())
		require.NoError(t, err)
		if _, err = stream.Recv(); err == nil {
			store.release(1)
			require.NoError(t, stream.Send(&rpcpb.PipelineRequest{Operations: []*rpcpb.Operation{opGet(1, "k")}}))
			resp, err := stream.Recv()
			require.NoError(t, err)
			require.Equal(t, "v", string(resp.Outcomes[0].Get.GetPair().GetValue()))
			return
		}
		require.Equal(t, codes.ResourceExhausted, status.Code(err))
	}
}
