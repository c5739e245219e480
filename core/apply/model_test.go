package apply_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/apply"
	"metastorebench/core/apply/applytest"
	"metastorebench/core/kv"
)

// model is the obvious store: every revision's whole content, kept for ever. It
// shares no code with the package: a transaction works on a copy of the
// content, and a range is filter, sort and cut over a list.
type model struct {
	rev     int64
	compact int64
	history map[int64]content
}

type content map[string]kv.KeyValue

func newModel() *model { return &model{rev: 1, history: map[int64]content{1: {}}} }

func (m *model) exec(cmd *kv.Command) kv.Result {
	if cmd.Compact != nil {
		rev := cmd.Compact.Revision
		if rev <= m.compact {
			return kv.Result{Revision: m.rev, Err: kv.ErrCompacted}
		}
		if rev > m.rev {
			return kv.Result{Revision: m.rev, Err: kv.ErrFutureRevision}
		}
		m.compact = rev
		return kv.Result{Revision: m.rev}
	}
	work := &working{old: m.history[m.rev], now: maps.Clone(m.history[m.rev]), rev: m.rev}
	op, err := work.op(&kv.RequestOp{Put: cmd.Put, DeleteRange: cmd.DeleteRange, Txn: cmd.Txn})
	if err != nil {
		return kv.Result{Revision: m.rev, Err: err}
	}
	if work.changed {
		m.rev++
		m.history[m.rev] = work.now
	}
	return kv.Result{Revision: m.rev, PrevKV: op.PrevKV, Delete: op.Delete, Range: op.Range, Txn: op.Txn}
}

// working is the content while one command changes it; if it fails the copy is
// thrown away.
type working struct {
	old, now content
	rev      int64
	changed  bool
}

func (w *working) op(op *kv.RequestOp) (res kv.OpResult, err error) {
	switch {
	case op.Put != nil:
		res.PrevKV, err = w.put(op.Put)
	case op.DeleteRange != nil:
		res.Delete = &kv.DeleteResult{}
		for _, p := range w.now.in(op.DeleteRange.Key, op.DeleteRange.RangeEnd) {
			res.Delete.Deleted++
			if op.DeleteRange.PrevKv {
				res.Delete.PrevKVs = append(res.Delete.PrevKVs, p)
			}
			delete(w.now, string(p.Key))
			w.changed = true
		}
	case op.Range != nil:
		from := w.now
		if op.Range.Revision > w.rev {
			return res, kv.ErrFutureRevision
		} else if op.Range.Revision > 0 {
			from = w.old
			if op.Range.Revision < w.rev {
				return res, kv.ErrCompacted
			}
		}
		res.Range = from.rangeOf(op.Range)
	case op.Txn != nil:
		res.Txn = &kv.TxnResult{Succeeded: true}
		for _, c := range op.Txn.Compare {
			res.Txn.Succeeded = res.Txn.Succeeded && w.old.holds(c)
		}
		branch := op.Txn.Success
		if !res.Txn.Succeeded {
			branch = op.Txn.Failure
		}
		res.Txn.Responses = make([]kv.OpResult, len(branch))
		for i, sub := range branch {
			if res.Txn.Responses[i], err = w.op(sub); err != nil {
				return res, err
			}
		}
	}
	return res, err
}

func (w *working) put(req *kv.PutRequest) (*kv.KeyValue, error) {
	if req.Lease != 0 {
		return nil, kv.ErrLeaseNotFound
	}
	old, existed := w.old[string(req.Key)]
	if (req.IgnoreValue || req.IgnoreLease) && !existed {
		return nil, kv.ErrKeyNotFound
	}
	p := kv.KeyValue{Key: req.Key, Value: req.Value, CreateRevision: w.rev + 1}
	prev, exists := w.now[string(req.Key)]
	if exists {
		p.CreateRevision, p.Version = prev.CreateRevision, prev.Version
	}
	if req.IgnoreValue {
		p.Value = old.Value
	}
	p.Version++
	p.ModRevision = w.rev + 1
	w.now[string(req.Key)] = p
	w.changed = true
	if req.PrevKv && exists {
		return &prev, nil
	}
	return nil, nil
}

func (c content) in(key, end []byte) []*kv.KeyValue {
	var found []*kv.KeyValue
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if kv.Contains(key, end, []byte(k)) {
			p := c[k]
			found = append(found, &p)
		}
	}
	return found
}

