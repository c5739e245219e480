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
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/kv"
)

// HTTP is a KV over the JSON gateway: POST to /v3/kv/put, range, deleterange and
// txn, keys and values in base64. It may be used from any number of goroutines.
type HTTP struct {
	base      string
	transport *http.Transport
	client    *http.Client
}

var _ KV = (*HTTP)(nil)

// NewHTTP returns a client for the gateway at base, a URL without a path such as
// "http://127.0.0.1:9121", over at most conns connections, kept alive (0
// means one); calls wait for a free one. tls is used for https; nil means the defaults. No connection is made
// yet.
func NewHTTP(base string, conns int, tls *tls.Config) (*HTTP, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%w: gateway %q, want http://host:port or https://host:port", ErrOptions, base)
	}
	transport := &http.Transport{
		TLSClientConfig:     tls,
		MaxIdleConnsPerHost: max(conns, 1),
		MaxConnsPerHost:     max(conns, 1),
		IdleConnTimeout:     time.Minute,
	}
	return &HTTP{
		base:      u.Scheme + "://" + u.Host + "/v3/kv/",
		transport: transport,
		client:    &http.Client{Transport: transport},
	}, nil
}

// Close closes the connections that are idle; calls under way finish.
func (h *HTTP) Close() error {
	h.transport.CloseIdleConnections()
	return nil
}

// Put stores value under key; see KV.
func (h *HTTP) Put(ctx context.Context, key, value []byte) (int64, error) {
	resp := &pb.PutResponse{}
	err := h.post(ctx, "put", &pb.PutRequest{Key: key, Value: value}, resp)
	return resp.Header.GetRevision(), err
}

// Get returns the pair for key; see KV.
func (h *HTTP) Get(ctx context.Context, key []byte) (*kv.KeyValue, error) {
	resp := &pb.RangeResponse{}
	err := h.post(ctx, "range", &pb.RangeRequest{Key: key}, resp)
	if err != nil || len(resp.Kvs) == 0 {
		return nil, err
	}
	return toPair(resp.Kvs[0]), nil
}

// Range returns the pairs that req selects; see KV.
func (h *HTTP) Range(ctx context.Context, req *kv.RangeRequest) (*kv.RangeResult, error) {
	resp := &pb.RangeResponse{}
	if err := h.post(ctx, "range", fromRange(req), resp); err != nil {
		return nil, err
	}
	return toRange(resp), nil
}

// Delete removes keys; see KV.
func (h *HTTP) Delete(ctx context.Context, key, rangeEnd []byte) (int64, error) {
	resp := &pb.DeleteRangeResponse{}
	err := h.post(ctx, "deleterange", &pb.DeleteRangeRequest{Key: key, RangeEnd: rangeEnd}, resp)
	return resp.Deleted, err
}

// Txn carries out req; see KV.
func (h *HTTP) Txn(ctx context.Context, req *kv.TxnRequest) (kv.Result, error) {
	resp := &pb.TxnResponse{}
	if err := h.post(ctx, "txn", fromTxn(req), resp); err != nil {
		return kv.Result{}, err
	}
	return kv.Result{Revision: resp.Header.GetRevision(), Txn: toTxn(resp)}, nil
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
		return gatewayError(hresp.Status, answer)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(answer, resp); err != nil {
		return status.Errorf(codes.Unknown, "client: malformed answer: %v", err)
	}
	return nil
}

// gatewayError turns an error answer into the gRPC status that it stands for.
func gatewayError(httpStatus string, answer []byte) error {
	var e struct {
		Code    codes.Code `json:"code"`
		Message string     `json:"message"`
	}
	if err := json.Unmarshal(answer, &e); err != nil || e.Code == codes.OK {
		return status.Errorf(codes.Unknown, "client: gateway answered %s", httpStatus)
	}
	return status.Error(e.Code, e.Message)
}
