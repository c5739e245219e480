package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/kv"
)

// web returns a test server for the HTTP side of a server over store.
func web(t *testing.T, store api.Store, o api.ServerOptions) *httptest.Server {
	t.Helper()
	o.Lean = apitest.Lean
	srv, err := api.NewServer(store, o)
	require.NoError(t, err)
	s := httptest.NewServer(srv.Handler())
	t.Cleanup(s.Close)
	return s
}

// post sends body and returns the status and the answer.
func post(t *testing.T, url string, body io.Reader) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", body)
	require.NoError(t, err)
	return read(t, resp)
}

func read(t *testing.T, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

func requireJSON(t *testing.T, want, got string) {
	t.Helper()
	// protojson varies its spaces on purpose.
	require.JSONEq(t, want, got)
}

// TestGateway checks requests and answers byte for byte as etcd's gateway has
// them: base64, proto names, int64 as strings, zero values left out.
func TestGateway(t *testing.T) {
	seen := &recorder{}
	s := web(t, apitest.New(), api.ServerOptions{Observer: seen})
	const header = `"cluster_id":"193","member_id":"62","raft_term":"4"`
	for _, tc := range []struct{ method, body, want string }{
		// "/wA=" is the two bytes ff 00, "gA==" is 80.
		{"put", `{"key":"/wA=","value":"gA=="}`, `{"header":{` + header + `,"revision":"2"}}`},
		{"put", `{"key":"/wA=","value":"YQ==","prev_kv":true,"unknown":1}`, `{"header":{` + header + `,"revision":"3"},
			"prev_kv":{"key":"/wA=","value":"gA==","create_revision":"2","mod_revision":"2","version":"1"}}`},
		{"range", `{"key":"AA==","range_end":"AA==","limit":"1"}`, `{"header":{` + header + `,"revision":"3"},"count":"1",
			"kvs":[{"key":"/wA=","value":"YQ==","create_revision":"2","mod_revision":"3","version":"2"}]}`},
		{"txn", `{"compare":[{"key":"/wA=","target":"VERSION","version":"2"}],"success":[{"requestPut":{"key":"Yg=="}}]}`,
			`{"header":{` + header + `,"revision":"4"},"succeeded":true,"responses":[{"response_put":{"header":{"revision":"4"}}}]}`},
		{"deleterange", `{"key":"/wA="}`, `{"header":{` + header + `,"revision":"5"},"deleted":"1"}`},
		{"compaction", `{"revision":"5"}`, `{"header":{` + header + `,"revision":"5"}}`},
	} {
		code, got := post(t, s.URL+"/v3/kv/"+tc.method, strings.NewReader(tc.body))
		require.Equal(t, http.StatusOK, code, got)
		requireJSON(t, tc.want, got)
	}
	require.Equal(t, []string{"put OK", "put OK", "range OK", "txn OK", "delete OK", "compact OK"}, seen.seen())
}

func TestGatewayErrors(t *testing.T) {
	store := apitest.New()
	s := web(t, store, api.ServerOptions{Limits: api.Limits{MaxRequestBytes: 1000}})
	tooLarge := `{"code":3,"message":"etcdserver: request is too large"}`
	huge := `{"key":"` + strings.Repeat("A", 1<<20) + `"}`
	for _, tc := range []struct {
		name, path string
		body       io.Reader
		code       int
		want       string
	}{
		{"empty key", "/v3/kv/put", strings.NewReader(`{}`), http.StatusBadRequest,
			`{"code":3,"message":"etcdserver: key is not provided"}`},
		{"above the bound", "/v3/kv/put", strings.NewReader(`{"key":"` + strings.Repeat("A", 2000) + `"}`), http.StatusBadRequest, tooLarge},
		{"above all bounds", "/v3/kv/put", strings.NewReader(huge), http.StatusBadRequest, tooLarge},
		{"above all bounds, unannounced", "/v3/kv/put", io.MultiReader(strings.NewReader(huge)), http.StatusBadRequest, tooLarge},
		{"unannounced", "/v3/kv/range", io.MultiReader(strings.NewReader(`{"key":"YQ==","revision":"9"}`)), http.StatusBadRequest,
			`{"code":11,"message":"etcdserver: mvcc: required revision is a future revision"}`},
		{"watch", "/v3/watch", strings.NewReader(`{}`), http.StatusNotImplemented,
			`{"code":12,"message":"/v3/watch is not implemented: accepted are POST requests to /v3/kv/range, put, deleterange, txn and compaction, and /v3/batch/put, get and delete"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, got := post(t, s.URL+tc.path, tc.body)
			require.Equal(t, tc.code, code)
			requireJSON(t, tc.want, got)
		})
	}
	code, got := post(t, s.URL+"/v3/kv/put", strings.NewReader(`{"key":"not base64!"}`))
	require.Equal(t, http.StatusBadRequest, code)
	var e struct{ Code int }
	require.NoError(t, json.Unmarshal([]byte(got), &e))
	require.Equal(t, 3, e.Code)

	store.Fail(kv.ErrTooManyRequests)
	code, got = post(t, s.URL+"/v3/kv/put", strings.NewReader(`{"key":"YQ=="}`))
	require.Equal(t, http.StatusTooManyRequests, code)
	requireJSON(t, `{"code":8,"message":"etcdserver: too many requests"}`, got)
}

func TestHealth(t *testing.T) {
	store := apitest.New()
	s := web(t, store, api.ServerOptions{})
	health := func(query string) (int, string) {
		resp, err := http.Get(s.URL + "/health" + query)
		require.NoError(t, err)
		return read(t, resp)
	}
	code, got := health("")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, `{"health":"true","reason":""}`, strings.TrimSpace(got))

	store.SetLeader(0)
	code, got = health("")
	require.Equal(t, http.StatusServiceUnavailable, code)
	requireJSON(t, `{"health":"false","reason":"RAFT NO LEADER"}`, got)
	code, _ = health("?serializable=true")
	require.Equal(t, http.StatusOK, code, "this process alone is well")

	store.Fail(kv.ErrStopped)
	code, got = health("?serializable=true")
	require.Equal(t, http.StatusServiceUnavailable, code)
	requireJSON(t, `{"health":"false","reason":"RANGE ERROR:node stopped"}`, got)

	code, _ = post(t, s.URL+"/health", nil)
	require.Equal(t, http.StatusMethodNotAllowed, code)
}

func TestMetrics(t *testing.T) {
	numbers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	for _, tc := range []struct {
		handler http.Handler
		code    int
	}{{numbers, http.StatusOK}, {nil, http.StatusNotFound}} {
		s := web(t, apitest.New(), api.ServerOptions{Metrics: tc.handler})
		resp, err := http.Get(s.URL + "/metrics")
		require.NoError(t, err)
		code, _ := read(t, resp)
		require.Equal(t, tc.code, code)
	}
}
