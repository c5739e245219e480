package api

import (
	"context"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// registerBatches adds the batches to the gateway: POST /v3/batch/put, get and
// delete, in the JSON form of the messages of rpcpb, by etcd's rules.
func registerBatches(gateway *runtime.ServeMux, meta *metaService) error {
	for path, call := range map[string]runtime.HandlerFunc{
		"/v3/batch/put":    unaryJSON(gateway, meta.BatchPut),
		"/v3/batch/get":    unaryJSON(gateway, meta.BatchGet),
		"/v3/batch/delete": unaryJSON(gateway, meta.BatchDelete),
	} {
		if err := gateway.HandlePath(http.MethodPost, path, call); err != nil {
			return err
		}
	}
	return nil
}

// unaryJSON serves a method as the gateway's generated code would.
func unaryJSON[Req any, Resp proto.Message, P interface {
	*Req
	proto.Message
}](gateway *runtime.ServeMux, call func(context.Context, P) (Resp, error)) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		in, out := runtime.MarshalerForRequest(gateway, r)
		req := P(new(Req))
		if err := in.NewDecoder(r.Body).Decode(req); err != nil {
			runtime.HTTPError(r.Context(), gateway, out, w, r, status.Errorf(codes.InvalidArgument, "request body: %v", err))
			return
		}
		resp, err := call(r.Context(), req)
		if err != nil {
			runtime.HTTPError(r.Context(), gateway, out, w, r, err)
			return
		}
		runtime.ForwardResponseMessage(r.Context(), gateway, out, w, r, resp)
	}
}
