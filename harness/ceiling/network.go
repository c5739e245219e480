package ceiling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/grpc"

	"metastorebench/core/client"
	"metastorebench/harness/child"
	"metastorebench/harness/record"
)

// The loads of the probes that no workload of a plan has yet.
const (
	batchClients, batchConns   = 8, 2
	batchOps                   = 100
	streamClients, streamConns = 2, 2
)

var streamWindows = []window{{operations: 256, perMessage: 1}, {operations: 1024, perMessage: 1}, {operations: 1024, perMessage: 64}}

// network runs the probes that need the no-op server.
func (p *prober) network(ctx context.Context) error {
	if len(p.Noop) == 0 {
		return nil
	}
	argv := slices.Clone(p.Noop)
	if p.RPC != "" {
		argv = append(argv, "--rpc="+p.RPC)
	}
	server, err := child.Start(ctx, argv)
	if err != nil {
		return err
	}
	p.RPC = server.Ready.Options["rpc"] // what it has, not what it was asked for
	defer server.Kill()                 // also on a panic; it has been stopped otherwise
	if err = p.grpc(ctx, server.Ready.Client); err == nil {
		err = p.loopback(ctx, server.Ready.Echo)
	}
	// That the server died says more than what it did to a call, so its end is
	// part of the error whatever came first.
	if stopped := server.Stop(); stopped != nil {
		err = errors.Join(fmt.Errorf("no-op server: %w", stopped), err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// traffic is one gRPC probe.
type traffic struct {
	name     string
	load     Load
	perRound int               // operations in a round of the task
	extra    map[string]string // parameters beside the load's
	task     func(*client.Pool) task
}

// traffics lists the gRPC probes.
func (p *prober) traffics() []traffic {
	var ts []traffic
	b, s := p.Loads[0], p.Loads[0]
	b.Clients, b.Conns, b.BatchOps = batchClients, batchConns, batchOps
	s.Clients, s.Conns, s.BatchOps = streamClients, streamConns, 0
	for _, l := range append(slices.Clone(p.Loads), b) {
		if l.BatchOps > 0 {
			ts = append(ts, traffic{record.ProbeBatch, l, l.Clients * l.BatchOps, nil, func(pool *client.Pool) task { return batch(pool, l) }})
		} else {
			ts = append(ts, traffic{record.ProbeUnary, l, l.Clients, nil, func(pool *client.Pool) task { return unary(pool, l) }})
		}
	}
	for _, w := range streamWindows {
		extra := map[string]string{record.ParamWindow: strconv.Itoa(w.operations), record.ParamPerMessage: strconv.Itoa(w.perMessage)}
		ts = append(ts, traffic{record.ProbeStream, s, s.Clients, extra, func(pool *client.Pool) task { return stream(pool, s, w) }})
	}
	return ts
}

// grpc runs the probes of RPC against the server at addr, each on connections of
// its own.
func (p *prober) grpc(ctx context.Context, addr string) error {
	for _, t := range p.traffics() {
		if err := p.drive(ctx, addr, t); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func (p *prober) drive(ctx context.Context, addr string, t traffic) error {
	var opts []grpc.DialOption
	if p.DialOptions != nil {
		opts = p.DialOptions(p.RPC)
	}
	pool, err := client.Dial(client.Options{Endpoint: addr, Conns: t.load.Conns, DialOptions: opts})
	if err != nil {
		return err
	}
	params := t.load.params(p.RPC)
	maps.Copy(params, t.extra)
	return errors.Join(p.rate(ctx, t.name, record.UnitOps, t.perRound, params, t.task(pool)), pool.Close())
}
