package client

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Unknown reports whether err, from a write, leaves open if the write took
// effect. It knows the errors of this store and of etcd by the table in package
// api's comment, and takes whatever it does not know for unknown.
//
// Some codes need a look at the text. Canceled and DeadlineExceeded are what any
// caller gets who gives up, unless nothing had begun. Unavailable is "no leader" (refused) as
// well as a connection that broke with the request under way. ResourceExhausted
// is a refusal by the server, but also what gRPC says of a reply that the client
// will not read. What a stream never sent has a text that says so.
func Unknown(err error) bool {
	if err == nil {
		return false
	}
	st := status.Convert(err)
	if strings.HasPrefix(st.Message(), notSentPrefix) {
		return false
	}
	switch st.Code() {
	case codes.InvalidArgument, codes.NotFound, codes.OutOfRange, codes.FailedPrecondition,
		codes.Unimplemented, codes.PermissionDenied, codes.Unauthenticated:
		return false
	case codes.Canceled, codes.DeadlineExceeded:
		return st.Message() != notSent && st.Message() != notProposed
	case codes.Unavailable:
		return st.Message() != "etcdserver: no leader"
	case codes.ResourceExhausted:
		return !strings.HasPrefix(st.Message(), "etcdserver: ") &&
			!strings.Contains(st.Message(), "trying to send message larger than max")
	}
	return true
}

// asStatus makes a transport's error a gRPC status, as a gRPC connection would.
func asStatus(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, err.Error())
}
