package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"metastorebench/core/api"
	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/raftnode"
	"metastorebench/core/transport"
)

var _ api.Cluster = (*Node)(nil)

// Members implements api.Cluster. A member that keeps itself to itself knows its
// own client URLs only.
func (n *Node) Members() member.Set {
	set := *n.known.Load()
	if len(n.opts.PeerListeners) > 0 {
		return set
	}
	self, _ := set.Find(n.id.NodeID)
	self.ClientURLs = n.opts.ClientURLs
	return member.NewSet(self)
}

// AddMember implements api.Cluster.
func (n *Node) AddMember(ctx context.Context, peerURLs []string, learner bool) (member.Member, member.Set, error) {
	if err := member.CheckPeerURLs(peerURLs); err != nil {
		return member.Member{}, member.Set{}, err
	}
	m := member.Member{ID: member.AddedID(peerURLs[0], n.opts.ClusterToken, time.Now()), PeerURLs: peerURLs, Learner: learner}
	set, err := n.change(ctx, member.Change{Op: member.OpAdd, Member: m})
	return m, set, err
}

// RemoveMember implements api.Cluster.
func (n *Node) RemoveMember(ctx context.Context, id uint64) (member.Set, error) {
	return n.change(ctx, member.Change{Op: member.OpRemove, Member: member.Member{ID: id}})
}

// UpdateMember implements api.Cluster.
func (n *Node) UpdateMember(ctx context.Context, id uint64, peerURLs []string) (member.Set, error) {
	if err := member.CheckPeerURLs(peerURLs); err != nil {
		return member.Set{}, err
	}
	return n.change(ctx, member.Change{Op: member.OpUpdate, Member: member.Member{ID: id, PeerURLs: peerURLs}})
}

// PromoteMember implements api.Cluster: only the leader knows how far a learner
// is, so any other member asks it.
func (n *Node) PromoteMember(ctx context.Context, id uint64) (member.Set, error) {
	set, err := n.promote(ctx, id)
	if !errors.Is(err, raftnode.ErrNotLeader) {
		return set, err
	}
	leader, ok := n.known.Load().Find(n.raft.Status().Leader)
	if !ok {
		return set, kv.ErrDropped
	}
	a, err := n.ask(ctx, leader.PeerURLs[0], question{Op: "promote", ID: id})
	if errors.Is(err, raftnode.ErrNotLeader) {
		return a.Members, fmt.Errorf("%w (%w)", kv.ErrLeaderLost, err)
	}
	return a.Members, err
}

// promote is PromoteMember at the leader.
func (n *Node) promote(ctx context.Context, id uint64) (member.Set, error) {
	err := n.raft.LearnerReady(ctx, id)
	if errors.Is(err, member.ErrNotFound) { // another member may have applied its addition first
		if err := n.raft.LinearizableRead(ctx); err != nil {
			return member.Set{}, err
		}
		err = n.raft.LearnerReady(ctx, id)
	}
	if err != nil {
		return member.Set{}, err
	}
	return n.change(ctx, member.Change{Op: member.OpPromote, Member: member.Member{ID: id}})
}

// MoveLeader implements api.Cluster.
func (n *Node) MoveLeader(ctx context.Context, to uint64) error {
	if m, ok := n.known.Load().Find(to); !ok || m.Learner {
		return fmt.Errorf("%w: %x", api.ErrBadTransferee, to)
	}
	ctx, cancel := context.WithTimeout(ctx, n.opts.RequestTimeout)
	defer cancel()
	switch err := n.raft.TransferLeader(ctx, to); {
	case errors.Is(err, raftnode.ErrNotLeader):
		return fmt.Errorf("%w (%w)", api.ErrNotLeader, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: the leadership has not passed to %x", kv.ErrTimeout, to)
	default:
		return err
	}
}

// ErrNoPeerPort says that a member without a peer port cannot have others.
var ErrNoPeerPort = errors.New("node: this member has no peer port; start it with --listen-peer-urls")

// change checks whether a change is prudent and carries it through the log.
func (n *Node) change(ctx context.Context, c member.Change) (member.Set, error) {
	if len(n.opts.PeerListeners) == 0 {
		return member.Set{}, ErrNoPeerPort
	}
	if err := n.known.Load().Check(c); err != nil {
		return member.Set{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, n.opts.RequestTimeout, kv.ErrTimeout)
	defer cancel()
	set, err := n.raft.ChangeMembers(ctx, c)
	if err != nil && c.Op == member.OpRemove && c.Member.ID == n.id.NodeID && errors.Is(n.Err(), transport.ErrRemoved) {
		// The others carried it out and refuse this member before it has heard of
		// the commit.
		known := n.known.Load()
		set, err = known.Apply(c, known.Index+1)
	}
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), kv.ErrTimeout) {
		err = fmt.Errorf("%w: the change was not committed", kv.ErrTimeout)
	}
	return set, err
}
