package apply

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// Range answers req from r. It follows etcd's executeRange
// (server/etcdserver/txn/range.go in v3.7):
//
//   - revision 0 or less means the current one; a lower revision than the
//     current is kv.ErrCompacted, a higher one kv.ErrFutureRevision;
//   - Count counts every key of the range, whatever the limit and the revision
//     filters;
//   - filters apply before the sort, the sort before the limit, except that with
//     sort order NONE the first Limit+1 keys in key order are what is sorted;
//   - keys that sort alike stay in ascending key order (in etcd their order is
//     arbitrary).
//
// The pairs are the engine's own and must not be changed: KeysOnly is left to
// the caller, who leaves the values out of the reply. Errors are
// kv.ErrCompacted, kv.ErrFutureRevision, or a failure of r.
func Range(r engine.Reader, req *kv.RangeRequest) (*kv.RangeResult, error) {
	if err := checkRevision(req.Revision, r.State().Revision); err != nil {
		return nil, err
	}
	return rangeNow(r, req)
}

// Get returns the pair under key, nil if there is none, at a revision as in
// Range. opErr is kv.ErrCompacted or kv.ErrFutureRevision; err is a failure of
// r.
func Get(r engine.Reader, key []byte, revision int64) (pair *kv.KeyValue, opErr, err error) {
	if revision > 0 {
		if opErr = checkRevision(revision, r.State().Revision); opErr != nil {
			return nil, opErr, nil
		}
	}
	pair, err = r.Get(key)
	return pair, nil, err
}

// checkRevision says whether a read at want can be served at current, the only
// revision there is.
func checkRevision(want, current int64) error {
	switch {
	case want > current:
		return kv.ErrFutureRevision
	case want > 0 && want < current:
		return kv.ErrCompacted
	}
	return nil
}

// rangeNow answers req from what r holds now, whatever req.Revision says.
func rangeNow(r engine.Reader, req *kv.RangeRequest) (*kv.RangeResult, error) {
	start, end, single := kv.Bounds(req.Key, req.RangeEnd)
	switch {
	case single:
		return rangeOne(r, req)
	case emptyInterval(start, end):
		return &kv.RangeResult{}, nil
	case req.CountOnly:
		n, err := r.Count(start, end)
		return &kv.RangeResult{Count: n}, err
	}
	res, err := collect(r, start, end, req)
	if err != nil {
		return nil, err
	}
	sortPairs(res.KVs, req)
	if req.Limit > 0 && int64(len(res.KVs)) > req.Limit {
		res.KVs, res.More = res.KVs[:req.Limit], true
	}
	return res, nil
}

// onePair is the answer for a single key, in one allocation.
type onePair struct {
	res kv.RangeResult
	kvs [1]*kv.KeyValue
}

// rangeOne answers a request for a single key: one Get, nothing to sort.
func rangeOne(r engine.Reader, req *kv.RangeRequest) (*kv.RangeResult, error) {
	p, err := r.Get(req.Key)
	if err != nil || p == nil {
		return &kv.RangeResult{}, err
	}
	one := &onePair{res: kv.RangeResult{Count: 1}}
	if !req.CountOnly && passes(req, p) {
		one.kvs[0] = p
		one.res.KVs = one.kvs[:]
	}
	return &one.res, nil
}

// collect scans [start, end) in the order of keys that req asks for, keeps the
// pairs that pass the filters and counts the keys. With a limit that can be
// applied to the scan it stops one pair behind it (to know whether there is
// more) and lets the engine count.
func collect(r engine.Reader, start, end []byte, req *kv.RangeRequest) (*kv.RangeResult, error) {
	limit := scanLimit(req)
	scan := r.Scan
	if keysDescend(req) {
		scan = r.ScanReverse
	}
	res := &kv.RangeResult{KVs: make([]*kv.KeyValue, 0, min(limit, 64))}
	cut := false
	err := scan(start, end, func(p *kv.KeyValue) bool {
		res.Count++
		if passes(req, p) {
			res.KVs = append(res.KVs, p)
		}
		cut = int64(len(res.KVs)) >= limit
		return !cut
	})
	if err == nil && cut {
		res.Count, err = r.Count(start, end)
	}
	return res, err
}

// keysDescend reports whether req wants the keys in descending order: the scan
// then runs that way (etcd's scans always ascend; the answer is the same).
func keysDescend(req *kv.RangeRequest) bool {
	return req.SortTarget == kv.RangeRequest_KEY && req.SortOrder == kv.RangeRequest_DESCEND
}

// scanLimit is how many pairs the scan must yield at most, as etcd's
// rangeLimit: requests that are filtered, or sorted by anything but the key,
// need them all.
func scanLimit(req *kv.RangeRequest) int64 {
	ordered := req.SortOrder == kv.RangeRequest_NONE || req.SortTarget == kv.RangeRequest_KEY
	if req.Limit <= 0 || req.Limit == math.MaxInt64 || !ordered || filtered(req) {
		return math.MaxInt64
	}
	return req.Limit + 1
}

func filtered(req *kv.RangeRequest) bool {
	return req.MinModRevision != 0 || req.MaxModRevision != 0 ||
		req.MinCreateRevision != 0 || req.MaxCreateRevision != 0
}

// passes reports whether p is inside the revision bounds of req; a bound of 0
// is none.
func passes(req *kv.RangeRequest, p *kv.KeyValue) bool {
	return (req.MaxModRevision == 0 || p.ModRevision <= req.MaxModRevision) &&
		(req.MinModRevision == 0 || p.ModRevision >= req.MinModRevision) &&
		(req.MaxCreateRevision == 0 || p.CreateRevision <= req.MaxCreateRevision) &&
		(req.MinCreateRevision == 0 || p.CreateRevision >= req.MinCreateRevision)
}

// sortPairs puts pairs, which collect left in the order of keys, into the order
// asked for. A target other than the key with order NONE means ascending.
func sortPairs(pairs []*kv.KeyValue, req *kv.RangeRequest) {
	if req.SortTarget == kv.RangeRequest_KEY {
		return
	}
	descend := req.SortOrder == kv.RangeRequest_DESCEND
	compare := comparator(req.SortTarget)
	slices.SortStableFunc(pairs, func(a, b *kv.KeyValue) int {
		if descend {
			return compare(b, a)
		}
		return compare(a, b)
	})
}

// comparator returns the ascending order of a sort target. An unknown target
// (the API refuses them) compares by key.
func comparator(target kv.RangeRequest_SortTarget) func(a, b *kv.KeyValue) int {
	switch target {
	case kv.RangeRequest_VERSION:
		return func(a, b *kv.KeyValue) int { return cmp.Compare(a.Version, b.Version) }
	case kv.RangeRequest_CREATE:
		return func(a, b *kv.KeyValue) int { return cmp.Compare(a.CreateRevision, b.CreateRevision) }
	case kv.RangeRequest_MOD:
		return func(a, b *kv.KeyValue) int { return cmp.Compare(a.ModRevision, b.ModRevision) }
	case kv.RangeRequest_VALUE:
		return func(a, b *kv.KeyValue) int { return bytes.Compare(a.Value, b.Value) }
	}
	return func(a, b *kv.KeyValue) int { return bytes.Compare(a.Key, b.Key) }
}

// emptyInterval reports whether [start, end) can hold no key. Engines are not
// asked about such intervals.
func emptyInterval(start, end []byte) bool {
	return len(end) > 0 && bytes.Compare(start, end) >= 0
}
