package api

import (
	"bytes"
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/kv"
	"metastorebench/core/rpcpb"
)

// Refusals of a whole batch, and of a key in one.
var (
	errNoOperations = status.Errorf(codes.InvalidArgument,
		"metastore: the batch is empty; accepted are 1 to %d operations", rpcpb.MaxBatchOps)
	errReplyFull = status.Errorf(codes.ResourceExhausted,
		"metastore: the batch's answer is full, %d bytes: ask for this key in another one", MaxBatchReplyBytes)
)

// batch is a batch request under way.
type batch struct {
	svc   *kvService
	op    string
	start time.Time
	ops   int
	// errs holds the errors of the operations that are refused, or were not
	// carried out, in the request's order; nil for the others.
	errs []*rpcpb.Error
	good int // operations without an error so far
	// revision is the store's when the batch had been carried out.
	revision int64
}

func newBatch(svc *kvService, op string, ops int) *batch {
	return &batch{svc: svc, op: op, start: time.Now(), ops: ops, good: ops}
}

// checkAll checks every operation, and refuses the bad ones. The error refuses
// the batch.
func (b *batch) checkAll(operation func(i int) (key, value []byte)) error {
	switch {
	case b.ops == 0:
		return errNoOperations
	case b.ops > rpcpb.MaxBatchOps:
		return status.Errorf(codes.InvalidArgument, "metastore: the batch has %d operations; accepted are 1 to %d", b.ops, rpcpb.MaxBatchOps)
	}
	b.errs = make([]*rpcpb.Error, b.ops)
	limit, sum := int(b.svc.limits.MaxRequestBytes), 0
	for i := range b.ops {
		key, value := operation(i)
		size := len(key) + len(value) + rpcpb.BatchOpBytes
		switch {
		case len(key) == 0:
			b.refuse(i, rpctypes.ErrGRPCEmptyKey)
		case size > limit:
			b.refuse(i, rpctypes.ErrGRPCRequestTooLarge)
		default:
			sum += size
		}
	}
	if sum > limit {
		return rpctypes.ErrGRPCRequestTooLarge
	}
	return nil
}

// refuse gives operation i an error.
func (b *batch) refuse(i int, err error) {
	st := status.Convert(wireError(err))
	b.errs[i] = &rpcpb.Error{Code: int32(st.Code()), Message: st.Message()}
	b.good--
}

// each runs do for every operation without an error. opErr refuses the
// operation, and err ends the batch.
func (b *batch) each(do func(i int) (opErr, err error)) error {
	for i, refused := range b.errs {
		if refused != nil {
			continue
		}
		opErr, err := do(i)
		if err != nil {
			return err
		}
		if opErr != nil {
			b.refuse(i, opErr)
		}
	}
	return nil
}

// passes reports whether the batch goes into the log as it was received, as w: the
// store takes it, and none of its operations is refused.
func (b *batch) passes(w kv.Wire) bool { return w.Bytes != nil && b.good == b.ops }

// own returns bytes that the store may keep: a copy if they are a part of w.
func own(w kv.Wire, part []byte) []byte {
	if w.Bytes == nil {
		return part
	}
	return bytes.Clone(part)
}

// propose carries out the commands of all operations without an error, in one
// proposal, or the whole batch as it was received. results[i] belongs to
// operation i. The error is a wire error.
func (b *batch) propose(ctx context.Context, w kv.Wire, command func(i int) *kv.Command) (results []kv.Result, err error) {
	if b.good == 0 {
		b.revision = b.svc.store.Status().Revision
		return nil, nil
	}
	var done []kv.Result
	var of []int
	if b.passes(w) {
		done, err = b.svc.wire.ProposeWireBatch(ctx, w)
	} else {
		cmds := make([]*kv.Command, 0, b.good)
		of = make([]int, 0, b.good)
		for i, refused := range b.errs {
			if refused == nil {
				cmds, of = append(cmds, command(i)), append(of, i)
			}
		}
		done, err = b.svc.store.ProposeBatch(ctx, cmds)
	}
	if err != nil {
		return nil, wireError(err)
	}
	b.revision = done[len(done)-1].Revision
	if len(done) == b.ops {
		results = done
	} else {
		results = make([]kv.Result, b.ops)
		for k, i := range of {
			results[i] = done[k]
		}
	}
	return results, b.each(func(i int) (opErr, err error) { return results[i].Err, nil })
}

// done tells the observer. err is where the call's error will be when the
// deferred call runs: it is that of every operation then.
func (b *batch) done(err *error) {
	ok, failed := b.good, map[codes.Code]int(nil)
	switch {
	case *err != nil:
		ok, failed = 0, map[codes.Code]int{status.Code(*err): b.ops}
	case ok < b.ops:
		failed = make(map[codes.Code]int)
		for _, e := range b.errs {
			if e != nil {
				failed[codes.Code(e.Code)]++
			}
		}
	}
	b.svc.observer.BatchDone(b.op, ok, failed, time.Since(b.start))
}
