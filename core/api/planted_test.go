//go:build metastore_plant

package api

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/kv"
	"metastorebench/core/plant"
)

// counted is a Store that notes how many commands each call had.
type counted struct {
	Store
	calls []int
}

func (c *counted) Propose(context.Context, *kv.Command) (kv.Result, error) {
	c.calls = append(c.calls, 1)
	return kv.Result{}, nil
}

func (c *counted) ProposeBatch(_ context.Context, cmds []*kv.Command) ([]kv.Result, error) {
	c.calls = append(c.calls, len(cmds))
	return make([]kv.Result, len(cmds)), nil
}

func (c *counted) ProposeEach(s []kv.Submission, _ kv.Sink) { c.calls = append(c.calls, len(s)) }
func (c *counted) TakesWire() bool                          { return true }

func (c *counted) ProposeWire(ctx context.Context, _ kv.Wire) (kv.Result, error) {
	return c.Propose(ctx, nil)
}

func (c *counted) ProposeWireBatch(ctx context.Context, w kv.Wire) ([]kv.Result, error) {
	return c.ProposeBatch(ctx, make([]*kv.Command, w.Ops))
}

// TestPlantedStore checks each fault on each way of writing.
func TestPlantedStore(t *testing.T) {
	inner := &counted{}
	s, ctx := planted(inner).(WireStore), t.Context()
	defer func() { plant.Delay, plant.Allocations, plant.Parts = 0, 0, 1 }()
	ways := map[string]func() (writes int){
		"unary":      func() int { _, _ = s.Propose(ctx, nil); return 1 },
		"batch":      func() int { _, _ = s.ProposeBatch(ctx, make([]*kv.Command, 5)); return 5 },
		"stream":     func() int { s.ProposeEach(make([]kv.Submission, 3), nil); return 3 },
		"wire":       func() int { _, _ = s.ProposeWire(ctx, kv.Wire{Ops: 1}); return 1 },
		"wire batch": func() int { _, _ = s.ProposeWireBatch(ctx, kv.Wire{Ops: 4}); return 4 },
	}
	for name, write := range ways {
		inner.calls = make([]int, 0, 1000)
		without := testing.AllocsPerRun(10, func() { write() })
		plant.Allocations = 7
		require.InDelta(t, without+float64(7*write()), testing.AllocsPerRun(10, func() { write() }), 0.5, name)
		plant.Allocations, plant.Delay = 0, time.Millisecond
		began := time.Now()
		n := write()
		require.GreaterOrEqual(t, time.Since(began), time.Duration(n)*time.Millisecond, name)
		plant.Delay = 0
	}
	require.True(t, s.TakesWire())
	plant.Parts = 3
	inner.calls = nil
	done, err := s.ProposeBatch(ctx, make([]*kv.Command, 8))
	require.NoError(t, err)
	require.Len(t, done, 8)
	require.Equal(t, []int{2, 3, 3}, inner.calls)
	require.False(t, s.TakesWire(), "a batch is cut up only if it has been decoded")
}
