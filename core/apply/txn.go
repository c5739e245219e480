package apply

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// A transaction runs in three steps, as etcd's (server/etcdserver/txn/txn.go in
// v3.7):
//
//  1. decide: all compares, those of nested transactions in the chosen branches
//     too, are evaluated on the state before the transaction;
//  2. check: the operations of the chosen branches are checked on that same
//     state, so that a transaction fails before it has changed anything;
//  3. run: the operations run in order, and each sees what those before it did.
//
// Step 2 pins what an operation needs of the old state: the answer of a range
// that names the revision before the transaction, and the pair whose value an
// ignore_value put keeps. Step 3 walks the operations in the same order and
// takes the pinned items from the front.

// ReadOnly reports whether req, in neither branch nor in nested transactions,
// writes. Such a transaction needs no log entry: see ReadTxn.
func ReadOnly(req *kv.TxnRequest) bool {
	return readOnlyOps(req.Success) && readOnlyOps(req.Failure)
}

func readOnlyOps(ops []*kv.RequestOp) bool {
	for _, op := range ops {
		if op.Range == nil && (op.Txn == nil || !ReadOnly(op.Txn)) {
			return false
		}
	}
	return true
}

// ReadTxn carries out a transaction for which ReadOnly holds on r. Result.Err
// is kv.ErrCompacted or kv.ErrFutureRevision; a returned error is a failure of
// r, or says that the transaction writes.
func ReadTxn(r engine.Reader, req *kv.TxnRequest) (kv.Result, error) {
	if !ReadOnly(req) {
		return kv.Result{}, errors.New("apply: read-only transaction writes")
	}
	t := txn{r: r, w: writer{rev: r.State().Revision}}
	res, refused, err := t.exec(req)
	return kv.Result{Revision: t.w.rev, Txn: res, Err: refused}, err
}

// txn is a transaction under way.
type txn struct {
	r engine.Reader
	// w has no batch if the transaction is read-only.
	w      writer
	pinned []pin
}

// pin is one operation's share of the state before the transaction.
type pin struct {
	rng  *kv.RangeResult
	pair *kv.KeyValue
}

// exec runs the three steps. refused is a kv sentinel, and then nothing was
// changed; err is a failure of the engine.
func (t *txn) exec(req *kv.TxnRequest) (res *kv.TxnResult, refused, err error) {
	root, err := t.decide(req)
	if err != nil {
		return nil, nil, err
	}
	if refused, err = t.check(root); refused != nil || err != nil {
		return nil, refused, err
	}
	res, err = t.run(root)
	return res, nil, err
}

// branch is the chosen side of a transaction.
type branch struct {
	succeeded bool
	ops       []*kv.RequestOp
	// nested holds the chosen branches of the transactions among ops, in order.
	nested []*branch
}

// decide chooses the branches of req and of the transactions inside.
func (t *txn) decide(req *kv.TxnRequest) (*branch, error) {
	ok, err := holdAll(t.r, req.Compare)
	if err != nil {
		return nil, err
	}
	br := &branch{succeeded: ok, ops: req.Success}
	if !ok {
		br.ops = req.Failure
	}
	for _, op := range br.ops {
		if op.Txn == nil {
			continue
		}
		sub, err := t.decide(op.Txn)
		if err != nil {
			return nil, err
		}
		br.nested = append(br.nested, sub)
	}
	return br, nil
}

// check returns the first reason why the branch cannot run, and pins what it
// needs of the present state.
func (t *txn) check(br *branch) (refused, err error) {
	nested := br.nested
	for _, op := range br.ops {
		switch {
		case op.Range != nil:
			refused, err = t.checkRange(op.Range)
		case op.Put != nil:
			refused, err = t.checkPut(op.Put)
		case op.Txn != nil:
			refused, err = t.check(nested[0])
			nested = nested[1:]
		}
		if refused != nil || err != nil {
			return refused, err
		}
	}
	return nil, nil
}

// pinsRange reports whether req names its revision. Only the revision before
// the transaction passes the check, so the answer must come from there.
func pinsRange(req *kv.RangeRequest) bool { return req.Revision > 0 }

// pinsPair reports whether req keeps something of the key's pair.
func pinsPair(req *kv.PutRequest) bool { return req.IgnoreValue || req.IgnoreLease }

