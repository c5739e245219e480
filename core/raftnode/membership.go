package raftnode

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/kv"
	"metastorebench/core/member"
)

// changes are the membership changes that callers of this node wait for.
//
// Raft allows one change at a time: a leader drops, without a word, what is
// proposed while another is under way, and so does a member without a leader. So
// changes are proposed again and again until one copy is committed. Later copies
// change nothing: an id is added once, promoted once and removed once.
type changes struct {
	mu      sync.Mutex
	waiting map[uint64]*change
	closed  error
	ticks   int
}

// change is one call of ChangeMembers.
type change struct {
	what  member.Change
	entry *raftpb.ConfChange
	done  chan error // buffered; nil: after is set
	after member.Set
}

// retryTicks is how many ticks pass until a change is proposed again.
const retryTicks = 3

// ChangeMembers carries a change through the log and returns the membership after
// it. It waits until the change is committed, refused by the membership (package
// member's errors), or ctx ends; then it may still happen.
func (n *Node) ChangeMembers(ctx context.Context, c member.Change) (member.Set, error) {
	kind := map[member.Op]raftpb.ConfChangeType{
		member.OpAdd: raftpb.ConfChangeAddNode, member.OpPromote: raftpb.ConfChangeAddNode,
		member.OpUpdate: raftpb.ConfChangeUpdateNode, member.OpRemove: raftpb.ConfChangeRemoveNode,
	}[c.Op]
	if c.Op == member.OpAdd && c.Member.Learner {
		kind = raftpb.ConfChangeAddLearnerNode
	}
	w := &change{what: c, done: make(chan error, 1), entry: &raftpb.ConfChange{
		Id: new(rand.Uint64()), Type: kind.Enum(), NodeId: &c.Member.ID, Context: c.Encode(),
	}}
	if err := n.changes.add(w); err != nil {
		return member.Set{}, err
	}
	defer n.changes.remove(w)
	if err := n.call(ctx, func() { n.proposeChange(w) }); err != nil {
		return member.Set{}, err
	}
	select {
	case err := <-w.done:
		return w.after, err
	case <-ctx.Done():
		return member.Set{}, ctx.Err()
	}
}

func (c *changes) add(w *change) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil {
		return c.closed
	}
	c.waiting[w.entry.GetId()] = w
	return nil
}

func (c *changes) remove(w *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, w.entry.GetId())
}

// answer tells the caller of a change, if it is one of this node's, the outcome.
func (c *changes) answer(id uint64, after member.Set, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.waiting[id]; w != nil {
		delete(c.waiting, id)
		w.after = after
		w.done <- err
	}
}

// overtaken answers the changes that a snapshot of the leader's holds: their entries
// are not seen any more, and a later copy would be refused. A change of names and
// URLs can be made twice.
func (c *changes) overtaken(after member.Set) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, w := range c.waiting {
		m, found := after.Find(w.what.Member.ID)
		switch op := w.what.Op; {
		case op == member.OpAdd && found:
		case op == member.OpPromote && found && !m.Learner:
		case op == member.OpRemove && after.WasRemoved(w.what.Member.ID):
		default:
			continue
		}
		delete(c.waiting, id)
		w.after = after
		w.done <- nil
	}
}

// close fails every change, now and later.
func (c *changes) close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = err
	for id, w := range c.waiting {
		delete(c.waiting, id)
		w.done <- err
	}
}

// proposeChanges proposes what waits once more, every few ticks or now.
func (n *Node) proposeChanges(now bool) {
	n.changes.mu.Lock()
	n.changes.ticks++
	var again []*change
	if now || n.changes.ticks%retryTicks == 0 {
		for _, w := range n.changes.waiting {
			again = append(again, w)
		}
	}
	n.changes.mu.Unlock()
	for _, w := range again {
		n.proposeChange(w)
	}
}