func (c content) rangeOf(req *kv.RangeRequest) *kv.RangeResult {
	all := c.in(req.Key, req.RangeEnd)
	res := &kv.RangeResult{Count: int64(len(all))}
	if req.CountOnly {
		return res
	}
	for _, p := range all {
		if (req.MinModRevision == 0 || req.MinModRevision <= p.ModRevision) &&
			(req.MaxModRevision == 0 || req.MaxModRevision >= p.ModRevision) &&
			(req.MinCreateRevision == 0 || req.MinCreateRevision <= p.CreateRevision) &&
			(req.MaxCreateRevision == 0 || req.MaxCreateRevision >= p.CreateRevision) {
			res.KVs = append(res.KVs, p)
		}
	}
	field := func(p *kv.KeyValue) string {
		n := [...]int64{0, p.Version, p.CreateRevision, p.ModRevision, 0}[req.SortTarget]
		switch req.SortTarget {
		case kv.RangeRequest_KEY:
			return string(p.Key)
		case kv.RangeRequest_VALUE:
			return string(p.Value)
		}
		return fmt.Sprintf("%020d", n)
	}
	if req.SortOrder != kv.RangeRequest_NONE {
		sort.SliceStable(res.KVs, func(i, j int) bool {
			if req.SortOrder == kv.RangeRequest_DESCEND {
				i, j = j, i
			}
			return field(res.KVs[i]) < field(res.KVs[j])
		})
	}
	if req.Limit > 0 && int64(len(res.KVs)) > req.Limit {
		res.KVs, res.More = res.KVs[:req.Limit], true
	}
	return res
}

func (c content) holds(cp *kv.Compare) bool {
	pairs := c.in(cp.Key, cp.RangeEnd)
	if len(pairs) == 0 {
		if cp.Target == kv.Compare_VALUE {
			return false
		}
		pairs = []*kv.KeyValue{{}}
	}
	for _, p := range pairs {
		order := cmp.Compare([...]int64{p.Version, p.CreateRevision, p.ModRevision, 0, p.Lease}[cp.Target], cp.Number)
		if cp.Target == kv.Compare_VALUE {
			order = bytes.Compare(p.Value, cp.Value)
		}
		if ok := [...]bool{order == 0, order > 0, order < 0, order != 0}[cp.Result]; !ok {
			return false
		}
	}
	return true
}

// generator makes random requests over few keys, so that they meet.
type generator struct {
	*rand.Rand
	rev int64
}

func (g generator) key() []byte { return []byte{byte(1 + g.IntN(8))} }

func (g generator) end() []byte {
	switch g.IntN(4) {
	case 0:
		return []byte{0}
	case 1:
		return g.key()
	}
	return nil
}

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// near returns a revision around the current one.
func (g generator) near() int64 { return g.rev - 3 + g.Int64N(5) }

func (g generator) put() *kv.PutRequest {
	req := &kv.PutRequest{Key: g.key(), Value: []byte{byte(g.IntN(4))}, PrevKv: g.chance(30)}
	req.IgnoreLease = g.chance(10)
	if req.IgnoreValue = g.chance(10); req.IgnoreValue {
		req.Value = nil
	}
	if g.chance(3) {
		req.Lease = 1
	}
	return req
}

func (g generator) rangeRequest() *kv.RangeRequest {
	req := &kv.RangeRequest{Key: g.key(), RangeEnd: g.end(), CountOnly: g.chance(10)}
	if g.chance(40) {
		req.Limit = g.Int64N(5)
	}
	if g.chance(30) {
		req.SortOrder = kv.RangeRequest_SortOrder(1 + g.IntN(2))
		req.SortTarget = kv.RangeRequest_SortTarget(g.IntN(5))
	}
	if g.chance(20) {
		req.Revision = g.near()
	}
	for _, bound := range []*int64{&req.MinModRevision, &req.MaxModRevision, &req.MinCreateRevision, &req.MaxCreateRevision} {
		if g.chance(10) {
			*bound = g.near()
		}
	}
	return req
}

func (g generator) txn(depth int) *kv.TxnRequest {
	req := &kv.TxnRequest{}
	for range g.IntN(3) {
		req.Compare = append(req.Compare, &kv.Compare{
			Key: g.key(), RangeEnd: g.end(), Value: []byte{byte(g.IntN(4))}, Number: g.near(),
			Result: kv.Compare_Result(g.IntN(4)), Target: kv.Compare_Target(g.IntN(5)),
		})
	}
	req.Success, req.Failure = g.ops(depth), g.ops(depth)
	return req
}

