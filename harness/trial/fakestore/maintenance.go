package fakestore

import (
	"context"
	"strings"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

// maintenance says who leads: of a cluster, the second member. Nothing is
// replicated, so that the others stay empty.
type maintenance struct {
	etcdserverpb.UnimplementedMaintenanceServer
	options map[string]string
}

func (m *maintenance) Status(context.Context, *etcdserverpb.StatusRequest) (*etcdserverpb.StatusResponse, error) {
	resp := &etcdserverpb.StatusResponse{Header: &etcdserverpb.ResponseHeader{}, Leader: 2}
	if m.options["fault"] == FaultLeaderless {
		resp.Leader = 0
	}
	for i, entry := range strings.Split(m.options["initial-cluster"], ",") {
		if name, _, _ := strings.Cut(entry, "="); name == m.options["name"] {
			resp.Header.MemberId = uint64(i + 1)
		}
	}
	return resp, nil
}
