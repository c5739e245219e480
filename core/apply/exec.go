package apply

import (
	"errors"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// ErrNoRequest says that a command holds no request, which no API lets through:
// the log entry that it came from is damaged or was written by another program.
var ErrNoRequest = errors.New("apply: command holds no request")

// Exec carries out cmd against b and updates st.Revision or st.CompactRevision;
// the other fields of st are the caller's. It never commits b.
//
// Revisions follow etcd: a command that changes something adds one, all
// operations of a transaction share it, and a command that changes nothing (a
// delete of no key, a transaction that only reads) adds none.
//
// Result.Err is one of package kv's sentinels: the request could not be carried
// out in this state, and neither b nor st was changed. A returned error is a
// failure of the engine or ErrNoRequest; b is then half-changed and must be
// discarded.
//
// cmd's byte slices become the engine's, as engine.Batch says of a pair's, and must
// not be changed afterwards; cmd itself stays the caller's. Exec is deterministic: the same commands
// on the same data give the same data and the same results on every replica.
func Exec(b engine.Batch, st *engine.State, cmd *kv.Command) (kv.Result, error) {
	w := writer{b: b, rev: st.Revision}
	var res kv.Result
	var err error
	switch {
	case cmd.Put != nil:
		res, err = w.execPut(cmd.Put)
	case cmd.DeleteRange != nil:
		res.Delete, err = w.deleteRange(cmd.DeleteRange)
	case cmd.Txn != nil:
		// A writer of its own, so that w need not be on the heap for a put.
		t := txn{r: b, w: writer{b: b, rev: st.Revision}}
		res.Txn, res.Err, err = t.exec(cmd.Txn)
		w.changed = t.w.changed
	case cmd.Compact != nil:
		res.Err = compact(st, cmd.Compact.Revision)
	default:
		err = ErrNoRequest
	}
	if err != nil {
		return kv.Result{}, err
	}
	st.Revision = w.current()
	res.Revision = st.Revision
	return res, nil
}

// compact moves the compact revision up. There is nothing to delete, since only
// the newest version of a key is kept. The order of the checks is etcd's
// (updateCompactRev in server/storage/mvcc/kvstore.go).
func compact(st *engine.State, rev int64) error {
	switch {
	case rev <= st.CompactRevision:
		return kv.ErrCompacted
	case rev > st.Revision:
		return kv.ErrFutureRevision
	}
	st.CompactRevision = rev
	return nil
}

// writer makes the changes of one command, all under one revision.
type writer struct {
	b engine.Batch
	// rev is the store's revision before the command.
	rev int64
	// changed says that something was written, and so that the command's own
	// revision, rev+1, exists.
	changed bool
}

// current is the store's revision as seen by the command itself.
func (w *writer) current() int64 {
	if w.changed {
		return w.rev + 1
	}
	return w.rev
}

// execPut carries out a put that is a command of its own.
func (w *writer) execPut(req *kv.PutRequest) (res kv.Result, err error) {
	if res.Err = checkLease(req); res.Err != nil {
		return res, nil
	}
	prev, err := w.b.Get(req.Key)
	if err != nil {
		return res, err
	}
	if res.Err = checkPrev(req, prev); res.Err != nil {
		return res, nil
	}
	if req.PrevKv {
		res.PrevKV = prev
	}
	return res, w.put(req, prev, prev)
}

// checkLease refuses a put with a lease: there are none.
func checkLease(req *kv.PutRequest) error {
	if req.Lease != 0 {
		return kv.ErrLeaseNotFound
	}
	return nil
}

// checkPrev refuses a put that keeps the value or the lease of a pair that is
// not there.
func checkPrev(req *kv.PutRequest, prev *kv.KeyValue) error {
	if (req.IgnoreValue || req.IgnoreLease) && prev == nil {
		return kv.ErrKeyNotFound
	}
	return nil
}

// put stores the pair. prev is the key's present pair, nil if there is none;
// kept is the pair that ignore_value and ignore_lease refer to.
func (w *writer) put(req *kv.PutRequest, prev, kept *kv.KeyValue) error {
	rev := w.rev + 1
	pair := &kv.KeyValue{
		Key:            req.Key,
		Value:          req.Value,
		CreateRevision: rev,
		ModRevision:    rev,
		Version:        1,
	}
	if prev != nil {
		pair.CreateRevision = prev.CreateRevision
		pair.Version = prev.Version + 1
	}
	if req.IgnoreValue {
		pair.Value = kept.Value
	}
	if req.IgnoreLease {
		pair.Lease = kept.Lease
	}
	w.changed = true
	return w.b.Put(pair)
}

// deleteRange removes the keys of req. It collects them first: a batch must not
// be changed while it is scanned.
func (w *writer) deleteRange(req *kv.DeleteRangeRequest) (*kv.DeleteResult, error) {
	pairs, err := pairsIn(w.b, req.Key, req.RangeEnd)
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		w.changed = true
		if err := w.b.Delete(p.Key); err != nil {
			return nil, err
		}
	}
	res := &kv.DeleteResult{Deleted: int64(len(pairs))}
	if req.PrevKv {
		res.PrevKVs = pairs
	}
	return res, nil
}

// pairsIn returns all pairs that key and rangeEnd name, in key order.
func pairsIn(r engine.Reader, key, rangeEnd []byte) ([]*kv.KeyValue, error) {
	start, end, single := kv.Bounds(key, rangeEnd)
	if single {
		p, err := r.Get(key)
		if err != nil || p == nil {
			return nil, err
		}
		return []*kv.KeyValue{p}, nil
	}
	if emptyInterval(start, end) {
		return nil, nil
	}
	var pairs []*kv.KeyValue
	err := r.Scan(start, end, func(p *kv.KeyValue) bool {
		pairs = append(pairs, p)
		return true
	})
	return pairs, err
}