// ops makes the operations of a branch, also such that the API would refuse,
// like two changes of one key: the meaning of those is defined too.
func (g generator) ops(depth int) []*kv.RequestOp {
	var ops []*kv.RequestOp
	for range g.IntN(4) {
		switch n := g.IntN(10); {
		case n < 4:
			ops = append(ops, &kv.RequestOp{Put: g.put()})
		case n < 7:
			ops = append(ops, &kv.RequestOp{Range: g.rangeRequest()})
		case n < 9 || depth == 0:
			ops = append(ops, &kv.RequestOp{DeleteRange: g.del()})
		default:
			ops = append(ops, &kv.RequestOp{Txn: g.txn(depth - 1)})
		}
	}
	return ops
}

func (g generator) del() *kv.DeleteRangeRequest {
	return &kv.DeleteRangeRequest{Key: g.key(), RangeEnd: g.end(), PrevKv: g.chance(30)}
}

func (g generator) command() *kv.Command {
	switch n := g.IntN(20); {
	case n < 9:
		return &kv.Command{Put: g.put()}
	case n < 11:
		return &kv.Command{DeleteRange: g.del()}
	case n < 12:
		return &kv.Command{Compact: &kv.CompactRequest{Revision: g.near()}}
	}
	return &kv.Command{Txn: g.txn(2)}
}

// TestAgainstModel runs random commands and reads on the package over the oracle
// engine and on the model, and compares every answer and the content.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := generator{Rand: rand.New(rand.NewPCG(seed, 0)), rev: 1}
			o, m := applytest.New(), newModel()
			for range 400 {
				cmd := g.command()
				st := o.State()
				got, err := apply.Exec(o, &st, cmd)
				require.NoError(t, err)
				require.NoError(t, o.Commit(st))
				requireResult(t, m.exec(cmd), got, cmd)
				require.Equal(t, m.compact, st.CompactRevision)
				requirePairs(t, m.history[m.rev].in([]byte{0}, []byte{0}), o.Pairs())
				g.rev = m.rev
				compareReads(t, g, o, m)
			}
		})
	}
}

// compareReads compares a range and a read-only transaction.
func compareReads(t *testing.T, g generator, o *applytest.Oracle, m *model) {
	req := g.rangeRequest()
	want, wantErr := (&working{old: m.history[m.rev], now: m.history[m.rev], rev: m.rev}).op(&kv.RequestOp{Range: req})
	got, err := apply.Range(o, req)
	require.Equal(t, wantErr, err, "%v", req)
	if err == nil {
		requireRange(t, want.Range, got)
	}
	txn := g.txn(1)
	if apply.ReadOnly(txn) {
		res, err := apply.ReadTxn(o, txn)
		require.NoError(t, err)
		requireResult(t, m.exec(&kv.Command{Txn: txn}), res, txn)
	}
}

func requireResult(t *testing.T, want, got kv.Result, cmd any) {
	t.Helper()
	require.Equal(t, want.Err, got.Err, "%v", cmd)
	require.Equal(t, want.Revision, got.Revision, "%v", cmd)
	requireOp(t, kv.OpResult{PrevKV: want.PrevKV, Delete: want.Delete, Range: want.Range, Txn: want.Txn},
		kv.OpResult{PrevKV: got.PrevKV, Delete: got.Delete, Range: got.Range, Txn: got.Txn})
}

func requireOp(t *testing.T, want, got kv.OpResult) {
	t.Helper()
	require.Equal(t, want.PrevKV, got.PrevKV)
	require.Equal(t, want.Delete == nil, got.Delete == nil)
	if want.Delete != nil {
		require.Equal(t, want.Delete.Deleted, got.Delete.Deleted)
		requirePairs(t, want.Delete.PrevKVs, got.Delete.PrevKVs)
	}
	require.Equal(t, want.Range == nil, got.Range == nil)
	if want.Range != nil {
		requireRange(t, want.Range, got.Range)
	}
	require.Equal(t, want.Txn == nil, got.Txn == nil)
	if want.Txn != nil {
		require.Equal(t, want.Txn.Succeeded, got.Txn.Succeeded)
		require.Len(t, got.Txn.Responses, len(want.Txn.Responses))
		for i := range want.Txn.Responses {
			requireOp(t, want.Txn.Responses[i], got.Txn.Responses[i])
		}
	}
}

func requireRange(t *testing.T, want, got *kv.RangeResult) {
	t.Helper()
	require.Equal(t, want.Count, got.Count)
	require.Equal(t, want.More, got.More)
	requirePairs(t, want.KVs, got.KVs)
}

// requirePairs compares pairs; a nil list is an empty one.
func requirePairs(t *testing.T, want, got []*kv.KeyValue) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}
}
