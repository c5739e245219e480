package api

import (
	"context"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/apply"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/recycle"
)

// kvService is etcd's KV service over a Store.
type kvService struct {
	store    Store
	limits   Limits
	observer Observer // never nil
	replies  *replyTrace
	// wire is the store if it takes writes as they were received, else nil.
	wire WireStore
	// puts has the messages and replies of puts; see frames.go.
	puts recycle.Pool[putCall]
	// A new method of the service is a compile error, not a silent
	// Unimplemented.
	pb.UnsafeKVServer
}

var _ pb.KVServer = (*kvService)(nil)

// Put stores one pair.
func (s *kvService) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	reply := &putReply{}
	if err := s.put(ctx, r, kv.Wire{}, reply); err != nil {
		return nil, err
	}
	return &reply.resp, nil
}

// put stores one pair and fills in the reply. w is r as it was received; it may
// have no bytes.
func (s *kvService) put(ctx context.Context, r *pb.PutRequest, w kv.Wire, reply *putReply) (err error) {
	defer s.done(OpPut, time.Now(), &err)
	if err := s.refusePut(r); err != nil {
		return err
	}
	var res kv.Result
	if w.Bytes != nil {
		res, err = s.proposeWire(ctx, w)
	} else {
		res, err = s.propose(ctx, newPutCommand(r))
	}
	if err != nil {
		return err
	}
	s.fillHeader(&reply.hdr, res.Revision)
	reply.resp.Header = &reply.hdr
	reply.resp.PrevKv = fromPair(res.PrevKV)
	s.replies.returns(ctx, &reply.resp)
	return nil
}

// refusePut returns why a put is not carried out, nil if it is.
func (s *kvService) refusePut(r *pb.PutRequest) error {
	if err := checkPut(r); err != nil {
		return err
	}
	// The few fields beside key and value never exceed 64 bytes.
	if len(r.Key)+len(r.Value)+64 > int(s.limits.MaxRequestBytes) {
		if err := s.checkSize(r); err != nil {
			return err
		}
	}
	if r.Lease != 0 {
		// No lease can exist; a log entry would only find that out.
		return rpctypes.ErrGRPCLeaseNotFound
	}
	return nil
}

// putReply is a put's reply in one allocation.
type putReply struct {
	resp pb.PutResponse
	hdr  pb.ResponseHeader
}

// Range reads keys.
func (s *kvService) Range(ctx context.Context, r *pb.RangeRequest) (resp *pb.RangeResponse, err error) {
	defer s.done(rangeOp(r), time.Now(), &err)
	return s.rangeKeys(ctx, r)
}

// rangeOp tells a read of one key from a read of a range.
func rangeOp(r *pb.RangeRequest) string {
	if len(r.RangeEnd) == 0 {
		return OpGet
	}
	return OpRange
}

func (s *kvService) rangeKeys(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	if err := checkRange(r); err != nil {
		return nil, err
	}
	req := toRange(r)
	var res *kv.RangeResult
	var rev int64
	err := s.store.Read(ctx, r.Serializable, func(view engine.Reader) (err error) {
		rev = view.State().Revision
		res, err = apply.Range(view, req)
		return err
	})
	if err != nil {
		return nil, wireError(err)
	}
	return fromRange(s.header(rev), res, r.KeysOnly), nil
}

// DeleteRange removes keys.
func (s *kvService) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	return s.deleteRange(ctx, r, kv.Wire{})
}

// deleteRange removes keys. w is r as it was received; it may have no bytes.
func (s *kvService) deleteRange(ctx context.Context, r *pb.DeleteRangeRequest, w kv.Wire) (resp *pb.DeleteRangeResponse, err error) {
	defer s.done(OpDelete, time.Now(), &err)
	if err := s.refuseDelete(r); err != nil {
		return nil, err
	}
	var res kv.Result
	if w.Bytes != nil {
		res, err = s.proposeWire(ctx, w)
	} else {
		res, err = s.propose(ctx, &kv.Command{DeleteRange: toDelete(r)})
	}
	if err != nil {
		return nil, err
	}
	resp = fromDelete(s.header(res.Revision), res.Delete)
	s.replies.returns(ctx, resp)
	return resp, nil
}