func (t *txn) checkRange(req *kv.RangeRequest) (refused, err error) {
	if refused := checkRevision(req.Revision, t.w.rev); refused != nil {
		return refused, nil
	}
	if pinsRange(req) {
		res, err := rangeNow(t.r, req)
		t.pinned = append(t.pinned, pin{rng: res})
		return nil, err
	}
	return nil, nil
}

func (t *txn) checkPut(req *kv.PutRequest) (refused, err error) {
	if refused := checkLease(req); refused != nil {
		return refused, nil
	}
	if pinsPair(req) {
		prev, err := t.r.Get(req.Key)
		t.pinned = append(t.pinned, pin{pair: prev})
		return checkPrev(req, prev), err
	}
	return nil, nil
}

// unpin takes the next pinned item.
func (t *txn) unpin() pin {
	p := t.pinned[0]
	t.pinned = t.pinned[1:]
	return p
}

// run carries out the operations of the branch.
func (t *txn) run(br *branch) (*kv.TxnResult, error) {
	res := &kv.TxnResult{Succeeded: br.succeeded, Responses: make([]kv.OpResult, len(br.ops))}
	nested := br.nested
	for i, op := range br.ops {
		var err error
		out := &res.Responses[i]
		switch {
		case op.Range != nil:
			out.Range, err = t.runRange(op.Range)
		case op.Put != nil:
			out.PrevKV, err = t.runPut(op.Put)
		case op.DeleteRange != nil:
			out.Delete, err = t.w.deleteRange(op.DeleteRange)
		case op.Txn != nil:
			out.Txn, err = t.run(nested[0])
			nested = nested[1:]
		default:
			err = ErrNoRequest
		}
		if err != nil {
			return nil, fmt.Errorf("transaction operation %d: %w", i, err)
		}
	}
	return res, nil
}

func (t *txn) runRange(req *kv.RangeRequest) (*kv.RangeResult, error) {
	if pinsRange(req) {
		return t.unpin().rng, nil
	}
	return rangeNow(t.r, req)
}

func (t *txn) runPut(req *kv.PutRequest) (prevKV *kv.KeyValue, err error) {
	prev, err := t.r.Get(req.Key)
	if err != nil {
		return nil, err
	}
	var kept *kv.KeyValue
	if pinsPair(req) {
		kept = t.unpin().pair
	}
	if req.PrevKv {
		prevKV = prev
	}
	return prevKV, t.w.put(req, prev, kept)
}

// holdAll reports whether all compares hold on r.
func holdAll(r engine.Reader, compares []*kv.Compare) (bool, error) {
	for _, c := range compares {
		if ok, err := holds(r, c); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// holds reports whether c holds for every pair of its range. If there is none,
// a compare of the value fails (a missing value is not an empty one), and any
// other compares with zero.
func holds(r engine.Reader, c *kv.Compare) (bool, error) {
	start, end, single := kv.Bounds(c.Key, c.RangeEnd)
	found, ok := false, true
	see := func(p *kv.KeyValue) bool {
		found, ok = true, matches(c, p)
		return ok
	}
	var err error
	switch {
	case single:
		var p *kv.KeyValue
		if p, err = r.Get(start); p != nil {
			see(p)
		}
	case !emptyInterval(start, end):
		err = r.Scan(start, end, see)
	}
	if found || err != nil {
		return ok, err
	}
	return c.Target != kv.Compare_VALUE && matches(c, &kv.KeyValue{}), nil
}

// matches compares one pair. An unknown result holds and an unknown target
// compares as equal, as in etcd; the API lets neither through.
func matches(c *kv.Compare, p *kv.KeyValue) bool {
	var order int
	switch c.Target {
	case kv.Compare_VALUE:
		order = bytes.Compare(p.Value, c.Value)
	case kv.Compare_CREATE:
		order = cmp.Compare(p.CreateRevision, c.Number)
	case kv.Compare_MOD:
		order = cmp.Compare(p.ModRevision, c.Number)
	case kv.Compare_VERSION:
		order = cmp.Compare(p.Version, c.Number)
	case kv.Compare_LEASE:
		order = cmp.Compare(p.Lease, c.Number)
	}
	switch c.Result {
	case kv.Compare_EQUAL:
		return order == 0
	case kv.Compare_NOT_EQUAL:
		return order != 0
	case kv.Compare_GREATER:
		return order > 0
	case kv.Compare_LESS:
		return order < 0
	}
	return true
}
