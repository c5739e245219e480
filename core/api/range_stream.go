package api

import (
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// streamChunkBytes is about how much of a range goes into one message of a
// stream: far below the 4 MiB that gRPC clients accept by default.
const streamChunkBytes = 1 << 20

// RangeStream answers a range in pieces: the pairs in order, and header, more
// and count on the last piece, so that the pieces merge into Range's reply. The
// range is read at once and only sent in pieces: pairs are shared with the
// store, so that holding the whole answer costs little. Unlike etcd's it takes
// every sort order and filter.
func (s *kvService) RangeStream(r *pb.RangeRequest, out grpc.ServerStreamingServer[pb.RangeStreamResponse]) (err error) {
	defer s.done(OpRange, time.Now(), &err)
	whole, err := s.rangeKeys(out.Context(), r)
	if err != nil {
		return err
	}
	rest := whole.Kvs
	for {
		n, size := 0, 0
		for n < len(rest) && size < streamChunkBytes {
			size += proto.Size(rest[n])
			n++
		}
		if n == len(rest) {
			whole.Kvs = rest
			return out.Send(&pb.RangeStreamResponse{RangeResponse: whole})
		}
		piece := &pb.RangeStreamResponse{RangeResponse: &pb.RangeResponse{Kvs: rest[:n]}}
		if err := out.Send(piece); err != nil {
			return err
		}
		rest = rest[n:]
	}
}
