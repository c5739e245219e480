package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.etcd.io/etcd/api/v3/etcdserverpb/gw"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"metastorebench/core/engine"
	"metastorebench/core/trace"
)

// Bounds on what an HTTP client may make the server wait for or hold.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// healthTimeout bounds the read that /health tries.
	healthTimeout = 5 * time.Second
)

// newHandler returns the HTTP side: the JSON gateway under /v3/kv/ and, for the
// store's own service, /v3/batch/, /health, and /metrics if metrics is not nil.
// The gateway calls svc and meta directly, without a connection to the gRPC
// port. tracer may be nil.
func newHandler(svc *kvService, meta *metaService, metrics http.Handler, tracer *trace.Tracer) (http.Handler, error) {
	gateway := runtime.NewServeMux(runtime.WithMarshalerOption(runtime.MIMEWildcard, jsonFormat))
	if err := gw.RegisterKVHandlerServer(context.Background(), gateway, svc); err != nil {
		return nil, fmt.Errorf("api: JSON gateway: %w", err)
	}
	if err := registerBatches(gateway, meta); err != nil {
		return nil, fmt.Errorf("api: JSON gateway: %w", err)
	}
	mux := http.NewServeMux()
	limited := traceHTTP(tracer, limitBody(gateway, svc.limits))
	mux.Handle("/v3/kv/", limited)
	mux.Handle("/v3/batch/", limited)
	mux.HandleFunc("/v3/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, status.Errorf(codes.Unimplemented,
			"%s is not implemented: accepted are POST requests to /v3/kv/range, put, deleterange, txn and compaction, and /v3/batch/put, get and delete", r.URL.Path))
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		serveHealth(w, r, svc.store)
	})
	if metrics != nil {
		mux.Handle("/metrics", metrics)
	}
	return mux, nil
}

// jsonFormat is etcd's: field names as in the .proto file, fields at their zero
// value left out, unknown ones ignored, bytes in base64, int64 as strings.
var jsonFormat = &runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
	MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true},
	UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: true},
}}

// limitBody refuses bodies above what the largest accepted request takes as
// JSON (base64 makes 4 bytes of 3), with etcd's own error. A body of unknown
// length is read first: the gateway would turn a failed read into another error.
func limitBody(next http.Handler, l Limits) http.Handler {
	limit := int64(l.maxMessageBytes()) * 4 / 3
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength < 0 {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				writeError(w, rpctypes.ErrGRPCRequestTooLarge)
				return
			} else if err != nil {
				writeError(w, status.Errorf(codes.InvalidArgument, "request body: %v", err))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		} else if r.ContentLength > limit {
			writeError(w, rpctypes.ErrGRPCRequestTooLarge)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// writeError answers as the gateway does: {"code":3,"message":"..."}.
func writeError(w http.ResponseWriter, err error) {
	st := status.Convert(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(runtime.HTTPStatusFromCode(st.Code()))
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(map[string]any{"code": int(st.Code()), "message": st.Message()})
}

// health is etcd's /health reply.
type health struct {
	Health string `json:"health"` // "true" or "false"
	Reason string `json:"reason"` // empty if healthy
}

// serveHealth answers as etcd's /health: healthy is a member that knows a leader
// and can serve a read. With ?serializable=true it answers for this process
// alone.
func serveHealth(w http.ResponseWriter, r *http.Request, store Store) {
	local := r.URL.Query().Get("serializable") == "true"
	h := checkHealth(r.Context(), store, local)
	w.Header().Set("Content-Type", "application/json")
	if h.Health != "true" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h)
}

func checkHealth(ctx context.Context, store Store, local bool) health {
	if !local && store.Status().Leader == 0 {
		return health{"false", "RAFT NO LEADER"}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	nothing := func(engine.Reader) error { return nil }
	if err := store.Read(ctx, local, nothing); err != nil {
		return health{"false", "RANGE ERROR:" + err.Error()}
	}
	return health{"true", ""}
}
