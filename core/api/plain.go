package api

import (
	"metastorebench/core/codec/wireform"
	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

// The messages of the store's own service have fewer fields than etcd's, which the
// log's forms have. One that uses numbers of the others has fields that the
// service does not know, and must not mean more in the log than it does here.

// isPlainPut reports whether body is a put, in its strict form, of a key and a
// value alone.
func isPlainPut(body []byte) bool {
	var p kv.PutRequest
	return wireform.Put(body, &p) == nil && hasPairAlone(&p)
}

func hasPairAlone(p *kv.PutRequest) bool {
	return p.Lease == 0 && !p.PrevKv && !p.IgnoreValue && !p.IgnoreLease
}

// isPlainDelete reports whether body is a delete, in its strict form, of a key or
// a range alone.
func isPlainDelete(body []byte) bool {
	var d kv.DeleteRangeRequest
	return wireform.Delete(body, &d) == nil && !d.PrevKv
}

// countItems returns the number of a list's items, and 0 if one of them is not as
// plain says, or there are more than a batch may have.
func countItems(list []byte, plain func(item []byte) bool) (n int) {
	err := wireform.Each(list, func(item []byte) error {
		if n++; n > rpcpb.MaxBatchOps || !plain(item) {
			return wireform.ErrShape
		}
		return nil
	})
	if err != nil {
		return 0
	}
	return n
}

// plainPuts returns a list of plain puts, as parts of it; nil if it is none.
func plainPuts(list []byte) *rpcpb.BatchPutRequest {
	n := countItems(list, isPlainPut)
	if n == 0 {
		return nil
	}
	slab := make([]rpcpb.Put, 0, n)
	r := &rpcpb.BatchPutRequest{Puts: make([]*rpcpb.Put, 0, n)}
	var p kv.PutRequest
	err := wireform.Each(list, func(item []byte) error {
		err := wireform.Put(item, &p)
		slab = append(slab, rpcpb.Put{Key: p.Key, Value: p.Value})
		r.Puts = append(r.Puts, &slab[len(slab)-1])
		return err
	})
	if err != nil {
		return nil
	}
	return r
}

// plainDeletes returns a list of plain deletes of one key each, as parts of it; nil
// if it is none.
func plainDeletes(list []byte) *rpcpb.BatchDeleteRequest {
	var d kv.DeleteRangeRequest
	oneKey := func(item []byte) bool {
		return wireform.Delete(item, &d) == nil && !d.PrevKv && len(d.RangeEnd) == 0
	}
	n := countItems(list, oneKey)
	if n == 0 {
		return nil
	}
	slab := make([]rpcpb.Delete, 0, n)
	r := &rpcpb.BatchDeleteRequest{Deletes: make([]*rpcpb.Delete, 0, n)}
	err := wireform.Each(list, func(item []byte) error {
		err := wireform.Delete(item, &d)
		slab = append(slab, rpcpb.Delete{Key: d.Key})
		r.Deletes = append(r.Deletes, &slab[len(slab)-1])
		return err
	})
	if err != nil {
		return nil
	}
	return r
}
