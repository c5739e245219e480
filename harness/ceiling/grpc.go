package ceiling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"metastorebench/core/client"
	"metastorebench/core/rpcpb"
	"metastorebench/harness/record"
)

// errAnswer says that the no-op server answered otherwise than it must.
var errAnswer = errors.New("the no-op server's answer is wrong")

// Load is the shape of the traffic of a gRPC probe.
type Load struct {
	Clients, Conns       int
	KeyBytes, ValueBytes int
	BatchOps             int // puts in one call of the store's own service; 0: one put in a call of etcd's
}

// params describes the load.
func (l Load) params(rpc string) map[string]string {
	params := map[string]string{
		record.ParamClients: strconv.Itoa(l.Clients), record.ParamConns: strconv.Itoa(l.Conns), record.ParamRPC: rpc,
		record.ParamKeyBytes: strconv.Itoa(l.KeyBytes), record.ParamValueBytes: strconv.Itoa(l.ValueBytes),
	}
	if l.BatchOps > 0 {
		params[record.ParamBatch] = strconv.Itoa(l.BatchOps)
	}
	return params
}

// all runs work for every client at the same time and returns how long the last
// one took.
func (l Load) all(ctx context.Context, work func(ctx context.Context, i int) error) (time.Duration, error) {
	start := time.Now()
	group, running := errgroup.WithContext(ctx)
	for i := range l.Clients {
		group.Go(func() error { return work(running, i) })
	}
	err := group.Wait()
	return time.Since(start), err
}

// unary has every client put in a closed loop. A round is one put of each.
func unary(pool *client.Pool, l Load) task {
	handles := make([]client.KV, l.Clients)
	for i := range handles {
		handles[i] = pool.Handle(i)
	}
	key, value := make([]byte, l.KeyBytes), make([]byte, l.ValueBytes)
	return func(ctx context.Context, n int) (time.Duration, error) {
		return l.all(ctx, func(ctx context.Context, i int) error {
			for range n {
				if _, err := handles[i].Put(ctx, key, value); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// batch is unary with l.BatchOps puts in each call.
func batch(pool *client.Pool, l Load) task {
	size := l.BatchOps
	req := &rpcpb.BatchPutRequest{Puts: make([]*rpcpb.Put, size)}
	for i := range req.Puts {
		req.Puts[i] = &rpcpb.Put{Key: make([]byte, l.KeyBytes), Value: make([]byte, l.ValueBytes)}
	}
	return func(ctx context.Context, n int) (time.Duration, error) {
		return l.all(ctx, func(ctx context.Context, i int) error {
			c := rpcpb.NewMetaStoreClient(pool)
			for range n {
				resp, err := c.BatchPut(ctx, req)
				if err != nil {
					return err
				}
				if len(resp.GetResults()) != size {
					return fmt.Errorf("%w: %d results for %d puts", errAnswer, len(resp.GetResults()), size)
				}
			}
			return nil
		})
	}
}

// window bounds a pipeline.
type window struct {
	operations int // in flight on a stream
	perMessage int // in one message
}

// stream keeps a window of puts in flight on one stream per client. A round is
// one put of each.
func stream(pool *client.Pool, l Load, w window) task {
	put := &rpcpb.Put{Key: make([]byte, l.KeyBytes), Value: make([]byte, l.ValueBytes)}
	return func(ctx context.Context, n int) (time.Duration, error) {
		return l.all(ctx, func(ctx context.Context, i int) error {
			return pipeline(ctx, rpcpb.NewMetaStoreClient(pool), put, n, w)
		})
	}
}

// pipeline sends n puts on a stream of its own and waits for all outcomes.
func pipeline(ctx context.Context, c rpcpb.MetaStoreClient, put *rpcpb.Put, n int, w window) error {
	group, ctx := errgroup.WithContext(ctx)
	s, err := c.Pipeline(ctx)
	if err != nil {
		return err
	}
	first, err := s.Recv()
	if err != nil {
		return err
	}
	if room := first.GetWindow().GetOperations(); int(room) < w.operations {
		return fmt.Errorf("%w: a window of %d operations, want %d", errAnswer, room, w.operations)
	}
	answered := make(chan int, w.operations) // a message answers one operation or more, so sending never blocks
	group.Go(func() error { return receive(s.Recv, n, answered) })
	group.Go(func() error {
		if err := send(ctx, s.Send, put, n, w, answered); err != nil {
			return err
		}
		return s.CloseSend()
	})
	return group.Wait()
}

// send puts as many operations into each message as the window has room for.
func send(ctx context.Context, out func(*rpcpb.PipelineRequest) error, put *rpcpb.Put, n int, w window, answered <-chan int) error {
	free := w.operations
	for sent := 0; sent < n; {
		var err error
		if free, err = collect(ctx, free, answered); err != nil {
			return err
		}
		k := min(free, w.perMessage, n-sent)
		req := &rpcpb.PipelineRequest{Operations: make([]*rpcpb.Operation, k)}
		for i := range req.Operations {
			req.Operations[i] = &rpcpb.Operation{Id: uint64(sent + i + 1), Put: put}
		}
		if err := out(req); errors.Is(err, io.EOF) {
			return nil // the stream has ended, and the receiver knows why
		} else if err != nil {
			return err
		}
		free -= k
		sent += k
	}
	return nil
}

// collect adds what has been answered to free, and waits for the first answer
// when nothing is free.
func collect(ctx context.Context, free int, answered <-chan int) (int, error) {
	if free == 0 {
		select {
		case k := <-answered:
			free = k
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	for {
		select {
		case k := <-answered:
			free += k
		default:
			return free, nil
		}
	}
}

// receive takes outcomes until the stream ends, and demands n of them.
func receive(in func() (*rpcpb.PipelineResponse, error), n int, answered chan<- int) error {
	got := 0
	for {
		resp, err := in()
		if errors.Is(err, io.EOF) && got == n {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %d outcomes for %d operations", errAnswer, got, n)
		}
		if err != nil {
			return err
		}
		for _, o := range resp.GetOutcomes() {
			if o.GetPut().GetRevision() == 0 {
				return fmt.Errorf("%w: operation %d has no revision: %v", errAnswer, o.GetId(), o.GetError())
			}
		}
		got += len(resp.GetOutcomes())
		if len(resp.GetOutcomes()) == 0 || got > n {
			return fmt.Errorf("%w: a message of %d outcomes, %d in all for %d operations", errAnswer, len(resp.GetOutcomes()), got, n)
		}
		answered <- len(resp.GetOutcomes())
	}
}
