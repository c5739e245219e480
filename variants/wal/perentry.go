package wal

import corewal "metastorebench/core/wal"

// PerEntry appends and syncs each entry on its own: n entries take n syncs. It
// models a store that treats every log entry as its own durable write.
//
// It has no state and is safe for concurrent use.
type PerEntry struct{}

var _ corewal.Policy = PerEntry{}

// Save implements wal.Policy. The hard state goes with the first entry, so that
// no entry is on disk without its term; a commit index beyond that entry has to
// wait for the entry that it names, so the full hard state goes with the last.
func (PerEntry) Save(l corewal.Target, hs *corewal.HardState, entries []corewal.Entry) error {
	if len(entries) <= 1 {
		return PerReady{}.Save(l, hs, entries)
	}
	var early *corewal.HardState
	if hs != nil {
		clipped := *hs
		clipped.Commit = min(hs.Commit, entries[0].Index)
		early = &clipped
	}
	final := len(entries) - 1
	for i := range entries {
		var with *corewal.HardState
		switch i {
		case 0:
			with = early
		case final:
			with = hs
		}
		if err := l.Append(with, entries[i:i+1]); err != nil {
			return err
		}
		if err := l.Sync(); err != nil {
			return err
		}
	}
	return nil
}
