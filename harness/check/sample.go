package check

import (
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

const (
	// sampledKeys is about how many keys have their history kept.
	sampledKeys = 512
	// historyOps bounds the operations kept per key.
	historyOps = 200
)

// sample keeps the history of every stride-th key. A key's history is guarded by
// the key's lock in the model.
//
// A history that reaches its bound is closed. What began later is not in it,
// so reads that end after the closing are dropped too: they could have seen a
// write that is not there. Writes are kept, and those left out cannot have been
// seen by the reads that remain. Of deletes that end after the closing the answer,
// whether the key existed, is dropped: it is a read.
type sample struct {
	stride    int
	histories []history
}

type history struct {
	begun    int
	closedAt int64 // time of the closing, 0 while open
	ops      []operation
}

// operation is one point operation; times are ns since the model's epoch.
type operation struct {
	kind    workload.Kind
	client  int
	id      workload.WriteID // put: the write; get: the write whose value was read
	found   bool             // get: the key exists; delete: it existed
	unknown bool             // a write that may or may not have happened
	// unanswered: a delete that may have found the key or not.
	unanswered bool
	call, ret  int64
}

// sampled says whether the operation under way is part of a history.
type sampled struct {
	on   bool
	call int64
}

func newSample(keys int) sample {
	stride := max(1, keys/sampledKeys)
	return sample{stride: stride, histories: make([]history, (keys+stride-1)/stride)}
}

// of returns the history of a key, nil if it is not in the sample.
func (s *sample) of(key int) *history {
	if key%s.stride != 0 {
		return nil
	}
	return &s.histories[key/s.stride]
}

func (s *sample) begin(key int, epoch time.Time) sampled {
	h := s.of(key)
	if h == nil || h.closedAt != 0 {
		return sampled{}
	}
	now := time.Since(epoch).Nanoseconds()
	if h.begun == historyOps {
		h.closedAt = now
		return sampled{}
	}
	h.begun++
	return sampled{on: true, call: now}
}

// end completes an operation that began in the sample. It is kept if it
// happened or may have.
func (s *sample) end(key int, at sampled, op operation, epoch time.Time, keep bool) {
	if !keep {
		return
	}
	op.call, op.ret = at.call, time.Since(epoch).Nanoseconds()
	if op.unknown {
		op.ret = math.MaxInt64
	}
	h := s.of(key)
	h.ops = append(h.ops, op)
}

// final adds what the scan at the end found under a key.
func (s *sample) final(key int, id workload.WriteID, found bool, epoch time.Time) {
	if h := s.of(key); h != nil && h.closedAt == 0 && len(h.ops) > 0 {
		now := time.Since(epoch).Nanoseconds()
		h.ops = append(h.ops, operation{kind: workload.Get, client: -1, id: id, found: found, call: now, ret: now})
	}
}

// operations returns the history in porcupine's form.
func (h *history) operations() []porcupine.Operation {
	out := make([]porcupine.Operation, 0, len(h.ops))
	for _, op := range h.ops {
		if h.closedAt != 0 && op.ret >= h.closedAt {
			if op.kind == workload.Get {
				continue
			}
			op.unanswered = true
		}
		out = append(out, porcupine.Operation{ClientId: op.client + 1, Input: op, Call: op.call, Return: op.ret})
	}
	return out
}

// register is the sequential specification of one key: its state is the write
// whose value it holds, the zero WriteID for none.
var register = porcupine.Model{
	Init: func() any { return workload.WriteID{} },
	Step: func(state, input, _ any) (bool, any) {
		now, op := state.(workload.WriteID), input.(operation)
		exists := now != workload.WriteID{}
		switch op.kind {
		case workload.Put:
			return true, op.id
		case workload.Delete:
			return op.unknown || op.unanswered || op.found == exists, workload.WriteID{}
		default:
			return op.found == exists && (!exists || op.id == now), now
		}
	},
}

// Linearizable searches each sampled key's history for a linearization, at the
// end and after the scan, for limit at most. Keys left undecided are named in
// the detail and do not fail the check: the search is exponential at worst.
func (m *Model) Linearizable(limit time.Duration) record.Check {
	deadline := time.Now().Add(limit)
	var keys, ops, undecided int
	for i := range m.sample.histories {
		history := m.sample.histories[i].operations()
		if len(history) == 0 {
			continue
		}
		left := time.Until(deadline)
		if left <= 0 {
			undecided++
			continue
		}
		switch porcupine.CheckOperationsTimeout(register, history, left) {
		case porcupine.Illegal:
			return failed("linearizable", "key %d: no order of its %d operations explains their answers", i*m.sample.stride, len(history))
		case porcupine.Unknown:
			undecided++
		case porcupine.Ok:
			keys++
			ops += len(history)
		}
	}
	return record.Check{Name: "linearizable", OK: true,
		Detail: detail("%d operations on %d sampled keys; %d keys undecided within %v", ops, keys, undecided, limit)}
}
