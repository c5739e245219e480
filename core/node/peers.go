package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/transport"
)

// peerHandler is the node as its peers see it.
type peerHandler struct{ n *Node }

var _ transport.Handler = peerHandler{}

// Identity implements transport.Handler.
func (h peerHandler) Identity() transport.Identity {
	n := h.n
	known := n.known.Load()
	id := transport.Identity{
		ClusterID: n.id.ClusterID, MemberID: n.id.NodeID, Instance: n.instance, MembershipIndex: known.Index,
		Lease: n.raft.Lease(),
	}
	if m, ok := known.Find(n.id.NodeID); ok {
		id.PeerURL = m.PeerURLs[0]
	}
	return id
}

// Admit implements transport.Handler. A stranger that knows a newer membership is
// let in: it may be the leader from whom this node learns of it.
func (h peerHandler) Admit(peer transport.Identity) error {
	known, lease := h.n.known.Load(), h.n.raft.Lease()
	m, found := known.Find(peer.MemberID)
	switch {
	case known.WasRemoved(peer.MemberID):
		return fmt.Errorf("%w: member %x", transport.ErrRemoved, peer.MemberID)
	case found && m.Instance != 0 && m.Instance != peer.Instance:
		return fmt.Errorf("%w: member %x ran with instance %x, this is %x; remove the member and add it again with an empty data directory",
			transport.ErrStale, peer.MemberID, m.Instance, peer.Instance)
	case !found && peer.MembershipIndex <= known.Index:
		return fmt.Errorf("%w: %x; the members are %s", transport.ErrUnknownMember, peer.MemberID, known)
	case peer.Lease != lease:
		return fmt.Errorf("%w: member %x has leases of %v, this one of %v (0: none); give both the same --read, --election-timeout and --heartbeat-interval",
			transport.ErrLease, peer.MemberID, peer.Lease, lease)
	}
	return nil
}

// Step implements transport.Handler.
func (h peerHandler) Step(ctx context.Context, m *raftpb.Message) error {
	return h.n.raft.Step(ctx, m)
}

// Snapshot implements transport.Handler.
func (h peerHandler) Snapshot(ctx context.Context, m *raftpb.Message, body io.Reader) error {
	return h.n.receiveSnapshot(ctx, m, body)
}

// Answer implements transport.Handler.
func (h peerHandler) Answer(ctx context.Context, question []byte) ([]byte, error) {
	return h.n.answer(ctx, question)
}

// Undelivered implements transport.Handler. A command that was to be forwarded has
// not happened, and its caller need not wait to be told so.
func (h peerHandler) Undelivered(peer uint64, m *raftpb.Message) {
	n := h.n
	n.raft.ReportUnreachable(peer)
	if m.GetType() != raftpb.MsgProp {
		return
	}
	for _, e := range m.GetEntries() {
		if id, ok := codec.Identify(e.GetData()); ok && e.GetType() == raftpb.EntryNormal && id.Origin == n.origin {
			n.proposer.Fail(id.Sequence, fmt.Errorf("%w: the leader %x is not reached", kv.ErrDropped, peer))
		}
	}
}

// Refused implements transport.Handler. Some refusals mean that this member must
// not go on: the cluster has decided without it.
func (h peerHandler) Refused(peer uint64, why error) {
	if errors.Is(why, transport.ErrRemoved) || errors.Is(why, transport.ErrStale) {
		h.n.fail(fmt.Errorf("node: member %x refuses this one: %w", peer, why))
	}
}

// onMembers follows the membership, on the Raft loop.
func (n *Node) onMembers(s member.Set) {
	n.known.Store(&s)
	n.opts.Logger.Info("the membership", zap.Uint64("index", s.Index), zap.Stringer("members", s))
	n.reach(s)
}

// reach tells the transport who the peers are.
func (n *Node) reach(s member.Set) {
	urls := make(map[uint64]string)
	for _, m := range s.Members {
		if m.ID != n.id.NodeID {
			urls[m.ID] = m.PeerURLs[0]
		}
	}
	n.peers.SetPeers(urls)
}

func (n *Node) isLearner() bool {
	m, ok := n.known.Load().Find(n.id.NodeID)
	return ok && m.Learner
}

// publishRetry is the pause before telling the cluster of this member again.
const publishRetry = time.Second

// publish tells the cluster, until it knows, this member's name, its client URLs
// and the instance of its data directory.
func (n *Node) publish() {
	select {
	case <-n.raft.LeaderKnown():
	case <-n.ctx.Done():
		return
	}
	for n.ctx.Err() == nil {
		m, ok := n.known.Load().Find(n.id.NodeID)
		reached := len(n.opts.ClientURLs) == 0 || slices.Equal(m.ClientURLs, n.opts.ClientURLs)
		if ok && m.Name == n.opts.Name && m.Instance == n.instance && reached {
			return
		}
		if ok {
			m = member.Member{ID: m.ID, Name: n.opts.Name, Instance: n.instance, ClientURLs: n.opts.ClientURLs}
			ctx, cancel := context.WithTimeout(n.ctx, n.opts.RequestTimeout)
			_, err := n.raft.ChangeMembers(ctx, member.Change{Op: member.OpUpdate, Member: m})
			cancel()
			if err == nil {
				continue
			}
			n.opts.Logger.Debug("the cluster has yet to learn of this member's start", zap.Error(err))
		}
		select {
		case <-n.ctx.Done():
		case <-time.After(publishRetry):
		}
	}
}

// handOverLeadership spares the others an election when this node stops in order.
func (n *Node) handOverLeadership() {
	st := n.raft.Status()
	if n.Err() != nil || st.Leader != st.ID {
		return
	}
	for _, id := range n.known.Load().Voters() {
		if id == st.ID || !n.peers.Connected(id) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), n.opts.ElectionTimeout)
		defer cancel()
		if err := n.raft.TransferLeader(ctx, id); err != nil {
			n.opts.Logger.Warn("the leadership was not handed over", zap.Error(err))
		}
		return
	}
}

func closeAll(ls []net.Listener) error {
	var errs []error
	for _, l := range ls {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
