package wal

import corewal "metastorebench/core/wal"

// PerReady appends all entries of a Ready, and the hard state, as one frame with
// one sync, as etcd's WAL.Save does. A Ready that only moves the commit index is
// written without a sync.
//
// It has no state and is safe for concurrent use.
type PerReady struct{}

var _ corewal.Policy = PerReady{}

// Save implements wal.Policy.
func (PerReady) Save(l corewal.Target, hs *corewal.HardState, entries []corewal.Entry) error {
	needed := corewal.NeedsSync(l.HardState(), hs, len(entries))
	if err := l.Append(hs, entries); err != nil {
		return err
	}
	if !needed {
		return nil
	}
	return l.Sync()
}
