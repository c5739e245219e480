//go:build metastore_plant

package api

import (
	"context"
	"sync/atomic"
	"time"

	"metastorebench/core/kv"
	"metastorebench/core/plant"
)

// planted returns the store with the faults of package plant.
func planted(s Store) Store {
	p := plantedStore{s}
	if wire, ok := s.(WireStore); ok {
		return plantedWire{p, wire}
	}
	return p
}

// plantedStore is a Store with faults.
type plantedStore struct{ Store }

var _ Store = plantedStore{}

// kept makes what is allocated escape.
var kept atomic.Pointer[[32]byte]

// spend takes what so many writes cost more. It spins: slower code takes CPU time,
// and a sleep would cost nothing where the machine is saturated.
func spend(writes int) {
	for range writes {
		for range plant.Allocations {
			kept.Store(new([32]byte))
		}
		if plant.Delay > 0 {
			for began := time.Now(); time.Since(began) < plant.Delay; {
			}
		}
	}
}

// Propose implements Store.
func (p plantedStore) Propose(ctx context.Context, cmd *kv.Command) (kv.Result, error) {
	spend(1)
	return p.Store.Propose(ctx, cmd)
}

// ProposeBatch implements Store, but for its atomicity where there are parts.
func (p plantedStore) ProposeBatch(ctx context.Context, cmds []*kv.Command) (done []kv.Result, err error) {
	spend(len(cmds))
	for part := range plant.Parts {
		from, to := part*len(cmds)/plant.Parts, (part+1)*len(cmds)/plant.Parts
		if from == to {
			continue
		}
		results, err := p.Store.ProposeBatch(ctx, cmds[from:to])
		if err != nil {
			return nil, err
		}
		done = append(done, results...)
	}
	return done, nil
}

// ProposeEach implements Store.
func (p plantedStore) ProposeEach(submissions []kv.Submission, sink kv.Sink) {
	spend(len(submissions))
	p.Store.ProposeEach(submissions, sink)
}

// plantedWire is a WireStore with faults. What is received as one batch cannot be cut
// into parts, so that it is not taken where it has to be.
type plantedWire struct {
	plantedStore
	wire WireStore
}

var _ WireStore = plantedWire{}

// TakesWire implements WireStore.
func (p plantedWire) TakesWire() bool { return p.wire.TakesWire() && plant.Parts == 1 }

// ProposeWire implements WireStore.
func (p plantedWire) ProposeWire(ctx context.Context, w kv.Wire) (kv.Result, error) {
	spend(1)
	return p.wire.ProposeWire(ctx, w)
}

// ProposeWireBatch implements WireStore.
func (p plantedWire) ProposeWireBatch(ctx context.Context, w kv.Wire) ([]kv.Result, error) {
	spend(w.Ops)
	return p.wire.ProposeWireBatch(ctx, w)
}
