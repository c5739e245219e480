package api

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The checks of this file are those of etcd's server/etcdserver/api/v3rpc/key.go
// (v3.7), in the same order. What etcd lets through to its applier without a
// meaning, an unknown compare target or result, is refused here.

func checkRange(r *pb.RangeRequest) error {
	if len(r.GetKey()) == 0 {
		return rpctypes.ErrGRPCEmptyKey
	}
	if _, ok := pb.RangeRequest_SortOrder_name[int32(r.SortOrder)]; !ok {
		return rpctypes.ErrGRPCInvalidSortOption
	}
	if _, ok := pb.RangeRequest_SortTarget_name[int32(r.SortTarget)]; !ok {
		return rpctypes.ErrGRPCInvalidSortOption
	}
	return nil
}

func checkPut(r *pb.PutRequest) error {
	switch {
	case len(r.GetKey()) == 0:
		return rpctypes.ErrGRPCEmptyKey
	case r.IgnoreValue && len(r.Value) != 0:
		return rpctypes.ErrGRPCValueProvided
	case r.IgnoreLease && r.Lease != 0:
		return rpctypes.ErrGRPCLeaseProvided
	}
	return nil
}

func checkDelete(r *pb.DeleteRangeRequest) error {
	if len(r.GetKey()) == 0 {
		return rpctypes.ErrGRPCEmptyKey
	}
	return nil
}

// checkTxn checks a whole transaction.
func checkTxn(r *pb.TxnRequest, maxOps int) error {
	if err := checkTxnShape(r, maxOps); err != nil {
		return err
	}
	// Only after the number of operations is known to be bounded.
	return checkOverlaps(r)
}

// checkTxnShape checks the operations one by one. A nested transaction may use
// what its parents leave of maxOps.
func checkTxnShape(r *pb.TxnRequest, maxOps int) error {
	ops := max(len(r.GetCompare()), len(r.GetSuccess()), len(r.GetFailure()))
	if ops > maxOps {
		return rpctypes.ErrGRPCTooManyOps
	}
	for _, c := range r.GetCompare() {
		if err := checkCompare(c); err != nil {
			return err
		}
	}
	for _, branch := range [][]*pb.RequestOp{r.GetSuccess(), r.GetFailure()} {
		for _, op := range branch {
			if err := checkOp(op, maxOps-ops); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkCompare(c *pb.Compare) error {
	if len(c.GetKey()) == 0 {
		return rpctypes.ErrGRPCEmptyKey
	}
	if _, ok := pb.Compare_CompareResult_name[int32(c.Result)]; !ok {
		return status.Errorf(codes.InvalidArgument,
			"etcdserver: unknown compare result %d, want EQUAL, GREATER, LESS or NOT_EQUAL", c.Result)
	}
	if _, ok := pb.Compare_CompareTarget_name[int32(c.Target)]; !ok {
		return status.Errorf(codes.InvalidArgument,
			"etcdserver: unknown compare target %d, want VERSION, CREATE, MOD, VALUE or LEASE", c.Target)
	}
	return nil
}

func checkOp(op *pb.RequestOp, maxOps int) error {
	switch op := op.GetRequest().(type) {
	case *pb.RequestOp_RequestRange:
		return checkRange(op.RequestRange)
	case *pb.RequestOp_RequestPut:
		return checkPut(op.RequestPut)
	case *pb.RequestOp_RequestDeleteRange:
		return checkDelete(op.RequestDeleteRange)
	case *pb.RequestOp_RequestTxn:
		return checkTxnShape(op.RequestTxn, maxOps)
	}
	// An operation without a request; the odd choice of error is etcd's.
	return rpctypes.ErrGRPCKeyNotFound
}
