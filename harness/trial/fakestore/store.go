package fakestore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"metastorebench/harness/record"
)

// crashAt is the put that a crash happens in.
const crashAt = 100

// store is the obvious implementation: a sorted slice under one lock.
type store struct {
	etcdserverpb.UnimplementedKVServer
	fault  string
	traced bool // every write
	stale  bool // says that its reads may be

	mu       sync.Mutex
	pairs    []*mvccpb.KeyValue // in key order; a pair is never changed
	previous map[string]*mvccpb.KeyValue
	revision int64
	applied  int64
	puts     int64
	chances  int64 // see turn
}

func newStore(options map[string]string) *store {
	return &store{
		fault: options["fault"], traced: options["stage-sample"] != "", stale: isStale(options),
		revision: 1, previous: make(map[string]*mvccpb.KeyValue),
	}
}

func (s *store) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(s.pairs, key, func(kv *mvccpb.KeyValue, key []byte) int { return bytes.Compare(kv.Key, key) })
}

func (s *store) header() *etcdserverpb.ResponseHeader {
	return &etcdserverpb.ResponseHeader{Revision: s.revision}
}

func (s *store) Put(_ context.Context, r *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(r)
}

// put stores a pair. s.mu is held.
func (s *store) put(r *etcdserverpb.PutRequest) (*etcdserverpb.PutResponse, error) {
	s.puts++
	if s.fault == FaultCrash && s.puts == crashAt {
		fmt.Fprintln(os.Stderr, "fakestore: out of cheese")
		os.Exit(7)
	}
	if s.turn(FaultRefuse) {
		return nil, status.Error(codes.Unavailable, "out of order")
	}
	s.revision++
	if s.turn(LieUnapplied) {
		return &etcdserverpb.PutResponse{Header: s.header()}, nil
	}
	s.applied++
	s.store(r)
	resp := &etcdserverpb.PutResponse{Header: s.header()}
	if s.turn(LieTwice) {
		s.revision++
		s.store(r)
	}
	return resp, nil
}

// store puts the pair with the revision of now.
func (s *store) store(r *etcdserverpb.PutRequest) {
	pair := &mvccpb.KeyValue{Key: r.Key, Value: r.Value, ModRevision: s.revision}
	if i, ok := s.find(r.Key); ok {
		s.previous[string(r.Key)] = s.pairs[i]
		s.pairs[i] = pair
	} else {
		s.pairs = slices.Insert(s.pairs, i, pair)
	}
}

// interval returns the indexes of the pairs that key and end name.
func (s *store) interval(key, end []byte) (from, to int) {
	from, found := s.find(key)
	switch {
	case len(end) == 0 && !found:
		return from, from
	case len(end) == 0:
		return from, from + 1
	case bytes.Equal(end, []byte{0}):
		return from, len(s.pairs)
	}
	to, _ = s.find(end)
	return from, max(from, to)
}

func (s *store) Range(_ context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scan(r), nil
}

// scan reads a range, and lies about it. s.mu is held.
func (s *store) scan(r *etcdserverpb.RangeRequest) *etcdserverpb.RangeResponse {
	resp := s.look(r)
	if len(r.RangeEnd) == 0 && len(resp.Kvs) > 0 {
		s.lieOfGet(resp)
	}
	if resp.More && s.fault == LieCount {
		resp.Count--
	}
	return resp
}

// look reads a range. s.mu is held.
func (s *store) look(r *etcdserverpb.RangeRequest) *etcdserverpb.RangeResponse {
	from, to := s.interval(r.Key, r.RangeEnd)
	resp := &etcdserverpb.RangeResponse{Header: s.header(), Count: int64(to - from)}
	if r.Limit > 0 && int64(to-from) > r.Limit {
		to, resp.More = from+int(r.Limit), true
	}
	resp.Kvs = slices.Clone(s.pairs[from:to])
	return resp
}

func (s *store) DeleteRange(_ context.Context, r *etcdserverpb.DeleteRangeRequest) (*etcdserverpb.DeleteRangeResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove(r), nil
}

// remove deletes a range. s.mu is held.
func (s *store) remove(r *etcdserverpb.DeleteRangeRequest) *etcdserverpb.DeleteRangeResponse {
	s.applied++
	from, to := s.interval(r.Key, r.RangeEnd)
	if from < to {
		s.revision++
		for _, pair := range s.pairs[from:to] {
			delete(s.previous, string(pair.Key)) // what comes then has nothing before it
		}
		if !s.turn(LieDelete) {
			s.pairs = slices.Delete(s.pairs, from, to)
		}
	}
	return &etcdserverpb.DeleteRangeResponse{Header: s.header(), Deleted: int64(to - from)}
}

