// Package proposetest is the conformance suite of the axis --propose.
package proposetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/propose"
)

// Limits are small, so that every bound is met.
var Limits = propose.Limits{
	MaxRequestBytes: 1 << 10, MaxPendingOps: 1 << 10, MaxPendingBytes: 1 << 20,
	MaxEntryOps: 7, MaxEntryBytes: 300,
}

// Run checks p: it takes from 1 to all waiting commands, respects the bounds of
// an entry, and behind a Proposer answers every command exactly once, by its own
// entry, in the order of admission, whether or not a caller waits for it, with
// objects used again or not. c encodes the commands.
func Run(t *testing.T, p propose.Policy, c codec.Codec) {
	t.Run("bounds", func(t *testing.T) { bounds(t, p) })
	for pool, options := range map[string][]propose.Option{"off": nil, "on": {propose.WithPool()}} {
		t.Run("pool="+pool, func(t *testing.T) {
			t.Run("every command is answered by its own entry", func(t *testing.T) { answers(t, p, c, options...) })
			t.Run("order", func(t *testing.T) { order(t, p, c, options...) })
			t.Run("batches", func(t *testing.T) { batches(t, p, c, options...) })
			t.Run("each", func(t *testing.T) { each(t, p, c, options...) })
		})
	}
}

// batches checks that every command of a batch has its own result, in company of
// single commands.
func batches(t *testing.T, policy propose.Policy, c codec.Codec, options ...propose.Option) {
	p := propose.New(c, policy, Limits, 42, nil, options...)
	stop := make(chan struct{})
	var loops, callers sync.WaitGroup
	loops.Go(func() { loop(t, p, c, stop, func(*kv.Command) {}) })
	for caller := range 8 {
		callers.Go(func() {
			for i := range 100 {
				cmds := make([]*kv.Command, i%9+1)
				for k := range cmds {
					cmds[k] = &kv.Command{Put: &kv.PutRequest{Key: make([]byte, k+1), Value: fmt.Appendf(nil, "%d/%d/%d", caller, i, k)}}
				}
				results, err := p.DoBatch(context.Background(), cmds)
				if err != nil || len(results) != len(cmds) {
					t.Errorf("batch %d/%d: %d results for %d commands: %v", caller, i, len(results), len(cmds), err)
					return
				}
				for k, res := range results {
					if res.Revision != int64(k+1) || res.Err.Error() != string(cmds[k].Put.Value) {
						t.Errorf("command %s: %+v", cmds[k].Put.Value, res)
					}
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	loops.Wait()
}

func bounds(t *testing.T, p propose.Policy) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		sizes := make([]int, 1+rng.IntN(20))
		for i := range sizes {
			sizes[i] = rng.IntN(2 * Limits.MaxEntryBytes)
		}
		n := p.Take(sizes, Limits)
		require.GreaterOrEqual(t, n, 1)
		require.LessOrEqual(t, n, min(len(sizes), Limits.MaxEntryOps))
		sum := 0
		for _, s := range sizes[:n] {
			sum += s
		}
		if n > 1 {
			require.LessOrEqual(t, sum, Limits.MaxEntryBytes, "%d commands of %v", n, sizes)
		}
	}
}

// loop is a Raft loop and apply stage that does nothing but answer: the result
// of a command is the length of its key, and its error the value.
func loop(t *testing.T, p *propose.Proposer, c codec.Codec, stop <-chan struct{}, seen func(*kv.Command)) {
	d := codec.NewDecoder(c)
	for {
		select {
		case <-p.Wake():
		case <-stop:
			return
		}
		for {
			entry, sequence, ops, ok := p.Next()
			if !ok {
				break
			}
			id, cmds, err := d.Decode(nil, entry)
			if err != nil || len(cmds) != ops || id.Sequence != sequence {
				t.Errorf("entry %d: %d commands, want %d: %v", sequence, len(cmds), ops, err)
			}
			for i, cmd := range cmds { // in pieces, as --apply=perop does
				seen(cmd)
				p.Resolve(id, []kv.Result{{Revision: int64(len(cmd.Put.Key)), Err: errors.New(string(cmd.Put.Value))}}, 0)
				if i == 0 { // an entry of another start must answer nobody
					p.Resolve(codec.ProposalID{Origin: id.Origin + 1, Sequence: id.Sequence}, []kv.Result{{Revision: -1}}, 0)
				}
			}
		}
	}
}

func answers(t *testing.T, policy propose.Policy, c codec.Codec, options ...propose.Option) {
	p := propose.New(c, policy, Limits, 42, nil, options...)
	stop := make(chan struct{})
	var loops, callers sync.WaitGroup
	loops.Go(func() { loop(t, p, c, stop, func(*kv.Command) {}) })
	for caller := range 16 {
		callers.Go(func() {
			for i := range 200 {
				want := fmt.Sprintf("%d/%d", caller, i)
				res, err := p.Do(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: make([]byte, i%100+1), Value: []byte(want)}})
				if err != nil || res.Revision != int64(i%100+1) || res.Err.Error() != want {
					t.Errorf("command %s: %+v, %v", want, res, err)
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	loops.Wait()
}

func order(t *testing.T, policy propose.Policy, c codec.Codec, options ...propose.Option) {
	p := propose.New(c, policy, Limits, 42, nil, options...)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the commands are admitted, then nobody waits for them
	const n = 100
	for i := range n {
		_, err := p.Do(ctx, &kv.Command{Put: &kv.PutRequest{Key: []byte{byte(i)}}})
		require.ErrorIs(t, err, context.Canceled)
	}
	var got []byte
	stop := make(chan struct{})
	var loops sync.WaitGroup
	done := make(chan struct{})
	loops.Go(func() {
		loop(t, p, c, stop, func(cmd *kv.Command) {
			if got = append(got, cmd.Put.Key[0]); len(got) == n {
				close(done)
			}
		})
	})
	select {
	case <-done:
	case <-time.After(30 * time.Second):
	}
	close(stop)
	loops.Wait()
	require.Len(t, got, n)
	for i := range n {
		require.Equal(t, byte(i), got[i])
	}
}
