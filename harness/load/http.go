package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// HTTP reaches a store through etcd's JSON gateway, with the mapping of
// etcd's documentation ("gRPC gateway"): POST /v3/kv/{put,range,deleterange},
// bytes in base64, 64-bit numbers as strings.
type HTTP struct {
	base      string
	client    *http.Client
	transport *http.Transport
}

// NewHTTP returns a client of the gateway at host:port that keeps up to conns
// connections.
func NewHTTP(endpoint string, conns int) *HTTP {
	t := &http.Transport{MaxConnsPerHost: conns, MaxIdleConnsPerHost: conns}
	return &HTTP{base: "http://" + endpoint, client: &http.Client{Transport: t}, transport: t}
}

// Client returns a client for worker i; connections are shared.
func (h *HTTP) Client(int) Client { return &httpClient{h: h} }

// Close closes idle connections.
func (h *HTTP) Close() error {
	h.transport.CloseIdleConnections()
	return nil
}

var _ Client = (*httpClient)(nil)

type httpClient struct{ h *HTTP }

func (c *httpClient) Put(ctx context.Context, key, value []byte) (int64, error) {
	var resp etcdserverpb.PutResponse
	err := c.h.post(ctx, "/v3/kv/put", &etcdserverpb.PutRequest{Key: key, Value: value}, &resp)
	return resp.GetHeader().GetRevision(), err
}

func (c *httpClient) Get(ctx context.Context, key []byte) (*mvccpb.KeyValue, int64, error) {
	var resp etcdserverpb.RangeResponse
	err := c.h.post(ctx, "/v3/kv/range", &etcdserverpb.RangeRequest{Key: key}, &resp)
	return first(resp.GetKvs()), resp.GetHeader().GetRevision(), err
}

func (c *httpClient) Range(ctx context.Context, start, end []byte, limit int64) (Page, error) {
	var resp etcdserverpb.RangeResponse
	err := c.h.post(ctx, "/v3/kv/range", &etcdserverpb.RangeRequest{Key: start, RangeEnd: end, Limit: limit}, &resp)
	return pageOf(&resp), err
}

func (c *httpClient) Delete(ctx context.Context, key, end []byte) (int64, int64, error) {
	var resp etcdserverpb.DeleteRangeResponse
	err := c.h.post(ctx, "/v3/kv/deleterange", &etcdserverpb.DeleteRangeRequest{Key: key, RangeEnd: end}, &resp)
	return resp.GetDeleted(), resp.GetHeader().GetRevision(), err
}

// post sends req and decodes the answer into resp. Every error has a status:
// the gateway's own, or Unavailable if there was no answer.
func (h *HTTP) post(ctx context.Context, path string, req, resp proto.Message) error {
	body, err := protojson.Marshal(req)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+path, bytes.NewReader(body))
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := h.client.Do(r)
	if err != nil {
		return noAnswer(ctx, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return noAnswer(ctx, err)
	}
	if answer.StatusCode != http.StatusOK {
		return gatewayError(answer.StatusCode, text)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, resp); err != nil {
		return status.Errorf(codes.Internal, "answer of %s: %v", path, err)
	}
	return nil
}

func noAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, err.Error())
}

// gatewayError makes a status of the gateway's error body,
// {"code": <gRPC code>, "message": "..."}.
func gatewayError(httpStatus int, body []byte) error {
	var e struct {
		Code    codes.Code `json:"code"`
		Message string     `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Code == codes.OK {
		return status.Error(codes.Unknown, fmt.Sprintf("HTTP status %d: %.200s", httpStatus, body))
	}
	return status.Error(e.Code, e.Message)
}
