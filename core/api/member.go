package api

import (
	"context"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maintenance serves the methods of etcd's Maintenance that its tools call of
// their own accord, Status, and Alarm as a question; and MoveLeader.
type maintenance struct {
	store   Store
	cluster Cluster
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
		IsLearner:        st.Learner,
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

// MoveLeader hands the leadership of this member, which must lead, to another.
func (m *maintenance) MoveLeader(ctx context.Context, r *pb.MoveLeaderRequest) (*pb.MoveLeaderResponse, error) {
	if err := m.cluster.MoveLeader(ctx, r.TargetID); err != nil {
		return nil, wireError(err)
	}
	return &pb.MoveLeaderResponse{Header: statusHeader(m.store.Status())}, nil
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
	"etcdserverpb.Cluster":     "metastore accepts MemberList, MemberAdd, MemberRemove, MemberUpdate and MemberPromote",
	"etcdserverpb.Maintenance": "metastore accepts Status, MoveLeader, and Alarm with the action GET",
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
