package fakestore

import (
	"slices"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/core/rpcpb"
	"metastorebench/harness/record"
)

// every is how often a lie is told.
const every = 10

// turn counts an operation that this fault can happen to, and reports whether it
// does. s.mu is held.
func (s *store) turn(fault string) bool {
	if s.fault != fault {
		return false
	}
	s.chances++
	return s.chances%every == 0
}

// lieOfGet makes a get that found its key go wrong, if it is its turn.
func (s *store) lieOfGet(resp *etcdserverpb.RangeResponse) {
	pair := resp.Kvs[0]
	before := s.previous[string(pair.Key)]
	switch {
	case s.turn(LieForget):
		resp.Kvs, resp.Count = nil, 0
	case s.turn(LieCorrupt):
		value := slices.Clone(pair.Value)
		value[len(value)/2] ^= 1
		resp.Kvs[0] = &mvccpb.KeyValue{Key: pair.Key, Value: value, ModRevision: pair.ModRevision}
	case s.turn(LieBack):
		resp.Header.Revision = 1
	case len(s.pairs) > 1 && s.turn(LieOther):
		i, _ := s.find(pair.Key)
		resp.Kvs[0] = s.pairs[(i+1)%len(s.pairs)]
	case before != nil && s.turn(LieStale):
		resp.Kvs[0] = before
		if s.stale { // an honest one: it says of when it is
			resp.Header.Revision = pair.ModRevision - 1
		}
	}
}

// reordered exchanges the answers to two gets of its stream, once. It holds the
// first back until there is another; a stream has several clients at work.
type reordered struct {
	held *rpcpb.Outcome
	done bool
}

// pass returns what is to be sent now that out is ready. s.mu is held.
func (r *reordered) pass(s *store, out *rpcpb.Outcome) []*rpcpb.Outcome {
	switch {
	case r.done || out.GetGet().GetPair() == nil:
	case r.held != nil:
		first := r.held
		first.Id, out.Id = out.Id, first.Id
		r.held, r.done = nil, true
		return []*rpcpb.Outcome{first, out}
	case s.turn(LieReorder):
		r.held = out
		return nil
	}
	return []*rpcpb.Outcome{out}
}

// isStale reports whether a store with these options says that its reads may be
// stale.
func isStale(options map[string]string) bool {
	return options[record.OptionConsistency] == record.ConsistencyStale
}
