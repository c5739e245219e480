package api

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/kv"
	"metastorebench/core/member"
)

// errNotProposed says more than the status of a cancelled context: that nothing
// happened.
var errNotProposed = status.Error(codes.Canceled, "metastore: cancelled before it was proposed")

// errOvertaken is what etcd has no error for: there such a call times out.
var errOvertaken = status.Error(codes.Unavailable, "metastore: "+kv.ErrOvertaken.Error())

// wireErrors maps package kv's sentinels to etcd's wire errors; see the table in
// the package comment.
var wireErrors = []struct{ is, wire error }{
	{kv.ErrCompacted, rpctypes.ErrGRPCCompacted},
	{kv.ErrFutureRevision, rpctypes.ErrGRPCFutureRev},
	{kv.ErrKeyNotFound, rpctypes.ErrGRPCKeyNotFound},
	{kv.ErrLeaseNotFound, rpctypes.ErrGRPCLeaseNotFound},
	{kv.ErrTooManyRequests, rpctypes.ErrGRPCRequestTooManyRequests},
	{kv.ErrTooLarge, rpctypes.ErrGRPCRequestTooLarge},
	{kv.ErrDropped, rpctypes.ErrGRPCNoLeader},
	{kv.ErrNotProposed, errNotProposed},
	{kv.ErrLeaderLost, rpctypes.ErrGRPCLeaderChanged},
	{kv.ErrOvertaken, errOvertaken},
	{kv.ErrTimeout, rpctypes.ErrGRPCTimeout},
	{kv.ErrStopped, rpctypes.ErrGRPCStopped},

	{ErrNotLeader, rpctypes.ErrGRPCNotLeader},
	{ErrBadTransferee, rpctypes.ErrGRPCBadLeaderTransferee},
	{member.ErrExists, rpctypes.ErrGRPCMemberExist},
	{member.ErrURLExists, rpctypes.ErrGRPCPeerURLExist},
	{member.ErrBadURLs, rpctypes.ErrGRPCMemberBadURLs},
	{member.ErrNotFound, rpctypes.ErrGRPCMemberNotFound},
	{member.ErrRemoved, rpctypes.ErrGRPCMemberNotFound},
	{member.ErrNotLearner, rpctypes.ErrGRPCMemberNotLearner},
	{member.ErrLearnerNotReady, rpctypes.ErrGRPCLearnerNotReady},
	{member.ErrTooManyLearners, rpctypes.ErrGRPCTooManyLearners},
	{member.ErrNotEnoughStarted, rpctypes.ErrGRPCMemberNotEnoughStarted},
}

// wireError returns what the client is told of err. A gRPC status stays as it
// is; an error that the table does not know is codes.Unknown with its text, as
// in etcd. Contexts' errors become statuses here, not in gRPC, because the
// gateway calls the service without gRPC in between.
func wireError(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range wireErrors {
		if errors.Is(err, e.is) {
			return e.wire
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return status.FromContextError(err).Err()
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Unknown, err.Error())
}
