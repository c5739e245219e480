package raftnode

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/wal"
)

// maxSaveBytes bounds the entries' data of one save of several writes, and with it
// the log's buffer. A single write may exceed it.
const maxSaveBytes = 16 << 20

// logWrite is what one Ready wants of the log, or a compaction. The loop makes
// it, the appender carries it out, and the loop finishes it.
type logWrite struct {
	hard    *wal.HardState // nil: unchanged
	entries []wal.Entry
	bytes   int // of the entries' data
	// unstable are the same entries as the library knows them, nil if it has
	// been given them already.
	unstable []*raftpb.Entry
	// responses may be delivered once this and all earlier writes are durable.
	responses []*raftpb.Message
	// snapshot, if not nil, takes the place of all earlier entries.
	snapshot *raftpb.Snapshot
	// owed says that something is kept back until this is durable.
	owed bool
	// compact, if not nil, is all there is.
	compact *compactRequest
}

func (w *logWrite) saves() bool {
	return w.hard != nil || len(w.entries) > 0 || w.snapshot != nil
}

// refuse tells whoever waits for the write that it will not happen.
func (w *logWrite) refuse(err error) {
	if w.compact != nil {
		w.compact.done <- err
	}
}

// appender writes the log on a goroutine of its own, one batch of writes at a
// time. The loop sends the next batch only after it has received the outcome of
// the last, and none after a failure; so neither side ever waits to send.
type appender struct {
	log    *wal.Log
	policy wal.Policy
	synced func([]wal.Entry) // may be nil

	batches chan []*logWrite
	// outcomes has one value for each batch, and is closed at the end.
	outcomes chan error

	// The save that is being put together.
	hard    *wal.HardState
	entries []wal.Entry
	bytes   int
}

func startAppender(log *wal.Log, policy wal.Policy, synced func([]wal.Entry)) *appender {
	a := &appender{
		log: log, policy: policy, synced: synced,
		batches: make(chan []*logWrite, 1), outcomes: make(chan error, 1),
	}
	go a.run()
	return a
}

// run works until batches is closed.
func (a *appender) run() {
	defer close(a.outcomes)
	for batch := range a.batches {
		a.outcomes <- a.write(batch)
	}
}

// write carries out a batch, in order, in as few saves as it allows. After an
// error it is not known how much of it was carried out.
func (a *appender) write(batch []*logWrite) error {
	for _, w := range batch {
		if !a.joins(w) {
			if err := a.save(); err != nil {
				return err
			}
		}
		if w.snapshot != nil {
			if err := a.save(); err != nil {
				return err
			}
			if err := cutLog(a.log, markOf(w.snapshot)); err != nil {
				return err
			}
		}
		a.entries = append(a.entries, w.entries...)
		a.bytes += w.bytes
		if w.hard != nil {
			a.hard = w.hard
		}
		if w.compact != nil {
			if err := a.save(); err != nil {
				return err
			}
			if err := cutLog(a.log, w.compact.mark); err != nil {
				return err
			}
		}
	}
	return a.save()
}

// joins tells whether w can be part of the present save: its entries follow the
// others, as one frame demands, and do not make it too large.
func (a *appender) joins(w *logWrite) bool {
	if len(a.entries) == 0 || len(w.entries) == 0 {
		return true
	}
	return a.entries[len(a.entries)-1].Index+1 == w.entries[0].Index && a.bytes+w.bytes <= maxSaveBytes
}

// save writes and syncs what has been put together, and begins anew.
func (a *appender) save() error {
	if a.hard == nil && len(a.entries) == 0 {
		return nil
	}
	if err := a.policy.Save(a.log, a.hard, a.entries); err != nil {
		return fmt.Errorf("raftnode: save the log: %w", err)
	}
	if a.synced != nil {
		a.synced(a.entries)
	}
	clear(a.entries) // lets go of their data
	a.hard, a.entries, a.bytes = nil, a.entries[:0], 0
	return nil
}
