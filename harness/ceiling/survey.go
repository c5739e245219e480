package ceiling

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/grpc"

	"metastorebench/core/rpcpb"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// Errors of Survey, wrapped with what was found.
var (
	// ErrOptions says that the options cannot be used.
	ErrOptions = errors.New("ceiling: invalid options")
	// ErrStore says that the store's binary did not do its part.
	ErrStore = errors.New("ceiling: the store did not time its codecs")
)

// defaultLoads are the loads of the built-in plans' puts.
var defaultLoads = []Load{
	{Clients: 1, Conns: 1, KeyBytes: 8, ValueBytes: 256},
	{Clients: 50, Conns: 1, KeyBytes: 8, ValueBytes: 256},
	{Clients: 100, Conns: 10, KeyBytes: 8, ValueBytes: 256},
}

// Options say what to measure, and with what.
type Options struct {
	// DataDir is the directory whose device is measured; it must exist.
	DataDir string
	// Noop is the argv that starts the no-op server as a child; without it there
	// are no gRPC and no loopback probes.
	Noop []string
	// Metastore is the store's binary; without it there are no codec probes.
	Metastore string
	// RPC names the gRPC settings of the no-op server, and DialOptions gives the
	// client's side of them; nil means none.
	RPC         string
	DialOptions func(rpc string) []grpc.DialOption
	// Loads are those of the unary and batch probes; empty means those of the
	// built-in plans' puts. One more probe of batches and those of streams use the
	// first one's sizes of keys and values, the codecs each size.
	Loads  []Load
	Effort Effort
}

func (o Options) validate() error {
	var errs []error
	if o.DataDir == "" {
		errs = append(errs, fmt.Errorf("%w: no data directory", ErrOptions))
	}
	if o.Effort.Repeats < 1 || o.Effort.Each <= 0 {
		errs = append(errs, fmt.Errorf("%w: %d repeats of %v; accepted: 1 or more, above 0", ErrOptions, o.Effort.Repeats, o.Effort.Each))
	}
	for _, l := range o.Loads {
		if l.Clients < 1 || l.Conns < 1 || l.KeyBytes < 1 || l.ValueBytes < 0 || l.BatchOps < 0 || l.BatchOps > rpcpb.MaxBatchOps {
			errs = append(errs, fmt.Errorf("%w: load %+v; accepted: clients, connections and key bytes from 1, value bytes from 0, batches of 0 (none) to %d", ErrOptions, l, rpcpb.MaxBatchOps))
		}
	}
	return errors.Join(errs...)
}

// Loads returns the loads of the workloads that go over gRPC, each once.
func Loads(workloads []record.Workload) []Load {
	var loads []Load
	for _, w := range workloads {
		l := Load{Clients: w.Clients, Conns: w.Conns, KeyBytes: w.KeyBytes, ValueBytes: w.ValueBytes, BatchOps: w.BatchOps}
		if w.API != workload.APIHTTP && !slices.Contains(loads, l) {
			loads = append(loads, l)
		}
	}
	return loads
}

// Survey measures the ceilings of this machine. It takes about as long as
// Effort says, uses all CPUs, and leaves nothing behind. If the no-op server does
// not start or dies, the error says how and what it said; if ctx ends, it is the
// context's cause.
func Survey(ctx context.Context, o Options) (*record.Ceilings, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if len(o.Loads) == 0 {
		o.Loads = defaultLoads
	}
	p := &prober{Options: o}
	for _, probe := range []func(context.Context) error{p.network, p.disk, p.codecs} {
		if err := probe(ctx); err != nil {
			return nil, fmt.Errorf("measure ceilings: %w", err)
		}
	}
	return &p.found, nil
}

// SetSyncLatency copies the sync latency into the environment's own fields.
func SetSyncLatency(env *record.Environment, c *record.Ceilings) {
	for _, p := range c.Find(record.ProbeSyncLatency) {
		sorted := slices.Sorted(slices.Values(p.Samples))
		middle := int64(math.Round(sorted[len(sorted)/2]))
		switch p.Params[record.ParamPercentile] {
		case "50":
			env.SyncLatencyP50NS = middle
			env.SyncSamples, _ = p.Int(record.ParamSyncs)
		case "99":
			env.SyncLatencyP99NS = middle
		}
	}
}

// prober collects probes in the order in which they are measured.
type prober struct {
	Options
	found record.Ceilings
}

func (p *prober) add(probe record.Probe) { p.found.Probes = append(p.found.Probes, probe) }

// rate adds a probe whose rounds are perRound units each.
func (p *prober) rate(ctx context.Context, name, unit string, perRound int, params map[string]string, t task) error {
	ns, err := p.Effort.repeat(ctx, t)
	if err != nil {
		return err
	}
	p.add(record.Probe{Name: name, Unit: unit, Params: params, Samples: rates(ns, perRound)})
	return nil
}

// codecs runs the codec probes for each size of key and value.
func (p *prober) codecs(ctx context.Context) error {
	if p.Metastore == "" {
		return nil
	}
	var done []Load
	for _, l := range p.Loads {
		size := Load{KeyBytes: l.KeyBytes, ValueBytes: l.ValueBytes}
		if slices.Contains(done, size) {
			continue
		}
		done = append(done, size)
		if err := p.codec(ctx, l.KeyBytes, l.ValueBytes); err != nil {
			return err
		}
	}
	return nil
}
