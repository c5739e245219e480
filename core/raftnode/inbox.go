package raftnode

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/kv"
	"metastorebench/core/member"
)

// Bounds of what waits for the loop. inboxBytes is more than a leader with a full
// window has in flight; inboxReports bounds the reports of lost messages, of which
// more are not needed.
const (
	inboxMessages = 4096
	inboxBytes    = 64 << 20
	inboxReports  = 64
)

// ErrBadMessage says that a peer has sent what no member sends: the library would
// not survive it, or would take it for something else.
var ErrBadMessage = errors.New("raftnode: a peer sent an impossible message")

// inbox holds messages of peers, bounded in number and bytes.
type inbox struct {
	queue chan arrival
	room  *semaphore.Weighted
}

type arrival struct {
	m     *raftpb.Message
	bytes int64
}

func newInbox() inbox {
	return inbox{queue: make(chan arrival, inboxMessages), room: semaphore.NewWeighted(inboxBytes)}
}

// Step hands a message of a peer to the loop. It blocks while the inbox is
// full, until ctx ends or the node stops. Messages that only the library itself
// may make are refused with ErrLocalMessage, others that no member makes with
// ErrBadMessage.
func (n *Node) Step(ctx context.Context, m *raftpb.Message) error {
	if err := checkMessage(m); err != nil {
		return err
	}
	a := arrival{m: m, bytes: min(weight(m), inboxBytes)}
	if err := n.admit(ctx, a.bytes); err != nil {
		return err
	}
	select {
	case n.inbox.queue <- a:
		return nil
	case <-ctx.Done():
		n.inbox.room.Release(a.bytes)
		return ctx.Err()
	case <-n.ended.Done():
		n.inbox.room.Release(a.bytes)
		return kv.ErrStopped
	}
}

// admit waits for room in the inbox.
func (n *Node) admit(ctx context.Context, bytes int64) error {
	if n.inbox.room.TryAcquire(bytes) {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(n.ended, func() { cancel(kv.ErrStopped) })()
	if err := n.inbox.room.Acquire(ctx, bytes); err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// weight is about what a message takes of memory, in bytes.
func weight(m *raftpb.Message) int64 {
	bytes := 512 + len(m.GetSnapshot().GetData())
	for _, e := range m.GetEntries() {
		bytes += 128 + len(e.GetData())
	}
	return int64(bytes)
}

// receive gives the library a message of the inbox, now or when the log has been
// written.
func (n *Node) receive(a arrival) {
	if n.holds(a.m) {
		n.hold(a)
		return
	}
	n.inbox.room.Release(a.bytes)
	n.step(a.m)
}

// checkMessage refuses what would make the library panic, whoever the peer is.
func checkMessage(m *raftpb.Message) error {
	kind := m.GetType()
	if raft.IsLocalMsg(kind) {
		return fmt.Errorf("%w: %s", ErrLocalMessage, kind)
	}
	entries := m.GetEntries()
	for i, e := range entries {
		if e.GetType() != raftpb.EntryNormal && e.GetType() != raftpb.EntryConfChange {
			return fmt.Errorf("%w: %s with an entry of type %s", ErrBadMessage, kind, e.GetType())
		}
		if want := m.GetIndex() + 1 + uint64(i); kind == raftpb.MsgApp && e.GetIndex() != want {
			return fmt.Errorf("%w: entry %d where %d belongs", ErrBadMessage, e.GetIndex(), want)
		}
	}
	forwarded := kind == raftpb.MsgProp || kind == raftpb.MsgReadIndex
	switch {
	case forwarded && m.GetTerm() != 0, !forwarded && m.GetTerm() == 0:
		return fmt.Errorf("%w: %s of term %d", ErrBadMessage, kind, m.GetTerm())
	case forwarded && len(entries) == 0:
		return fmt.Errorf("%w: %s without an entry", ErrBadMessage, kind)
	case kind == raftpb.MsgProp:
		return checkProposal(entries)
	case kind == raftpb.MsgSnap:
		return checkSnapshot(m.GetSnapshot())
	}
	return nil
}

// checkSnapshot refuses what could not be taken over.
func checkSnapshot(s *raftpb.Snapshot) error {
	if raft.IsEmptySnap(s) {
		return fmt.Errorf("%w: an empty snapshot", ErrBadMessage)
	}
	if _, err := member.Decode(s.GetData()); err != nil {
		return fmt.Errorf("%w: the snapshot at %d: %w", ErrBadMessage, s.GetMetadata().GetIndex(), err)
	}
	return nil
}

// checkProposal refuses membership changes that no member could carry out.
func checkProposal(entries []*raftpb.Entry) error {
	for _, e := range entries {
		if e.GetType() != raftpb.EntryConfChange {
			continue
		}
		cc := new(raftpb.ConfChange)
		err := proto.Unmarshal(e.GetData(), cc)
		if err == nil {
			_, err = member.DecodeChange(cc.GetContext())
		}
		if err != nil {
			return fmt.Errorf("%w: a membership change: %w", ErrBadMessage, err)
		}
	}
	return nil
}
