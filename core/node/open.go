package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.uber.org/zap"

	"metastorebench/core/engine"
	"metastorebench/core/member"
	"metastorebench/core/raftnode"
	"metastorebench/core/wal"
)

// recovered is what a data directory held.
type recovered struct {
	log   *wal.Log
	rec   *wal.Recovered
	state engine.State
	// members is the membership in state: none before the first snapshot.
	members member.Set
}

func (n *Node) path(elem ...string) string {
	return n.opts.FS.PathJoin(append([]string{n.opts.DataDir}, elem...)...)
}

// open locks the directory and recovers log and engine. On error nothing stays
// open.
func (n *Node) open(ctx context.Context) (r recovered, err error) {
	o := &n.opts
	if err := o.FS.MkdirAll(o.DataDir, 0o700); err != nil {
		return r, fmt.Errorf("node: data directory %s: %w", o.DataDir, err)
	}
	if n.lock, err = o.FS.Lock(n.path("LOCK")); err != nil {
		return r, fmt.Errorf("node: data directory %s is in use by another process, or not writable: %w", o.DataDir, err)
	}
	opened := []io.Closer{n.lock}
	defer func() {
		if err != nil {
			for _, c := range opened {
				err = errors.Join(err, c.Close())
			}
		}
	}()

	if err := n.removeHalfWritten(); err != nil {
		return r, err
	}
	metaPath := n.path("meta.json")
	have, err := readMeta(o.FS, metaPath)
	if err != nil {
		return r, err
	}
	if err := n.identify(ctx, have); err != nil {
		return r, err
	}
	want := newMeta(n.id, o.EngineName)
	if have != nil {
		if err := have.check(want, metaPath); err != nil {
			return r, err
		}
		want = *have
	}
	if n.instance, err = want.instance(); err != nil {
		return r, err
	}
	if r.log, r.rec, err = n.openLog(have != nil); err != nil {
		return r, err
	}
	opened = append([]io.Closer{r.log}, opened...)
	if n.engine, r.state, err = n.openEngine(r.rec.Snapshot); err != nil {
		return r, err
	}
	opened = append([]io.Closer{n.engine}, opened...)
	if err := n.checkMembers(&r); err != nil {
		return r, err
	}
	if err := n.catchUpLog(&r); err != nil {
		return r, err
	}
	if have == nil {
		if err := writeMeta(o.FS, metaPath, want); err != nil {
			return r, err
		}
	}
	if len(r.members.Members) > 0 {
		n.known.Store(&r.members)
		return r, nil
	}
	return r, n.learnMembers(ctx)
}

// checkMembers reads the membership off the engine's state and refuses to start
// what it does not allow.
func (n *Node) checkMembers(r *recovered) (err error) {
	if r.members, err = member.Decode(r.state.ConfState); err != nil {
		return fmt.Errorf("node: the engine's state: %w", err)
	}
	switch {
	case r.members.WasRemoved(n.id.NodeID):
		return fmt.Errorf("node: %w: %x", member.ErrRemoved, n.id.NodeID)
	case len(r.members.Members) > 1 && len(n.opts.PeerListeners) == 0:
		return fmt.Errorf("%w: the members are %s", ErrNoPeerPort, r.members)
	}
	return nil
}

// openLog opens the Raft log. existing says that the directory was complete
// once, so that a log without a beginning means lost files.
func (n *Node) openLog(existing bool) (*wal.Log, *wal.Recovered, error) {
	o := &n.opts
	log, rec, err := wal.Open(wal.Options{
		FS: o.LogFS, Dir: n.path("wal"), Identity: n.id, SegmentBytes: o.SegmentBytes,
		OnSync: o.Metrics.Synced,
		OnWrite: func(bytes int) {
			o.Metrics.Wrote(bytes)
			n.snap.logBytes.Add(int64(bytes))
		},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("node: %w", err)
	}
	if rec.TornBytes > 0 {
		o.Logger.Warn("cut a torn tail off the Raft log", zap.Int64("bytes", rec.TornBytes))
	}
	if rec.Snapshot.Index > 0 {
		return log, rec, nil
	}
	if n.opts.Join && len(rec.Entries) == 0 {
		return log, rec, nil // its beginning comes in a snapshot
	}
	if existing || len(rec.Entries) > 0 {
		return nil, nil, errors.Join(fmt.Errorf("%w: the Raft log in %s has lost its beginning", ErrDataDir, n.path("wal")), log.Close())
	}
	mark := raftnode.InitialMark(o.initialSet())
	if err := log.SaveSnapshot(mark); err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	rec.Snapshot = mark
	return log, rec, nil
}

// openEngine opens the engine and brings it to the mark at least.
func (n *Node) openEngine(mark wal.SnapshotMark) (engine.Engine, engine.State, error) {
	e, err := n.opts.OpenEngine(n.path("engine"))
	if err != nil {
		return nil, engine.State{}, fmt.Errorf("node: open the %s engine: %w", n.opts.EngineName, err)
	}
	if err := n.prime(e, mark); err != nil {
		return nil, engine.State{}, errors.Join(err, e.Close())
	}
	if metered, ok := e.(engine.Metered); ok {
		n.opts.Metrics.Storage(metered)
	}
	v := e.View()
	defer v.Close()
	return e, v.State(), nil
}

// prime loads the snapshot that mark names into an engine that keeps none, or that
// a crash has kept from taking over a snapshot of the leader's; and gives a new
// engine the state at which a new log begins.
func (n *Node) prime(e engine.Engine, mark wal.SnapshotMark) error {
	v := e.View()
	st := v.State()
	v.Close()
	switch {
	case st.AppliedIndex >= mark.Index && e.Persistent():
		return n.removeSnapshotsBelow(st.AppliedIndex + 1)
	case mark.Index > 1:
		return n.loadSnapshot(e, mark)
	case st.AppliedIndex > 0 || mark.Index == 0:
		return nil
	}
	st.AppliedIndex, st.AppliedTerm, st.ConfState = mark.Index, mark.Term, mark.ConfState
	if err := e.NewBatch().Commit(st); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}

func (n *Node) loadSnapshot(e engine.Engine, mark wal.SnapshotMark) error {
	path := n.snapshotPath(mark.Index)
	f, err := n.opts.FS.Open(path)
	if err != nil {
		return fmt.Errorf("%w: the log begins after entry %d, but its snapshot cannot be read: %w", ErrDataDir, mark.Index, err)
	}
	defer f.Close()
	if err := e.Restore(f); err != nil {
		return fmt.Errorf("node: snapshot %s: %w", path, err)
	}
	v := e.View()
	defer v.Close()
	if at := v.State().AppliedIndex; at != mark.Index {
		return fmt.Errorf("%w: snapshot %s holds the state at entry %d, the log says %d", ErrDataDir, path, at, mark.Index)
	}
	if !e.Persistent() {
		return nil
	}
	if err := e.Flush(); err != nil { // only then can the file go
		return fmt.Errorf("node: %w", err)
	}
	return n.removeSnapshotsBelow(mark.Index + 1)
}
