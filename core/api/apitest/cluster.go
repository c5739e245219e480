package apitest

import (
	"context"
	"fmt"
	"sync"

	"metastorebench/core/api"
	"metastorebench/core/member"
)

// Cluster is an api.Cluster that changes at once and asks nobody. MemberID leads
// it.
type Cluster struct {
	mu     sync.Mutex
	set    member.Set
	lastID uint64
	leader uint64
}

var _ api.Cluster = (*Cluster)(nil)

// NewCluster returns a cluster of the given members.
func NewCluster(members ...member.Member) *Cluster {
	return &Cluster{set: member.NewSet(members...), lastID: 1000, leader: MemberID}
}

// Leader returns the member to which the leadership was moved last.
func (c *Cluster) Leader() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}

// Members implements api.Cluster.
func (c *Cluster) Members() member.Set {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set
}

func (c *Cluster) change(op member.Op, m member.Member) (member.Set, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, err := c.set.Apply(member.Change{Op: op, Member: m}, c.set.Index+1)
	c.set = next
	return next, err
}

// AddMember implements api.Cluster; ids are 1001, 1002 and so on.
func (c *Cluster) AddMember(_ context.Context, peerURLs []string, learner bool) (member.Member, member.Set, error) {
	c.mu.Lock()
	c.lastID++
	m := member.Member{ID: c.lastID, PeerURLs: peerURLs, Learner: learner}
	c.mu.Unlock()
	set, err := c.change(member.OpAdd, m)
	return m, set, err
}

// RemoveMember implements api.Cluster.
func (c *Cluster) RemoveMember(_ context.Context, id uint64) (member.Set, error) {
	return c.change(member.OpRemove, member.Member{ID: id})
}

// UpdateMember implements api.Cluster.
func (c *Cluster) UpdateMember(_ context.Context, id uint64, peerURLs []string) (member.Set, error) {
	m, _ := c.Members().Find(id)
	m.ID, m.PeerURLs = id, peerURLs
	return c.change(member.OpUpdate, m)
}

// PromoteMember implements api.Cluster.
func (c *Cluster) PromoteMember(_ context.Context, id uint64) (member.Set, error) {
	return c.change(member.OpPromote, member.Member{ID: id})
}

// MoveLeader implements api.Cluster.
func (c *Cluster) MoveLeader(_ context.Context, to uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m, ok := c.set.Find(to); !ok || m.Learner {
		return fmt.Errorf("%w: %x", api.ErrBadTransferee, to)
	}
	if c.leader != MemberID {
		return api.ErrNotLeader
	}
	c.leader = to
	return nil
}
