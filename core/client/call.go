package client

import (
	"context"
	"errors"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/rpcpb"
)

// call is an operation on a stream: its caller's until it is submitted, then the
// session's until it is answered.
type call struct {
	id       uint64 // 0 when it is not in flight
	answered atomic.Bool
	wake     chan struct{} // has room for one value, which says that it is time to look
	result   result
	err      error
}

// result is what an operation without an error found.
type result struct {
	revision, deleted int64
	pair              *mvccpb.KeyValue
	page              Page
}

func newCall() *call { return &call{wake: make(chan struct{}, 1)} }

// tell gives the call back to its caller, with its outcome.
func (c *call) tell() {
	c.answered.Store(true)
	c.nudge()
}

// nudge has the caller look.
func (c *call) nudge() {
	select {
	case c.wake <- struct{}{}:
	default: // it is about to
	}
}

// take returns the outcome and keeps nothing of it.
func (c *call) take() (r result, err error) {
	r, err = c.result, c.err
	c.result, c.err = result{}, nil
	c.answered.Store(false)
	return r, err
}

// answer sets the outcome. An answer of no known kind is an error that leaves the
// outcome open.
func (c *call) answer(o *rpcpb.Outcome) {
	switch {
	case o.Error != nil:
		c.err = operationError(o.Error)
	case o.Put != nil:
		c.result = result{revision: o.Put.Revision}
	case o.Delete != nil:
		c.result = result{revision: o.Delete.Revision, deleted: o.Delete.Deleted}
	case o.Get != nil:
		c.result = result{revision: o.Revision, pair: pairOf(o.Get.Pair)}
	case o.Range != nil:
		page := Page{More: o.Range.More, Count: o.Range.Count, Revision: o.Revision}
		for _, p := range o.Range.Pairs {
			page.Pairs = append(page.Pairs, pairOf(p))
		}
		c.result = result{revision: o.Revision, page: page}
	default:
		c.err = status.Error(codes.Internal, "client: malformed answer: an outcome without a result")
	}
}

// Reasons why a stream took no operation, or ended.
var (
	errClosed   = errors.New("the streams have been closed")
	errNoWindow = errors.New("the server's first message has no window")
	errForeign  = errors.New("the server answered an operation that is not in flight")
)

// notSentPrefix begins the text of an error that says that an operation on a
// stream did not happen.
const notSentPrefix = "client: not sent: "

// notSentError is the error of an operation that the connection never had:
// Unavailable, unless the server refuses streams for a reason of its own.
func notSentError(reason error) error {
	st := status.Convert(reason)
	code := codes.Unavailable
	if st.Code() == codes.Unimplemented || st.Code() == codes.ResourceExhausted {
		code = st.Code()
	}
	return status.Error(code, notSentPrefix+st.Message())
}

// brokenError is the error of an operation that was sent and not answered.
func brokenError(reason error) error {
	return status.Error(codes.Unavailable, "client: the stream broke with the operation under way: "+status.Convert(reason).Message())
}

func contextError(ctx context.Context) error { return status.FromContextError(ctx.Err()).Err() }
