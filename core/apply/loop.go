package apply

import (
	"fmt"

	"metastorebench/core/codec"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/wal"
)

// Policy decides how many commands share one engine batch, and so one lock and
// one commit: the seam of the axis --apply.
type Policy interface {
	// Name is the value's name on the axis.
	Name() string
	// BatchOps returns how many of the waiting commands, at least 1, the next
	// engine batch carries.
	BatchOps(waiting int) int
}

// Config is what an Applier is made of.
type Config struct {
	Engine  engine.Engine
	Decoder *codec.Decoder
	Policy  Policy
	// Resolve answers the next commands of a proposal; it is called after the
	// engine batch that holds them has been committed.
	Resolve func(id codec.ProposalID, results []kv.Result)
	// OnCommit is told of each committed engine batch: the state after it and
	// how many commands it held.
	OnCommit func(st engine.State, ops int)
	// Recovered is the index of the last entry that was read from the log at the
	// start: the data of those share buffers.
	Recovered uint64
	// Recycle makes commands be used again for the next run (--pool=on).
	Recycle bool
	// OnDecode, if not nil, is told how many bytes the decoding of a run has
	// copied.
	OnDecode func(copiedBytes int)
}

// Applier carries committed entries into the engine. It belongs to the apply
// goroutine.
//
// # Steps for a run of committed entries
//
//  1. Decode every entry, before any lock is taken.
//  2. Cut the commands into engine batches as the Policy says.
//  3. Execute a batch's commands and commit them together with the State that
//     describes them. State counts commands within an entry, so that a policy
//     may cut an entry in two and a restart still applies each command once.
//  4. Answer the callers.
type Applier struct {
	cfg Config
	st  engine.State // of the last commit

	// The run in progress; the arrays are kept from run to run.
	scratch     codec.Scratch
	commands    []*kv.Command
	entries     []decoded
	nextCommand int // the first command that is not yet committed
	nextEntry   int // the first entry that is not yet complete
	results     []kv.Result
}

// decoded is an entry of the run that is being applied.
type decoded struct {
	id    codec.ProposalID
	index uint64
	term  uint64
	conf  []byte // the membership after the entry, nil: as before
	ops   int    // commands that remain to be executed
	total int    // commands in the entry
}

// NewApplier returns an Applier that continues from the engine's State.
func NewApplier(cfg Config) *Applier {
	a := &Applier{cfg: cfg}
	_, a.scratch.Borrow = cfg.Engine.(engine.Copier)
	a.scratch.Reuse = cfg.Recycle
	a.Reload()
	return a
}

// Reload continues from the engine's State after a Restore, and returns it.
func (a *Applier) Reload() engine.State {
	view := a.cfg.Engine.View()
	defer view.Close()
	a.st = view.State()
	return a.st
}

// Apply applies a run of committed entries, which must follow the engine's
// applied index without a gap. An error is fatal to the node: the engine may
// hold a part of the run, and knows which.
func (a *Applier) Apply(run []wal.Entry) error {
	if err := a.decode(run); err != nil {
		return err
	}
	if a.cfg.OnDecode != nil {
		a.cfg.OnDecode(int(a.scratch.CopiedBytes))
	}
	defer a.scratch.Reset()
	for a.nextEntry < len(a.entries) {
		if err := a.commitNext(); err != nil {
			return err
		}
	}
	return nil
}

// decode fills a.commands and a.entries, leaving out what has been applied.
func (a *Applier) decode(run []wal.Entry) error {
	clear(a.commands)
	a.commands, a.entries = a.commands[:0], a.entries[:0]
	a.nextCommand, a.nextEntry, a.scratch.CopiedBytes = 0, 0, 0
	next := a.st.AppliedIndex + 1
	for _, e := range run {
		if e.Index != next {
			return fmt.Errorf("apply: committed entry %d does not follow applied index %d", e.Index, next-1)
		}
		next++
		d := decoded{index: e.Index, term: e.Term}
		switch {
		case e.Type == wal.EntryMembership:
			d.conf = e.Data
		case len(e.Data) > 0:
			before := len(a.commands)
			a.scratch.Shared = e.Index <= a.cfg.Recovered
			var err error
			if d.id, a.commands, err = a.cfg.Decoder.DecodeInto(&a.scratch, a.commands, e.Data); err != nil {
				return fmt.Errorf("apply: entry %d of term %d: %w", e.Index, e.Term, err)
			}
			d.total = len(a.commands) - before
			d.ops = d.total
			if e.Index == a.st.AppliedIndex+1 {
				done := int(a.st.AppliedOps)
				if done > d.total {
					return fmt.Errorf("apply: entry %d has %d commands, but the engine says that %d were applied", e.Index, d.total, done)
				}
				d.ops -= done
				a.commands = append(a.commands[:before], a.commands[before+done:]...)
			}
		}
		a.entries = append(a.entries, d)
	}
	return nil
}

// commitNext executes and commits one engine batch and answers its callers.
func (a *Applier) commitNext() error {
	waiting := a.commands[a.nextCommand:]
	limit := 0
	if len(waiting) > 0 {
		limit = a.cfg.Policy.BatchOps(len(waiting))
	}
	b := a.cfg.Engine.NewBatch()
	st := a.st
	clear(a.results)
	a.results = a.results[:0]
	complete := a.nextEntry
	for ; complete < len(a.entries); complete++ {
		e := &a.entries[complete]
		n := min(e.ops, limit-len(a.results))
		for _, cmd := range waiting[len(a.results) : len(a.results)+n] {
			res, err := Exec(b, &st, cmd)
			if err != nil {
				_ = b.Discard() // the node stops either way
				return fmt.Errorf("apply: entry %d: %w", e.index, err)
			}
			a.results = append(a.results, res)
		}
		if n < e.ops {
			st.AppliedOps = uint32(e.total - e.ops + n)
			break
		}
		st.AppliedIndex, st.AppliedTerm, st.AppliedOps = e.index, e.term, 0
		if e.conf != nil {
			st.ConfState = e.conf
		}
	}
	if err := b.Commit(st); err != nil {
		return fmt.Errorf("apply: commit up to entry %d: %w", st.AppliedIndex, err)
	}
	a.st = st
	a.cfg.OnCommit(st, len(a.results))
	a.resolve()
	a.nextCommand += len(a.results)
	a.nextEntry = complete
	return nil
}

// resolve answers the callers of the batch just committed.
func (a *Applier) resolve() {
	results := a.results
	for i := a.nextEntry; len(results) > 0; i++ {
		e := &a.entries[i]
		n := min(e.ops, len(results))
		a.cfg.Resolve(e.id, results[:n])
		e.ops -= n
		results = results[n:]
	}
}
