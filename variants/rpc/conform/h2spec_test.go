package conform

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
	"metastorebench/variants/rpc"
)

// TestH2Spec runs all cases of h2spec, the strict ones too, against each transport of
// the client port. Package lean must pass them all. What grpc-go's server does not pass
// (some 28 cases, most of which want it to be stricter, or to serve what is not gRPC) is
// told.
func TestH2Spec(t *testing.T) {
	for _, profile := range rpc.Profiles() {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", profile.Name, secure), func(t *testing.T) {
				host, port := serve(t, profile, secure)
				patience := 2 * time.Second // which each case takes that grpc-go does not pass
				if profile.Lean {
					patience = time.Minute
				}
				failed, passed := runH2Spec(&config.Config{
					Host: host, Port: port, Path: "/metrics", Timeout: patience, MaxHeaderLen: 4000,
					Strict: true, TLS: secure, Insecure: true,
				})
				t.Logf("%d cases passed, %d failed", passed, len(failed))
				require.Greater(t, passed, 100)
				tell := t.Logf
				if profile.Lean {
					tell = t.Errorf
				}
				for _, f := range failed {
					tell("%s: %v", f.name, f.err)
				}
			})
		}
	}
}

// serve serves an empty store under a profile.
func serve(t *testing.T, profile rpc.Profile, secure bool) (host string, port int) {
	o := api.ServerOptions{RPC: profile.Server, Lean: profile.Lean, Metrics: http.HandlerFunc(patient)}
	o.Limits.MaxConcurrentStreams = 100 // which a case opens all of
	if secure {
		o.TLS = certificate(t)
	}
	_, addr := apitest.ServeTCP(t, apitest.New(), o)
	return addr.IP.String(), addr.Port
}

// patient answers when all of a request has come. An answer that comes before ends the
// stream, and some cases wait for another end of it.
func patient(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "an answer with a body")
}

// certificate returns a configuration with net/http's test certificate.
func certificate(t *testing.T) *tls.Config {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	t.Cleanup(s.Close)
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12}
}

// failure is a case that was not passed.
type failure struct {
	name string
	err  error
}

func runH2Spec(c *config.Config) (failed []failure, passed int) {
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(c)
		passed += group.PassedCount
		failed = append(failed, failures(group)...)
	}
	return failed, passed
}

func failures(group *spec.TestGroup) (failed []failure) {
	for _, tests := range [][]*spec.TestCase{group.Tests, group.StrictTests} {
		for _, test := range tests {
			if test.Result != nil && test.Result.Failed {
				failed = append(failed, failure{fmt.Sprintf("%s/%d", group.ID(), test.Result.Sequence), test.Result.Error})
			}
		}
	}
	for _, sub := range group.Groups {
		failed = append(failed, failures(sub)...)
	}
	return failed
}