// refuseDelete returns why a delete is not carried out, nil if it is.
func (s *kvService) refuseDelete(r *pb.DeleteRangeRequest) error {
	if err := checkDelete(r); err != nil {
		return err
	}
	return s.checkSize(r)
}

// Txn carries out a transaction: one that cannot write as a read, any other
// through the log.
func (s *kvService) Txn(ctx context.Context, r *pb.TxnRequest) (resp *pb.TxnResponse, err error) {
	defer s.done(OpTxn, time.Now(), &err)
	if err := s.refuseTxn(r); err != nil {
		return nil, err
	}
	req := toTxn(r)
	var res kv.Result
	if apply.ReadOnly(req) {
		res, err = s.readTxn(ctx, req)
	} else {
		res, err = s.propose(ctx, &kv.Command{Txn: req})
	}
	if err != nil {
		return nil, err
	}
	resp = fromTxn(s.header(res.Revision), r, res.Txn)
	s.replies.returns(ctx, resp)
	return resp, nil
}

// refuseTxn returns why a transaction is not carried out, nil if it is.
func (s *kvService) refuseTxn(r *pb.TxnRequest) error {
	if err := checkTxn(r, int(s.limits.MaxTxnOps)); err != nil {
		return err
	}
	return s.checkSize(r)
}

func (s *kvService) readTxn(ctx context.Context, req *kv.TxnRequest) (res kv.Result, err error) {
	err = s.store.Read(ctx, serializable(req), func(view engine.Reader) (err error) {
		res, err = apply.ReadTxn(view, req)
		return err
	})
	if err == nil {
		err = res.Err
	}
	return res, wireError(err)
}

// serializable reports whether a read-only transaction may be answered from
// local state: it reads, and all its reads allow that. (etcd also answers a
// transaction of compares alone from local state; here it is linearizable.)
func serializable(req *kv.TxnRequest) bool {
	reads := 0
	for _, ops := range [][]*kv.RequestOp{req.Success, req.Failure} {
		for _, op := range ops {
			if op.Range != nil && !op.Range.Serializable || op.Txn != nil && !serializable(op.Txn) {
				return false
			}
			reads++
		}
	}
	return reads > 0
}

// Compact raises the compact revision. Its reply comes when that is applied,
// whether or not physical was asked for: there is nothing to delete.
func (s *kvService) Compact(ctx context.Context, r *pb.CompactionRequest) (resp *pb.CompactionResponse, err error) {
	defer s.done(OpCompact, time.Now(), &err)
	res, err := s.propose(ctx, &kv.Command{Compact: &kv.CompactRequest{Revision: r.Revision}})
	if err != nil {
		return nil, err
	}
	return &pb.CompactionResponse{Header: s.header(res.Revision)}, nil
}

// propose carries out cmd; its errors are wire errors.
func (s *kvService) propose(ctx context.Context, cmd *kv.Command) (kv.Result, error) {
	res, err := s.store.Propose(ctx, cmd)
	if err == nil {
		err = res.Err
	}
	return res, wireError(err)
}

// proposeWire is propose for a request as it was received.
func (s *kvService) proposeWire(ctx context.Context, w kv.Wire) (kv.Result, error) {
	res, err := s.wire.ProposeWire(ctx, w)
	if err == nil {
		err = res.Err
	}
	return res, wireError(err)
}

// checkSize refuses a request whose encoding exceeds the bound.
func (s *kvService) checkSize(r proto.Message) error {
	if proto.Size(r) > int(s.limits.MaxRequestBytes) {
		return rpctypes.ErrGRPCRequestTooLarge
	}
	return nil
}

func (s *kvService) header(revision int64) *pb.ResponseHeader {
	hdr := &pb.ResponseHeader{}
	s.fillHeader(hdr, revision)
	return hdr
}

func (s *kvService) fillHeader(hdr *pb.ResponseHeader, revision int64) {
	st := s.store.Status()
	hdr.ClusterId, hdr.MemberId = st.ClusterID, st.MemberID
	hdr.RaftTerm = st.RaftTerm
	hdr.Revision = revision
}

// done tells the observer that a request has ended. err is where the answer's
// error will be when the deferred call runs.
func (s *kvService) done(op string, start time.Time, err *error) {
	s.observer.OpDone(op, *err, time.Since(start))
}
