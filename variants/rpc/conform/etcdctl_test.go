package conform

import (
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/core/member"
	"metastorebench/variants/rpc"
)

// TestTools has etcd's etcdctl, and curl where it is installed, use each transport.
// With package lean both use one port.
func TestTools(t *testing.T) {
	etcdctl := filepath.Join(t.TempDir(), "etcdctl")
	out, err := exec.Command("go", "build", "-o", etcdctl, "go.etcd.io/etcd/etcdctl/v3").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, profile := range rpc.Profiles() {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", profile.Name, secure), func(t *testing.T) {
				url, flags := serveTools(t, profile, secure)
				for _, tc := range []struct{ args, want string }{
					{"put greeting hello", "OK"},
					{"get greeting", "greeting\nhello"},
					{"put greeting again --prev-kv", "OK\ngreeting\nhello"},
					{"get --prefix g --keys-only", "greeting"},
					{"del greeting", "1"},
					{"endpoint health", "is healthy"},
					{"endpoint status", "3.7.0"},
					{"member list", "started, m1"},
				} {
					out := run(t, etcdctl, append(append([]string{"--endpoints=" + url}, flags...), strings.Fields(tc.args)...)...)
					require.Contains(t, out, tc.want, tc.args)
				}
				if curl, err := exec.LookPath("curl"); err == nil && profile.Lean {
					for _, version := range []string{"--http1.1", "--http2-prior-knowledge"} {
						if secure && version != "--http1.1" {
							version = "--http2"
						}
						out := run(t, curl, "-sS", "--insecure", "--max-time", "20", version, url+"/v3/kv/put", "-d", `{"key": "Zm9v", "value": "YmFy"}`)
						require.Contains(t, out, `"revision":`)
						require.Contains(t, run(t, curl, "-sS", "--insecure", "--max-time", "20", version, url+"/health"), `"health":"true"`)
					}
				}
			})
		}
	}
}

// serveTools serves on a port, and returns its URL and etcdctl's flags for it.
func serveTools(t *testing.T, profile rpc.Profile, secure bool) (url string, flags []string) {
	o := api.ServerOptions{RPC: profile.Server, Lean: profile.Lean, Cluster: apitest.NewCluster(member.Member{
		ID: apitest.MemberID, Name: "m1", PeerURLs: []string{"http://p:2380"}, ClientURLs: []string{"http://c:2379"},
	})}
	scheme := "http://"
	if secure {
		o.TLS, scheme = certificate(t), "https://"
		ca := filepath.Join(t.TempDir(), "ca.pem")
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.TLS.Certificates[0].Certificate[0]})
		require.NoError(t, os.WriteFile(ca, block, 0o600))
		flags = []string{"--cacert=" + ca}
	}
	_, addr := apitest.ServeTCP(t, apitest.New(), o)
	return scheme + addr.String(), flags
}

// run runs a program, and returns what it prints.
func run(t *testing.T, program string, args ...string) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", program, args, out)
	return string(out)
}
