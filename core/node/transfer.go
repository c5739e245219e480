package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/raftnode"
	"metastorebench/core/transport"
	"metastorebench/core/wal"
)

// This file is the way of a snapshot to a member that is too far behind for the
// log.
//
// The sender: the Raft loop asks for it; the apply stage, between two runs,
// captures the engine's state; a goroutine streams it; the loop is told whether it
// arrived. Meanwhile the log is not cut.
//
// The receiver: the stream goes into a file, checked on the way, and the file is
// synced; the Raft loop decides whether it needs it and writes the log's mark; the
// apply stage restores the engine. A start after a crash in between does the same
// from the file that the mark names.

// maxWanted bounds the snapshots that wait for the apply stage: one per peer is
// all that Raft asks for at a time.
const maxWanted = 16

// snapshotSenders send the engine's state to peers.
type snapshotSenders struct {
	n       *Node
	wanted  chan wantedSnapshot
	waiting []wantedSnapshot // belongs to the apply goroutine
	sending atomic.Int64     // wanted, waiting or under way
}

type wantedSnapshot struct {
	m *raftpb.Message
	// since is the entry that the state must hold: the one that made the peer a
	// member.
	since uint64
}

func (s *snapshotSenders) init(n *Node) {
	s.n = n
	s.wanted = make(chan wantedSnapshot, maxWanted)
}

// begin is raftnode.Config.SendSnapshot.
func (s *snapshotSenders) begin(m *raftpb.Message, members member.Set) bool {
	s.sending.Add(1)
	select {
	case s.wanted <- wantedSnapshot{m: m, since: members.Index}:
		return true
	default:
		s.sending.Add(-1)
		return false
	}
}

// serve captures the state for those that wait for one as new as applied. It runs
// on the apply goroutine.
func (s *snapshotSenders) serve(applied uint64) {
	rest := s.waiting[:0]
	for _, w := range s.waiting {
		if w.since > applied {
			rest = append(rest, w)
			continue
		}
		snap, err := s.n.engine.Snapshot()
		if err != nil {
			s.n.fail(fmt.Errorf("node: snapshot: %w", err))
			return
		}
		s.n.background.Go(func() {
			defer s.sending.Add(-1)
			s.send(w.m, snap)
		})
	}
	s.waiting = rest
}

func (s *snapshotSenders) send(m *raftpb.Message, snap engine.Snapshot) {
	n, st := s.n, snap.State()
	defer snap.Close()
	logger := n.opts.Logger.With(zap.String("peer", fmt.Sprintf("%x", m.GetTo())), zap.Uint64("index", st.AppliedIndex))
	members, err := member.Decode(st.ConfState)
	var bytes int64
	if err == nil {
		raftnode.Announce(m, st.AppliedIndex, st.AppliedTerm, members)
		err = n.peers.SendSnapshot(n.ctx, m, func(w io.Writer) (err error) {
			bytes, err = snap.WriteTo(w)
			return err
		})
	}
	if err != nil {
		logger.Warn("the snapshot did not arrive", zap.Error(err))
	} else {
		logger.Info("the peer has a snapshot", zap.Int64("bytes", bytes))
	}
	if err := n.raft.ReportSnapshot(n.ctx, m.GetTo(), err == nil); err != nil && n.ctx.Err() == nil && !errors.Is(err, kv.ErrStopped) {
		logger.Warn("the outcome of a snapshot is lost", zap.Error(err))
	}
}

// receivedSuffix marks what is being received, unlike a snapshot of this node's own
// that may be written at the same index.
const receivedSuffix = ".received" + temporarySuffix

var errReceiving = fmt.Errorf("%w: it is receiving a snapshot already", transport.ErrBusy)

// receiveSnapshot takes a snapshot from the leader: when it returns nil, the file
// is durable and the Raft loop knows of it.
func (n *Node) receiveSnapshot(ctx context.Context, m *raftpb.Message, body io.Reader) error {
	if !n.receiving.TryLock() {
		return errReceiving
	}
	defer n.receiving.Unlock()
	index := m.GetSnapshot().GetMetadata().GetIndex()
	if index <= n.applied.Load() {
		return n.raft.Step(ctx, m) // the loop tells the leader how far it is
	}
	if err := n.makeSnapDir(); err != nil {
		return err
	}
	began, path := time.Now(), n.snapshotPath(index)
	err := writeFileAtomic(n.opts.FS, path, path+receivedSuffix, func(w io.Writer) error {
		return checkStream(io.TeeReader(body, &copyWriter{w: w}), body, index)
	})
	if err != nil {
		return fmt.Errorf("node: receive the snapshot at %d: %w", index, err)
	}
	n.announced.Store(&began)
	return n.raft.Step(ctx, m)
}

// copyWriter writes copies: a vfs.File may scribble over what it is given.
type copyWriter struct {
	w   io.Writer
	buf []byte
}

func (c *copyWriter) Write(p []byte) (int, error) {
	c.buf = append(c.buf[:0], p...)
	return c.w.Write(c.buf)
}

// checkStream reads a snapshot to its end without keeping it. whole is the source
// itself, which must have nothing left.
func checkStream(stream, whole io.Reader, index uint64) error {
	err := engine.ReadSnapshot(stream, func(st engine.State) error {
		if st.AppliedIndex != index || st.AppliedOps != 0 {
			return fmt.Errorf("%w: it holds entry %d and %d commands, announced was entry %d", engine.ErrSnapshotCorrupt, st.AppliedIndex, st.AppliedOps, index)
		}
		return nil
	}, func(*kv.KeyValue) error { return nil })
	if err != nil {
		return err
	}
	if k, err := whole.Read(make([]byte, 1)); k > 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: bytes follow its end (%w)", engine.ErrSnapshotCorrupt, err)
	}
	return nil
}

func restores(run []wal.Entry) bool { return len(run) == 1 && run[0].Type == wal.EntryRestored }

// restore brings the engine to a snapshot of the leader's, on the apply goroutine.
// The log's mark names its file already. A snapshot of the state that is replaced
// may be under way: it finds that the log is ahead of it (raftnode.ErrOldMark).
//
// Commands of this node's callers may be in the state, and then are not seen here
// as entries. Only those cannot be that were proposed after the snapshot was
// announced: the leader, or the one after it, has appended them behind its state.
func (n *Node) restore(e wal.Entry) error {
	if err := n.loadSnapshot(n.engine, wal.SnapshotMark{Index: e.Index, Term: e.Term}); err != nil {
		return err
	}
	st := n.applier.Reload()
	n.snap.lastIndex, n.snap.lastLogBytes = st.AppliedIndex, n.snap.logBytes.Load()
	n.revision.Store(st.Revision)
	n.applied.Store(st.AppliedIndex)
	n.opts.Logger.Info("took over a snapshot of the leader's", zap.Uint64("index", st.AppliedIndex), zap.Int64("revision", st.Revision))
	n.raft.Applied(st.AppliedIndex)
	n.proposer.FailBefore(*n.announced.Load(), kv.ErrOvertaken)
	return n.removeSnapshotsBelow(st.AppliedIndex)
}

// makeSnapDir makes snap/ durably.
func (n *Node) makeSnapDir() error {
	if err := n.opts.FS.MkdirAll(n.path("snap"), 0o700); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return syncDir(n.opts.FS, n.opts.DataDir)
}
