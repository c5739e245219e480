package check

import (
	"metastorebench/core/client"
	"metastorebench/harness/workload"
)

// Batch follows one client's batches, which come one after another. It belongs to
// one goroutine. To the Model the operations of a batch are as many operations
// that are under way at the same time, each judged like any other; what a batch
// promises beside is judged here: its writes happen in its order, with nothing
// between them.
type Batch struct {
	m   *Model
	ops []*Observer
	n   int // operations of the batch under way
}

// Batch returns an observer of batches of up to size operations.
func (m *Model) Batch(client, size int) *Batch {
	b := &Batch{m: m, ops: make([]*Observer, size)}
	for i := range b.ops {
		b.ops[i] = m.Observer(client)
	}
	return b
}

// Begin says that a batch is about to be sent. Its operations follow, before it
// is sent.
func (b *Batch) Begin() { b.n = 0 }

func (b *Batch) next() *Observer {
	b.n++
	return b.ops[b.n-1]
}

// Put says that the batch holds write id.
func (b *Batch) Put(key int, id workload.WriteID) { b.next().BeginPut(key, id) }

// Get says that the batch holds a read of the key.
func (b *Batch) Get(key int) { b.next().BeginGet(key) }

// Delete says that the batch holds a delete of the key.
func (b *Batch) Delete(key int) { b.next().BeginDelete(key) }

// EndPuts reports the answer to a batch of puts, in the client's terms.
func (b *Batch) EndPuts(outcomes []client.Outcome, revision int64, err error) {
	order := b.order()
	for i, o := range b.ops[:b.n] {
		out := outcome(outcomes, i, err)
		o.EndPut(out.Revision, out.Err)
		order.next(o.key, out, 1)
	}
	order.end(revision)
}

// EndDeletes reports the answer to a batch of deletes.
func (b *Batch) EndDeletes(outcomes []client.Outcome, revision int64, err error) {
	order := b.order()
	for i, o := range b.ops[:b.n] {
		out := outcome(outcomes, i, err)
		o.EndDelete(out.Deleted, out.Revision, out.Err)
		order.next(o.key, out, out.Deleted)
	}
	order.end(revision)
}

// EndGets reports the answer to a batch of gets. All are at the one revision.
func (b *Batch) EndGets(outcomes []client.Outcome, revision int64, err error) {
	for i, o := range b.ops[:b.n] {
		out := outcome(outcomes, i, err)
		o.EndGet(out.Pair, revision, out.Err)
	}
}

// outcome is what operation i is told: the call's error is every operation's.
func outcome(outcomes []client.Outcome, i int, err error) client.Outcome {
	if err != nil {
		return client.Outcome{Err: err}
	}
	return outcomes[i]
}

// writes follows the revisions of a batch's writes in order.
type writes struct {
	m    *Model
	key  int
	last int64 // revision after the last write that was carried out; 0: none yet
}

func (b *Batch) order() writes { return writes{m: b.m} }

// next judges the revision of the next write, which changed so many keys.
func (w *writes) next(key int, out client.Outcome, changed int64) {
	if out.Err != nil {
		return
	}
	if w.last != 0 && out.Revision != w.last+changed {
		w.m.violation(key, "a batch is out of order or divided: revision %d follows revision %d and changed %d keys", out.Revision, w.last, changed)
	}
	w.key, w.last = key, out.Revision
}

// end judges the revision of the whole answer.
func (w *writes) end(revision int64) {
	if w.last != 0 && revision != w.last {
		w.m.violation(w.key, "a batch whose last write has revision %d was answered with revision %d", w.last, revision)
	}
}
