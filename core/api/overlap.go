package api

import (
	"github.com/google/btree"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// checkOverlaps refuses a transaction that changes a key twice: two puts of one
// key, or a put of a key that a delete of the transaction covers. The two
// branches of a transaction exclude each other and may both change a key.
//
// It reaches the same verdicts as etcd's checkIntervals
// (server/etcdserver/api/v3rpc/key.go), two leniencies included: a delete in a
// nested transaction may cover a put of an earlier nested one, and a delete
// with range_end "\0" (every key from here on) covers nothing, so that "delete
// everything, then put" is one transaction.
//
// Time is O(n log n) per level of nesting for n operations, so that a request
// of a megabyte of tiny operations does not hold up the server.
func checkOverlaps(r *pb.TxnRequest) error {
	for _, ops := range [][]*pb.RequestOp{r.GetSuccess(), r.GetFailure()} {
		if _, err := changesOf(ops); err != nil {
			return err
		}
	}
	return nil
}

// changes are the keys that a list of operations puts, and those it deletes.
type changes struct {
	puts map[string]struct{}
	dels *spans
}

// changesOf collects the changes of ops and of the transactions inside.
func changesOf(ops []*pb.RequestOp) (changes, error) {
	c := changes{puts: map[string]struct{}{}, dels: newSpans()}
	for _, op := range ops {
		if del := op.GetRequestDeleteRange(); del != nil {
			c.dels.addRange(del.Key, del.RangeEnd)
		}
	}
	for _, op := range ops {
		if txn := op.GetRequestTxn(); txn != nil {
			if err := c.addTxn(txn); err != nil {
				return c, err
			}
		}
	}
	for _, op := range ops {
		if put := op.GetRequestPut(); put != nil {
			if err := c.addPut(string(put.Key)); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// addTxn adds the changes of both branches of a nested transaction.
func (c *changes) addTxn(txn *pb.TxnRequest) error {
	then, err := changesOf(txn.Success)
	if err != nil {
		return err
	}
	otherwise, err := changesOf(txn.Failure)
	if err != nil {
		return err
	}
	for k := range then.puts {
		if err := c.addPut(k); err != nil {
			return err
		}
	}
	for k := range otherwise.puts {
		if _, both := then.puts[k]; both {
			continue
		}
		if err := c.addPut(k); err != nil {
			return err
		}
	}
	c.dels.addAll(then.dels)
	c.dels.addAll(otherwise.dels)
	return nil
}

func (c *changes) addPut(key string) error {
	if _, twice := c.puts[key]; twice || c.dels.contain(key) {
		return rpctypes.ErrGRPCDuplicateKey
	}
	c.puts[key] = struct{}{}
	return nil
}

// span is the keys in [start, end); end is never empty.
type span struct{ start, end string }

// spans is a set of keys as disjoint spans, ordered by start.
type spans struct{ tree *btree.BTreeG[span] }

func newSpans() *spans {
	return &spans{btree.NewG(8, func(a, b span) bool { return a.start < b.start })}
}

// addRange adds what a delete of key and rangeEnd covers.
func (s *spans) addRange(key, rangeEnd []byte) {
	switch {
	case len(rangeEnd) == 0:
		s.add(span{string(key), string(key) + "\x00"})
	case string(key) < string(rangeEnd):
		s.add(span{string(key), string(rangeEnd)})
	}
}

// addAll adds the keys of other.
func (s *spans) addAll(other *spans) {
	other.tree.Ascend(func(sp span) bool {
		s.add(sp)
		return true
	})
}

// add adds sp and merges it with the spans that it touches.
func (s *spans) add(sp span) {
	if before, ok := s.before(sp.start); ok && before.end >= sp.start {
		s.tree.Delete(before)
		sp = span{before.start, max(before.end, sp.end)}
	}
	for {
		after, ok := s.after(sp.start)
		if !ok || after.start > sp.end {
			break
		}
		s.tree.Delete(after)
		sp.end = max(sp.end, after.end)
	}
	s.tree.ReplaceOrInsert(sp)
}

// contain reports whether key is in the set.
func (s *spans) contain(key string) bool {
	sp, ok := s.before(key)
	return ok && key < sp.end
}

// before returns the last span that starts at or before key.
func (s *spans) before(key string) (found span, ok bool) {
	s.tree.DescendLessOrEqual(span{start: key}, func(sp span) bool {
		found, ok = sp, true
		return false
	})
	return found, ok
}

// after returns the first span that starts at or after key.
func (s *spans) after(key string) (found span, ok bool) {
	s.tree.AscendGreaterOrEqual(span{start: key}, func(sp span) bool {
		found, ok = sp, true
		return false
	})
	return found, ok
}
