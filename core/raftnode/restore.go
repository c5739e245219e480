package raftnode

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/member"
	"metastorebench/core/wal"
)

// InitialMark is the snapshot mark with which the log of a new cluster begins:
// an empty store at index 1 with these members. Every member must be given the
// same ones. It replaces raft's Bootstrap, as RawNode's documentation recommends.
func InitialMark(members member.Set) wal.SnapshotMark {
	return wal.SnapshotMark{Index: 1, Term: 1, ConfState: members.Encode()}
}

// confState is the membership as the library knows it.
func confState(members member.Set) *raftpb.ConfState {
	return &raftpb.ConfState{Voters: members.Voters(), Learners: members.Learners()}
}

// restoreStorage fills the library's storage from the recovered log and returns
// it with the commit index to start from. Commit indexes are not synced, so the
// engine may know better than the log: what it has applied was committed. The
// membership is the engine's, too: changes behind it are applied again.
func restoreStorage(rec *wal.Recovered, applied uint64, members member.Set) (*raft.MemoryStorage, uint64, error) {
	mark, hard := rec.Snapshot, rec.HardState
	last := mark.Index
	if len(rec.Entries) > 0 {
		last = rec.Entries[len(rec.Entries)-1].Index
	}
	commit := max(hard.Commit, mark.Index, applied)
	switch {
	case applied < mark.Index:
		return nil, 0, fmt.Errorf("raftnode: the engine has applied up to entry %d, but the log begins after %d: the engine's data are older than the log", applied, mark.Index)
	case commit > last:
		return nil, 0, fmt.Errorf("raftnode: entry %d was committed (applied: %d), but the log ends at %d: the log is older than the engine's data", commit, applied, last)
	}

	storage := raft.NewMemoryStorage()
	if mark.Index > 0 { // else a member that waits for its first snapshot
		meta := &raftpb.SnapshotMetadata{ConfState: confState(members), Index: &mark.Index, Term: &mark.Term}
		if err := storage.ApplySnapshot(&raftpb.Snapshot{Metadata: meta}); err != nil {
			return nil, 0, fmt.Errorf("raftnode: %w", err)
		}
	}
	term, vote := hard.Term, hard.Vote
	if term < mark.Term { // a crash between a snapshot's mark and the hard state
		term, vote = mark.Term, raft.None
	}
	if err := storage.SetHardState(&raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}); err != nil {
		return nil, 0, fmt.Errorf("raftnode: %w", err)
	}
	entries := toRaft(rec.Entries)
	if err := storage.Append(entries); err != nil {
		return nil, 0, fmt.Errorf("raftnode: %w", err)
	}
	return storage, commit, nil
}

// restoredEntry is an entry with what its pointers point to.
type restoredEntry struct {
	entry       raftpb.Entry
	index, term uint64
	kind        raftpb.EntryType
}

// restoreChunk is how many restored entries share an allocation: one for each
// entry costs a restart time, and one for all would outlive their compaction.
const restoreChunk = 512

// toRaft makes the library's entries. They share nothing with recovered but the
// data.
func toRaft(recovered []wal.Entry) []*raftpb.Entry {
	entries := make([]*raftpb.Entry, 0, len(recovered))
	for part := range slices.Chunk(recovered, restoreChunk) {
		chunk := make([]restoredEntry, len(part))
		for i := range part {
			r, e := &chunk[i], &part[i]
			r.index, r.term, r.kind = e.Index, e.Term, raftpb.EntryType(e.Type)
			r.entry.Index, r.entry.Term, r.entry.Type, r.entry.Data = &r.index, &r.term, &r.kind, e.Data
			entries = append(entries, &r.entry)
		}
	}
	return entries
}
