package transport

import (
	"context"
	"errors"
	"io"

	"go.etcd.io/raft/v3/raftpb"
)

func (*sink) Identity() Identity   { return Identity{ClusterID: 1, MemberID: 2} }
func (*sink) Admit(Identity) error { return nil }
func (s *sink) Step(ctx context.Context, m *raftpb.Message) error {
	select {
	case s.messages <- m:
		return nil
	case <-ctx.Done():
		if s.cut != nil {
			s.cut <- ctx.Err()
		}
		return ctx.Err()
	}
}

func (*sink) Snapshot(context.Context, *raftpb.Message, io.Reader) error {
	return errors.New("the test takes no snapshots")
}

func (*sink) Answer(context.Context, []byte) ([]byte, error) {
	return nil, errors.New("the test answers nothing")
}
func (*sink) Undelivered(uint64, *raftpb.Message) {}
func (*sink) Refused(uint64, error)               {}
