package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// HTTP is a KV over etcd's JSON gateway, with the mapping of etcd's
// documentation ("gRPC gateway"): POST /v3/kv/{put,range,deleterange}, bytes in
// base64, 64-bit numbers as strings. Unlike other KVs it may be used from any
// number of goroutines.
type HTTP struct {
	base      string
	transport *http.Transport
	client    *http.Client
}

var _ KV = (*HTTP)(nil)

// NewHTTP returns a client for the gateway at base, a URL without a path such as
// "http://127.0.0.1:9121", over at most conns connections (0 means one), kept
// alive; calls wait for a free one. config is used for https; nil means the
// defaults. No connection is made yet.
func NewHTTP(base string, conns int, config *tls.Config) (*HTTP, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%w: gateway %q, want http://host:port or https://host:port", ErrOptions, base)
	}
	if conns < 0 {
		return nil, fmt.Errorf("%w: %d connections, want 0 (for one) or more", ErrOptions, conns)
	}
	transport := &http.Transport{
		TLSClientConfig:     config,
		MaxIdleConnsPerHost: max(conns, 1),
		MaxConnsPerHost:     max(conns, 1),
	}
	return &HTTP{
		base:      u.Scheme + "://" + u.Host + "/v3/kv/",
		transport: transport,
		client:    &http.Client{Transport: transport},
	}, nil
}

// Handle returns the KV of any worker: connections are shared, a free one is
// taken for each call.
func (h *HTTP) Handle(int) KV { return h }

// Close closes the connections that are idle; calls under way finish.
func (h *HTTP) Close() error {
	h.transport.CloseIdleConnections()
	return nil
}

// Put stores value under key; see KV.
func (h *HTTP) Put(ctx context.Context, key, value []byte) (int64, error) {
	var resp etcdserverpb.PutResponse
	if err := h.post(ctx, "put", &etcdserverpb.PutRequest{Key: key, Value: value}, &resp); err != nil {
		return 0, err
	}
	return resp.GetHeader().GetRevision(), nil
}

// Get reads key; see KV.
func (h *HTTP) Get(ctx context.Context, key []byte) (*mvccpb.KeyValue, int64, error) {
	var resp etcdserverpb.RangeResponse
	if err := h.post(ctx, "range", &etcdserverpb.RangeRequest{Key: key}, &resp); err != nil {
		return nil, 0, err
	}
	return first(resp.GetKvs()), resp.GetHeader().GetRevision(), nil
}

// Range reads [start, end); see KV.
func (h *HTTP) Range(ctx context.Context, start, end []byte, limit int64) (Page, error) {
	var resp etcdserverpb.RangeResponse
	if err := h.post(ctx, "range", &etcdserverpb.RangeRequest{Key: start, RangeEnd: end, Limit: limit}, &resp); err != nil {
		return Page{}, err
	}
	return pageOf(&resp), nil
}

// Delete removes key or a range; see KV.
func (h *HTTP) Delete(ctx context.Context, key, end []byte) (int64, int64, error) {
	var resp etcdserverpb.DeleteRangeResponse
	if err := h.post(ctx, "deleterange", &etcdserverpb.DeleteRangeRequest{Key: key, RangeEnd: end}, &resp); err != nil {
		return 0, 0, err
	}
	return resp.GetDeleted(), resp.GetHeader().GetRevision(), nil
}

// post sends one request and decodes its answer into resp. Every error is a
// gRPC status: the gateway's own, or one made of the transport's error.
func (h *HTTP) post(ctx context.Context, method string, req, resp proto.Message) error {
	body, err := protojson.Marshal(req)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "client: encoding the request: %v", err)
	}
	hreq, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+method, bytes.NewReader(body))
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "client: %v", err)
	}
	hreq.Header.Set("Content-Type", "application/json")
	hresp, err := h.client.Do(hreq)
	if err != nil {
		return asStatus(ctx, err)
	}
	defer hresp.Body.Close()
	answer, err := io.ReadAll(hresp.Body)
	if err != nil {
		return asStatus(ctx, err)
	}
	if hresp.StatusCode != http.StatusOK {
		return gatewayError(hresp.StatusCode, answer)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(answer, resp); err != nil {
		return status.Errorf(codes.Internal, "client: malformed answer to %s: %v", method, err)
	}
	return nil
}

// gatewayError makes a status of the gateway's error body,
// {"code": <gRPC code>, "message": "..."}.
func gatewayError(httpStatus int, body []byte) error {
	var e struct {
		Code    codes.Code `json:"code"`
		Message string     `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Code == codes.OK {
		return status.Errorf(codes.Unknown, "client: HTTP status %d: %.200s", httpStatus, body)
	}
	return status.Error(e.Code, e.Message)
}
