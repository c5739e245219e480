package wal

// Target is the part of a log that a policy writes to; *Log is one.
type Target interface {
	// Append writes one frame; see [Log.Append].
	Append(hs *HardState, entries []Entry) error
	// Sync makes all frames durable; see [Log.Sync].
	Sync() error
	// HardState returns the one appended last; see [Log.HardState].
	HardState() HardState
}

// Policy decides how what a Raft Ready wants saved becomes frames and syncs. It
// is the axis --wal.
//
// The contract of a safe policy: when Save returns nil, entries and a changed
// Term or Vote are durable. A changed Commit alone is written but need not be
// durable, because Raft learns it again (see [NeedsSync]); it becomes so with the
// next sync. When Save fails, how much was saved is unknown, and every later Save
// fails too. Save does not retain entries.
//
// Save is called by one goroutine at a time.
type Policy interface {
	// Save writes hs, unless it is nil, and entries.
	Save(l Target, hs *HardState, entries []Entry) error
}

// Background is a Policy whose Save is called behind the Raft loop, on a goroutine
// of its own: while it writes and syncs, the loop goes on, and what the loop
// wanted saved meanwhile, over many Readys, comes in the next Save. Messages that
// depend on a Save, and the commit of its entries, wait for it.
type Background interface {
	Policy
	// AcknowledgesFirst says that entries, though not a changed Term or Vote,
	// are acknowledged before Save is called for them: a crash loses those that
	// it has not been called for. Such a policy is not safe.
	AcknowledgesFirst() bool
}

// NeedsSync reports whether saving hs and n entries after prev has to be durable
// before messages are sent. It is the rule of MustSync in go.etcd.io/raft/v3.
func NeedsSync(prev HardState, hs *HardState, n int) bool {
	return n > 0 || hs != nil && (hs.Term != prev.Term || hs.Vote != prev.Vote)
}