func (n *Node) proposeChange(w *change) {
	if err := n.rn.ProposeConfChange(w.entry); err != nil {
		n.cfg.Logger.Debug("a membership change has to wait", zap.Error(err))
	}
}

// applyChange carries out a committed change, or refuses it as every member does.
func (n *Node) applyChange(e *raftpb.Entry) error {
	cc := new(raftpb.ConfChange)
	if err := proto.Unmarshal(e.GetData(), cc); err != nil {
		return fmt.Errorf("raftnode: entry %d: %w: %w", e.GetIndex(), member.ErrCorrupt, err)
	}
	c, err := member.DecodeChange(cc.GetContext())
	if err != nil {
		return fmt.Errorf("raftnode: entry %d: %w", e.GetIndex(), err)
	}
	next, refused := n.members.Apply(c, e.GetIndex())
	if refused != nil {
		n.changes.answer(cc.GetId(), n.members, refused)
		return nil // the library need not know of a change that is not made
	}
	if c.Op != member.OpUpdate {
		if got, want := n.rn.ApplyConfChange(cc), confState(next); !sameMembers(got, want) {
			return fmt.Errorf("raftnode: entry %d makes the configuration %v, want %v", e.GetIndex(), got, want)
		}
	}
	n.setMembers(next)
	n.changes.answer(cc.GetId(), next, nil)
	if next.WasRemoved(n.cfg.ID) {
		n.failure = fmt.Errorf("%w: %x, by entry %d", member.ErrRemoved, n.cfg.ID, e.GetIndex())
	}
	return nil
}

func sameMembers(a, b *raftpb.ConfState) bool {
	sorted := func(ids []uint64) []uint64 { return slices.Sorted(slices.Values(ids)) }
	return slices.Equal(sorted(a.GetVoters()), sorted(b.GetVoters())) &&
		slices.Equal(sorted(a.GetLearners()), sorted(b.GetLearners())) && len(a.GetVotersOutgoing()) == 0
}

func (n *Node) setMembers(s member.Set) {
	n.members = s
	if n.cfg.Hooks.Members != nil {
		n.cfg.Hooks.Members(s)
	}
}

// LearnerReady returns nil if the learner has nearly all of this leader's log:
// nine tenths, as etcd demands. Else the error is ErrNotLeader, or one of package
// member's.
func (n *Node) LearnerReady(ctx context.Context, id uint64) error {
	err := ErrNotLeader
	callErr := n.call(ctx, func() {
		if n.soft.RaftState != raft.StateLeader {
			return
		}
		err = fmt.Errorf("%w: %x", member.ErrNotFound, id)
		var mine, its uint64
		n.rn.WithProgress(func(peer uint64, kind raft.ProgressType, pr tracker.Progress) {
			switch {
			case peer == id && kind != raft.ProgressTypeLearner: // it may be this node
				err = fmt.Errorf("%w: %x", member.ErrNotLearner, id)
			case peer == n.cfg.ID:
				mine = pr.Match
			case peer == id:
				its, err = pr.Match, nil
			}
		})
		if err == nil && its*10 < mine*9 {
			err = fmt.Errorf("%w: %x has %d of %d entries", member.ErrLearnerNotReady, id, its, mine)
		}
	})
	if callErr != nil {
		return callErr
	}
	return err
}

// TransferLeader hands the leadership to a voter and waits until it has it, or
// until ctx ends. The error is ErrNotLeader if this node does not lead.
func (n *Node) TransferLeader(ctx context.Context, to uint64) error {
	var err error
	callErr := n.call(ctx, func() {
		if n.soft.RaftState != raft.StateLeader {
			err = ErrNotLeader
			return
		}
		n.rn.TransferLeader(to)
	})
	if err := cmp.Or(callErr, err); err != nil {
		return err
	}
	tick := time.NewTicker(n.cfg.TickInterval)
	defer tick.Stop()
	for n.Status().Leader != to {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ended.Done():
			return kv.ErrStopped
		}
	}
	return nil
}