// Txn carries out the one transaction that trials send: put a key if it has a
// mod_revision, or else read it.
func (s *store) Txn(_ context.Context, r *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	compare := r.GetCompare()[0]
	var has int64
	if i, ok := s.find(compare.GetKey()); ok {
		has = s.pairs[i].GetModRevision()
	}
	if has == compare.GetModRevision() || s.turn(LieUpdate) {
		_, err := s.put(r.GetSuccess()[0].GetRequestPut())
		return &etcdserverpb.TxnResponse{Header: s.header(), Succeeded: true}, err
	}
	s.applied++
	found := s.look(r.GetFailure()[0].GetRequestRange())
	return &etcdserverpb.TxnResponse{Header: s.header(), Responses: []*etcdserverpb.ResponseOp{{
		Response: &etcdserverpb.ResponseOp_ResponseRange{ResponseRange: found},
	}}}, nil
}

// web is the HTTP port: the gateway and the counters.
func (s *store) web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/kv/put", gateway(s.Put))
	mux.HandleFunc("POST /v3/kv/range", gateway(s.Range))
	mux.HandleFunc("POST /v3/kv/deleterange", gateway(s.DeleteRange))
	mux.HandleFunc("GET /metrics", s.metrics)
	return mux
}

// gateway serves a method as JSON, like etcd's gateway.
func gateway[Req any, Resp proto.Message, P interface {
	*Req
	proto.Message
}](method func(context.Context, P) (Resp, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req := P(new(Req))
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = protojson.Unmarshal(body, req)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		resp, err := method(r.Context(), req)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintf(w, `{"code":%d,"message":%q}`, status.Code(err), status.Convert(err).Message())
			return
		}
		text, err := protojson.Marshal(resp)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(text) // the client notices
	}
}

// metrics writes the counters: one proposal, Ready and sync of 1 ms and 300
// bytes for each write.
func (s *store) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	applied := s.applied
	s.mu.Unlock()
	switch s.fault {
	case FaultNoCounters:
		return
	case FaultMiscount:
		applied++
	}
	for name, n := range map[string]int64{
		"go_memstats_mallocs_total": 10 * applied, "go_memstats_alloc_bytes_total": 1000 * applied,
		"metastore_applied_ops_total": applied, "metastore_wal_fsyncs_total": applied, "metastore_wal_bytes_total": 300 * applied,
	} {
		fmt.Fprintf(w, "# TYPE %s counter\n%s %d\n", name, name, n)
	}
	for name, sum := range map[string]float64{
		"metastore_raft_proposal_batch_size": 1, "metastore_raft_ready_entries": 1,
		"metastore_raft_append_entries": 1, "metastore_raft_appends_in_flight": 1,
		"metastore_wal_fsync_duration_seconds": 0.001, "metastore_storage_lock_wait_seconds": 0,
	} {
		fmt.Fprintf(w, "# TYPE %[1]s histogram\n%[1]s_bucket{le=\"+Inf\"} %[2]d\n%[1]s_sum %[3]g\n%[1]s_count %[2]d\n",
			name, applied, sum*float64(applied))
	}
	if s.traced {
		s.stages(w, applied)
	}
}

// stages writes the stage trace: a microsecond in each stage of each write.
func (s *store) stages(w io.Writer, applied int64) {
	total := 7e-6
	if s.fault == FaultStages {
		total *= 2
	}
	fmt.Fprintf(w, "# TYPE metastore_stage_seconds summary\n")
	for _, stage := range record.StageNames() {
		fmt.Fprintf(w, "metastore_stage_seconds_sum{stage=%[1]q} %[2]g\nmetastore_stage_seconds_count{stage=%[1]q} %[3]d\n", stage, 1e-6*float64(applied), applied)
	}
	fmt.Fprintf(w, "# TYPE metastore_stage_total_seconds summary\nmetastore_stage_total_seconds_sum %g\nmetastore_stage_total_seconds_count %d\n", total*float64(applied), applied)
	fmt.Fprintf(w, "# TYPE metastore_stage_incomplete_total counter\nmetastore_stage_incomplete_total 0\n")
}
