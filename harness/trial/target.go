package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

	"metastorebench/core/client"
	"metastorebench/harness/child"
	"metastorebench/harness/load"
	"metastorebench/harness/ready"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// target is a started store with its clients.
type target struct {
	kind  string
	older bool             // its store may lack counters that ours has
	line  ready.Line       // of the member that clients talk to: of a cluster, its leader
	procs []*child.Process // of all members; none of an external target
	dir   string           // of all members' data; "" for an external target

	admin *client.Pool             // one connection, for everything but the load
	pool  clients                  // the load's connections
	batch func(i int) load.Batcher // nil for a target without our store's service
}

// clients are the load's connections, whatever the API.
type clients interface {
	Handle(i int) client.KV
	Close() error
}

// streams are clients on streams, one for each connection of their pool.
type streams struct {
	*client.Streams
	pool *client.Pool
}

// Close closes the streams and then the connections.
func (s streams) Close() error { return errors.Join(s.Streams.Close(), s.pool.Close()) }

// lean are lean clients. Their pool has what only grpc-go sends: the preload's batches.
type lean struct {
	*client.Lean
	pool *client.Pool
}

// Close closes all connections.
func (l lean) Close() error { return errors.Join(l.Lean.Close(), l.pool.Close()) }

// start brings up the target of the spec. If it fails nothing is left behind.
func start(ctx context.Context, s Spec) (*target, error) {
	t := &target{kind: s.Cell.Target, older: s.Older}
	if err := t.launch(ctx, s); err != nil {
		return nil, errors.Join(err, t.discard())
	}
	if err := t.connect(s); err != nil {
		return nil, errors.Join(err, t.discard())
	}
	return t, nil
}

func (t *target) launch(ctx context.Context, s Spec) (err error) {
	if t.kind == targetExternal {
		t.line = ready.Line{Client: s.External, HTTP: s.External, Durability: record.TierUnstated, Options: s.Cell.Options}
		return nil
	}
	if err := os.MkdirAll(s.DataRoot, 0o755); err != nil {
		return err
	}
	if t.dir, err = os.MkdirTemp(s.DataRoot, "trial-*"); err != nil {
		return err
	}
	argvs, err := s.commands(t.dir)
	if err != nil {
		return err
	}
	if t.procs, err = startAll(ctx, argvs); err != nil {
		return err
	}
	t.line, err = leader(ctx, t.procs)
	return err
}

func (t *target) connect(s Spec) (err error) {
	if t.admin, err = client.Dial(client.Options{Endpoint: t.line.Client, Conns: 1}); err != nil {
		return err
	}
	if s.Workload.API == workload.APIHTTP {
		if t.line.HTTP == "" {
			return fmt.Errorf("%w %s: the target has no HTTP port", ErrSpec, s.Cell.ID)
		}
		web, err := client.NewHTTP("http://"+t.line.HTTP, s.Workload.Conns, nil)
		if err != nil {
			return err
		}
		t.pool = web
		return nil
	}
	var opts []grpc.DialOption
	if s.DialOptions != nil {
		opts = s.DialOptions(s.Cell.Options["rpc"])
	}
	pool, err := client.Dial(client.Options{Endpoint: t.line.Client, Conns: s.Workload.Conns, DialOptions: opts})
	if err != nil {
		return err
	}
	t.pool = pool
	if s.Workload.Client == record.ClientLean {
		calls, err := client.DialLean(client.Options{Endpoint: t.line.Client, Conns: s.Workload.Conns})
		if err != nil {
			return err
		}
		t.pool = lean{calls, pool}
	}
	if t.kind == targetEtcd {
		return nil
	}
	if s.Workload.API == workload.APIStream {
		t.pool = streams{pool.Streams(s.Workload.Conns), pool}
	}
	t.batch = func(i int) load.Batcher { return pool.Batch(i) }
	return nil
}

// disconnect closes the clients, so that the store can stop gracefully.
func (t *target) disconnect() error {
	var errs []error
	if t.pool != nil {
		errs = append(errs, t.pool.Close())
	}
	if t.admin != nil {
		errs = append(errs, t.admin.Close())
	}
	t.pool, t.admin = nil, nil
	return errors.Join(errs...)
}

// discard ends whatever is left of the target and removes its data. It may be
// called more than once.
func (t *target) discard() error {
	err := t.disconnect()
	for _, p := range t.procs {
		p.Kill()
	}
	if t.dir != "" {
		err = errors.Join(err, os.RemoveAll(t.dir))
	}
	return err
}

// stop asks all members to end and waits until they have; the leader comes last,
// because it would wait for a member to lead after it that is about to end. The
// error has all that did not end well.
func (t *target) stop() error {
	errs := make([]error, len(t.procs))
	var group sync.WaitGroup
	last := 0
	for i, p := range t.procs {
		if p.Ready.Client == t.line.Client {
			last = i
			continue
		}
		group.Go(func() { errs[i] = p.Stop() })
	}
	group.Wait()
	errs[last] = t.procs[last].Stop()
	return errors.Join(errs...)
}

// watch cancels the trial when a child ends by itself. The function that it
// returns ends the watch.
func (t *target) watch(cancel context.CancelCauseFunc) (stop func()) {
	stops := make([]func(), len(t.procs))
	for i, p := range t.procs {
		stops[i] = p.Watch(cancel)
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// settle gives a child that has died, which is known first by what it did to a
// call, the time to be noticed by watch. It returns at once when that has been.
func (t *target) settle(ctx context.Context) {
	if len(t.procs) == 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(settleTime):
	}
}

// bounds returns the range of keys that the trial owns: all of them, or on an
// external target those of the workload, the contended ones included.
func (t *target) bounds(w *workload.Workload) (start, end []byte) {
	if t.kind == targetExternal {
		return w.AppendKey(nil, 0), append(w.AppendKey(nil, w.AllKeys()-1), 0)
	}
	return []byte{0}, []byte{0}
}

// empty makes sure that the target has no keys, and returns its revision.
func (t *target) empty(ctx context.Context, w *workload.Workload) (revision int64, err error) {
	start, end := t.bounds(w)
	page, err := t.admin.Handle(0).Range(ctx, start, end, 1)
	if err != nil {
		return 0, err
	}
	if page.Count > 0 {
		return 0, fmt.Errorf("%w: it has %d keys where the workload's go, the first %x", ErrNotEmpty, page.Count, page.Pairs[0].Key)
	}
	return page.Revision, nil
}
