package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"metastorebench/core/api"
	"metastorebench/core/api/apitest"
)

// authority signs certificates and writes them as PEM files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.issue(t, "ca")
	return a
}

// issue writes NAME.pem and NAME.key, signed by the authority or, for the first
// one, by itself, and returns their paths.
func (a *authority) issue(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"mem"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         a.cert == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	if a.cert == nil {
		a.cert, err = x509.ParseCertificate(der)
		require.NoError(t, err)
		a.key = key
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	return a.write(t, name+".pem", "CERTIFICATE", der), a.write(t, name+".key", "EC PRIVATE KEY", keyDER)
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// trust returns a client's configuration that trusts the authority and, if
// certFile is not empty, shows that certificate.
func (a *authority) trust(t *testing.T, certFile, keyFile string) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	cfg := &tls.Config{RootCAs: pool}
	if certFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		require.NoError(t, err)
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg
}

// TestTLS checks that both ports want a client certificate of the right
// authority.
func TestTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	certFile, keyFile := ours.issue(t, "server")
	cfg, err := api.TLSFiles{
		CertFile: certFile, KeyFile: keyFile, TrustedCAFile: filepath.Join(ours.dir, "ca.pem"), ClientCertAuth: true,
	}.ServerConfig()
	require.NoError(t, err)
	srv, dialer := apitest.Serve(t, apitest.New(), api.ServerOptions{TLS: cfg})
	l := listen(t)
	served := make(chan error, 1)
	go func() { served <- srv.ServeWeb(l) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Shutdown(context.Background()))
		require.NoError(t, <-served)
	})

	goodCert, goodKey := ours.issue(t, "client")
	foreignCert, foreignKey := theirs.issue(t, "client")
	for _, tc := range []struct {
		name          string
		cert, key     string
		wantConnected bool
	}{
		{"with certificate", goodCert, goodKey, true},
		{"without certificate", "", "", false},
		{"with a foreign certificate", foreignCert, foreignKey, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clientTLS := ours.trust(t, tc.cert, tc.key)
			cc, err := grpc.NewClient("passthrough:///mem", dialer, grpc.WithTransportCredentials(credentials.NewTLS(clientTLS)))
			require.NoError(t, err)
			defer cc.Close()
			_, err = pb.NewKVClient(cc).Put(t.Context(), &pb.PutRequest{Key: []byte("k")})
			if tc.wantConnected {
				require.NoError(t, err)
			} else {
				require.Equal(t, codes.Unavailable, status.Code(err))
			}

			transport := &http.Transport{TLSClientConfig: clientTLS}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Get("https://" + l.Addr().String() + "/health")
			if tc.wantConnected {
				require.NoError(t, err)
				code, _ := read(t, resp)
				require.Equal(t, http.StatusOK, code)
			} else {
				require.Error(t, err)
			}
		})
	}
}

func TestTLSFilesErrors(t *testing.T) {
	cfg, err := api.TLSFiles{}.ServerConfig()
	require.NoError(t, err)
	require.Nil(t, cfg, "no files mean plain text")
	for _, tc := range []struct {
		files api.TLSFiles
		text  string
	}{
		{api.TLSFiles{ClientCertAuth: true}, "need cert-file and key-file"},
		{api.TLSFiles{TrustedCAFile: "ca"}, "need cert-file and key-file"},
		{api.TLSFiles{KeyFile: "k"}, `key-file "k" needs a cert-file`},
		{api.TLSFiles{CertFile: "c"}, `cert-file "c" needs a key-file`},
		{api.TLSFiles{CertFile: "missing.pem", KeyFile: "missing.key"}, "missing.pem"},
	} {
		_, err := tc.files.ServerConfig()
		require.ErrorIs(t, err, api.ErrTLS)
		require.ErrorContains(t, err, tc.text)
	}
}
