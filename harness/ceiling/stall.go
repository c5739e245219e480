package ceiling

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// Stall returns a server option that plants a fault: the server answers nothing
// for the given time, once, beginning after its first call. A call that comes in
// that time is answered at its end. It shows what a way of measuring latency
// makes of a stall of known length. Unary calls only.
func Stall(after, length time.Duration) grpc.ServerOption {
	s := &stall{after: after, length: length}
	return grpc.ChainUnaryInterceptor(s.intercept)
}

type stall struct {
	after, length time.Duration
	once          sync.Once
	from          time.Time // written once
}

func (s *stall) intercept(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	now := time.Now()
	s.once.Do(func() { s.from = now.Add(s.after) })
	if into := now.Sub(s.from); into >= 0 && into < s.length {
		end := time.NewTimer(s.length - into)
		defer end.Stop()
		select {
		case <-end.C:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	return handle(ctx, req)
}
