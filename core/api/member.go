package api

import (
	"context"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/engine"
)

// Member is what MemberList tells of the member that serves it.
type Member struct {
	Name string
	// PeerURLs and ClientURLs are the advertised ones, with their schemes.
	PeerURLs   []string
	ClientURLs []string
}

// maintenance serves the two methods of etcd's Maintenance that its tools call
// of their own accord: Status, and Alarm as a question.
type maintenance struct {
	store Store
	pb.UnimplementedMaintenanceServer
}

// Status answers "etcdctl endpoint status".
func (m *maintenance) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	st := m.store.Status()
	resp := &pb.StatusResponse{
		Header:           statusHeader(st),
		Version:          st.Version,
		DbSize:           st.DBSizeBytes,
		DbSizeInUse:      st.DBSizeBytes,
		Leader:           st.Leader,
		RaftIndex:        st.RaftIndex,
		RaftTerm:         st.RaftTerm,
		RaftAppliedIndex: st.AppliedIndex,
	}
	if st.Leader == 0 {
		resp.Errors = []string{"etcdserver: no leader"}
	}
	return resp, nil
}

// Alarm answers "etcdctl endpoint health", which asks for alarms: there are
// none. Alarms cannot be set.
func (m *maintenance) Alarm(_ context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	if r.Action != pb.AlarmRequest_GET {
		return nil, status.Error(codes.Unimplemented, "metastore has no alarms to set; accepted is the action GET")
	}
	return &pb.AlarmResponse{Header: statusHeader(m.store.Status())}, nil
}

// cluster serves MemberList.
type cluster struct {
	store  Store
	member Member
	pb.UnimplementedClusterServer
}

// MemberList lists the one member there is.
func (c *cluster) MemberList(ctx context.Context, r *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	nothing := func(engine.Reader) error { return nil }
	if err := c.store.Read(ctx, !r.Linearizable, nothing); err != nil {
		return nil, wireError(err)
	}
	st := c.store.Status()
	hdr := statusHeader(st)
	hdr.Revision = 0 // as in etcd: the list is not part of the key space
	return &pb.MemberListResponse{Header: hdr, Members: []*pb.Member{{
		ID:         st.MemberID,
		Name:       c.member.Name,
		PeerURLs:   c.member.PeerURLs,
		ClientURLs: c.member.ClientURLs,
	}}}, nil
}

func statusHeader(st Status) *pb.ResponseHeader {
	return &pb.ResponseHeader{
		ClusterId: st.ClusterID,
		MemberId:  st.MemberID,
		RaftTerm:  st.RaftTerm,
		Revision:  st.Revision,
	}
}

// only returns desc reduced to the named unary methods. The rest, and whole
// services that are not registered, end up in unsupported.
func only(desc grpc.ServiceDesc, methods ...string) *grpc.ServiceDesc {
	reduced := desc
	reduced.Methods, reduced.Streams = nil, nil
	for _, m := range desc.Methods {
		if slices.Contains(methods, m.MethodName) {
			reduced.Methods = append(reduced.Methods, m)
		}
	}
	return &reduced
}

// accepted says, for each service that is not or not wholly served, what is.
var accepted = map[string]string{
	"etcdserverpb.Watch":       "metastore has no watches: poll with Range and min_mod_revision",
	"etcdserverpb.Lease":       "metastore has no leases: accepted are puts without a lease id",
	"etcdserverpb.Auth":        "metastore has no users: accepted are TLS client certificates",
	"etcdserverpb.Cluster":     "metastore's membership is fixed: accepted is MemberList",
	"etcdserverpb.Maintenance": "metastore accepts Status, and Alarm with the action GET",
	"metastore.v1.MetaStore":   "metastore accepts BatchPut, BatchGet and BatchDelete",
}

// unsupported answers every method that no registered service has.
func unsupported(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	why, ok := accepted[service]
	if !ok {
		why = "metastore serves etcdserverpb.KV, parts of Cluster and Maintenance, and metastore.v1.MetaStore"
	}
	return status.Errorf(codes.Unimplemented, "%s is not implemented: %s", method, why)
}
