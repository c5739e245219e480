package check

import (
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// What a history must hold to show anything. A store that answers one operation
// after another is linearizable by itself.
const (
	// MinOps is the least number of answered operations on a contended key.
	MinOps = 24
	// MinConcurrent is how many of them must have been under way at the same time as
	// another on their key, one of the two a write.
	MinConcurrent = 12
)

// Linearizability is the name of the check of the contended keys' histories.
const Linearizability = "linearizable"

// kind is what an operation of a history did to its key.
type kind uint8

const (
	put kind = iota
	get
	remove
	swap // put if the key has an expected revision, or else get
)

// operation is one operation on a contended key; times are ns since the model's
// epoch.
type operation struct {
	kind     kind
	client   int
	id       workload.WriteID // put, swap: the write
	revision int64            // that the write was given; 0 if it is not known or wrote nothing
	expected int64            // swap
	swapped  bool             // swap: the key was put
	found    bool             // get and a swap that did not put: the key exists; remove: it existed
	seen     workload.WriteID // what they found
	seenAt   int64            // its revision
	unknown  bool             // a write that may or may not have happened
	call     int64
	ret      int64
}

// history is what happened to one contended key. It is guarded by the key's lock in
// the model. It is as long as package load makes it.
type history struct{ ops []operation }

// history returns that of a key, nil if it is not contended.
func (m *Model) history(key int) *history {
	if key < m.w.Keys {
		return nil
	}
	return &m.histories[key-m.w.Keys]
}

func (m *Model) now() int64 { return time.Since(m.epoch).Nanoseconds() }

// final adds what the scan at the end found under a key.
func (m *Model) final(key int, id workload.WriteID, revision int64, found bool) {
	if h := m.history(key); h != nil {
		now := m.now()
		h.ops = append(h.ops, operation{kind: get, client: -1, seen: id, seenAt: revision, found: found, call: now, ret: now})
	}
}

// operations returns the history in porcupine's form.
func (h *history) operations() []porcupine.Operation {
	out := make([]porcupine.Operation, len(h.ops))
	for i, op := range h.ops {
		out[i] = porcupine.Operation{ClientId: op.client + 1, Input: op, Call: op.call, Return: op.ret}
	}
	return out
}

// size counts the operations of clients that were answered, and those of them that
// were concurrent.
func (h *history) size() (ops, concurrent int) {
	for i, op := range h.ops {
		if op.client < 0 || op.unknown {
			continue
		}
		ops++
		for j, other := range h.ops {
			if i != j && op.call < other.ret && other.call < op.ret && (op.kind != get || other.kind != get) {
				concurrent++
				break
			}
		}
	}
	return ops, concurrent
}

// Contended says how many operations the shortest history of a contended key has,
// and how many of them were concurrent in the least concurrent one. Nothing may be
// under way on these keys.
func (m *Model) Contended() (ops, concurrent int) {
	ops, concurrent = math.MaxInt, math.MaxInt
	for i := range m.histories {
		n, c := m.histories[i].size()
		ops, concurrent = min(ops, n), min(concurrent, c)
	}
	return ops, concurrent
}

// register is the sequential specification of one key.
type register struct {
	id workload.WriteID // whose value it holds, the zero WriteID for none
	// rev is the revision of the last write, a delete included. It is not known of
	// the last write if that has an unknown outcome: its revision is above rev then.
	rev   int64
	loose bool
}

func (r register) exists() bool { return r.id != workload.WriteID{} }

// write is what a write of the given revision, 0 if it is not known, makes of it.
func (r register) write(id workload.WriteID, revision int64) (bool, register) {
	if revision == 0 {
		return true, register{id, r.rev, true}
	}
	return revision > r.rev, register{id, revision, false}
}

// read judges what op found; it may tell the revision of a write.
func (r register) read(op operation) (bool, register) {
	switch {
	case op.found != r.exists() || op.found && op.seen != r.id:
		return false, r
	case op.found && r.loose:
		return op.seenAt > r.rev, register{r.id, op.seenAt, false}
	}
	return !op.found || op.seenAt == r.rev, r
}

// has reports whether the key has the revision that a swap expects, which is that
// of an acknowledged write.
func (r register) has(expected int64) bool {
	if !r.exists() {
		return expected == 0
	}
	return !r.loose && r.rev == expected
}

func (r register) step(op operation) (bool, register) {
	switch {
	case op.kind == put, op.kind == swap && op.unknown && r.has(op.expected):
		return r.write(op.id, op.revision)
	case op.kind == swap && op.swapped:
		ok, next := r.write(op.id, op.revision)
		return ok && r.has(op.expected), next
	case op.kind == swap && !op.unknown:
		ok, next := r.read(op)
		return ok && !r.has(op.expected), next
	case op.kind == remove && r.exists() && (op.found || op.unknown):
		return r.write(workload.WriteID{}, op.revision)
	case op.kind == remove:
		return op.unknown || !op.found && !r.exists(), r
	case op.kind == get:
		return r.read(op)
	}
	return true, r // a swap of unknown outcome that found another revision
}

var specification = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		ok, next := state.(register).step(input.(operation))
		return ok, next
	},
}

// Linearizable searches each contended key's history for an order that explains all
// answers, at the end and after the scan. Each key has the budget for itself. The
// check fails if there is none; it is undecided if a search did not end, too few if
// a history is too short or not concurrent, and partial if a store with stale reads
// had them left out.
func (m *Model) Linearizable(budget time.Duration) record.Check {
	var all int
	var undecided []int
	first, last := int64(math.MaxInt64), int64(0)
	for i := range m.histories {
		ops := m.histories[i].operations()
		all += len(ops)
		for _, op := range m.histories[i].ops {
			first, last = min(first, op.call), max(last, op.call)
		}
		switch porcupine.CheckOperationsTimeout(specification, ops, budget) {
		case porcupine.Illegal:
			return failed(Linearizability, "contended key %d: no order of its %d operations explains their answers", i, len(ops))
		case porcupine.Unknown:
			undecided = append(undecided, i)
		}
	}
	ops, concurrent := m.Contended()
	c := record.Check{Name: Linearizability}
	c.Detail = detail("%d operations on %d contended keys within %v, on each %d or more by clients, of which %d or more concurrent",
		all, len(m.histories), time.Duration(max(0, last-first)).Round(time.Millisecond), ops, concurrent)
	switch {
	case len(undecided) > 0:
		c.State = record.CheckUndecided
		c.Detail += detail("; keys %v not decided within %v each", undecided, budget)
	case ops < MinOps || concurrent < MinConcurrent:
		c.State = record.CheckTooFew
		c.Detail += detail("; needed: %d and %d", MinOps, MinConcurrent)
	case m.stale:
		c.State = record.CheckPartial
		c.Detail += "; reads left out, which the store says may be stale"
	default:
		c.OK = true
	}
	return c
}

// Uncontended is the outcome where no contended operation was sent.
func Uncontended(why string) record.Check {
	return record.Check{Name: Linearizability, State: record.CheckOff, Detail: why}
}
