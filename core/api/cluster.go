package api

import (
	"context"
	"errors"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"metastorebench/core/engine"
	"metastorebench/core/member"
)

var (
	// ErrNotLeader answers what only the leader can do.
	ErrNotLeader = errors.New("not the leader")
	// ErrBadTransferee says that the leadership cannot go to a member: there is
	// none with the id, or it is a learner.
	ErrBadTransferee = errors.New("not a voter of the cluster")
)

// Cluster is what the services need of a cluster's membership. All methods may be
// called from any number of goroutines. Errors are those of package member, the
// two above, package kv's or the context's.
type Cluster interface {
	// Members returns the membership that this member knows.
	Members() member.Set
	// AddMember adds a member that is reached at the peer URLs and returns it with
	// the membership after it.
	AddMember(ctx context.Context, peerURLs []string, learner bool) (member.Member, member.Set, error)
	// RemoveMember removes a member for ever.
	RemoveMember(ctx context.Context, id uint64) (member.Set, error)
	// UpdateMember gives a member other peer URLs.
	UpdateMember(ctx context.Context, id uint64, peerURLs []string) (member.Set, error)
	// PromoteMember makes a learner that has caught up a voter.
	PromoteMember(ctx context.Context, id uint64) (member.Set, error)
	// MoveLeader hands the leadership from this member to a voter and returns
	// when it has it.
	MoveLeader(ctx context.Context, to uint64) error
}

// clusterMethods are the methods of etcd's Cluster service that are served.
var clusterMethods = []string{"MemberList", "MemberAdd", "MemberRemove", "MemberUpdate", "MemberPromote"}

// clusterService serves etcd's Cluster service.
type clusterService struct {
	store   Store
	cluster Cluster
	pb.UnimplementedClusterServer
}

// MemberList lists the members, by default after a linearizable read.
func (c *clusterService) MemberList(ctx context.Context, r *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	nothing := func(engine.Reader) error { return nil }
	if err := c.store.Read(ctx, !r.Linearizable, nothing); err != nil {
		return nil, wireError(err)
	}
	return &pb.MemberListResponse{Header: c.header(), Members: toMembers(c.cluster.Members())}, nil
}

// MemberAdd adds a member; MemberAddAsLearner is the same with IsLearner.
func (c *clusterService) MemberAdd(ctx context.Context, r *pb.MemberAddRequest) (*pb.MemberAddResponse, error) {
	added, set, err := c.cluster.AddMember(ctx, r.PeerURLs, r.IsLearner)
	if err != nil {
		return nil, wireError(err)
	}
	return &pb.MemberAddResponse{Header: c.header(), Member: toMember(added), Members: toMembers(set)}, nil
}

// MemberRemove removes a member.
func (c *clusterService) MemberRemove(ctx context.Context, r *pb.MemberRemoveRequest) (*pb.MemberRemoveResponse, error) {
	set, err := c.cluster.RemoveMember(ctx, r.ID)
	if err != nil {
		return nil, wireError(err)
	}
	return &pb.MemberRemoveResponse{Header: c.header(), Members: toMembers(set)}, nil
}

// MemberUpdate changes a member's peer URLs.
func (c *clusterService) MemberUpdate(ctx context.Context, r *pb.MemberUpdateRequest) (*pb.MemberUpdateResponse, error) {
	set, err := c.cluster.UpdateMember(ctx, r.ID, r.PeerURLs)
	if err != nil {
		return nil, wireError(err)
	}
	return &pb.MemberUpdateResponse{Header: c.header(), Members: toMembers(set)}, nil
}

// MemberPromote makes a learner a voter.
func (c *clusterService) MemberPromote(ctx context.Context, r *pb.MemberPromoteRequest) (*pb.MemberPromoteResponse, error) {
	set, err := c.cluster.PromoteMember(ctx, r.ID)
	if err != nil {
		return nil, wireError(err)
	}
	return &pb.MemberPromoteResponse{Header: c.header(), Members: toMembers(set)}, nil
}

// header has no revision, as in etcd: members are not part of the key space.
func (c *clusterService) header() *pb.ResponseHeader {
	hdr := statusHeader(c.store.Status())
	hdr.Revision = 0
	return hdr
}

func toMembers(set member.Set) []*pb.Member {
	var members []*pb.Member
	for _, m := range set.Members {
		members = append(members, toMember(m))
	}
	return members
}

func toMember(m member.Member) *pb.Member {
	return &pb.Member{ID: m.ID, Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, IsLearner: m.Learner}
}
