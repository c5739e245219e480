package api

import (
	"crypto/tls"
	"errors"
	"fmt"

	"go.etcd.io/etcd/client/pkg/v3/transport"
)

// ErrTLS says that TLS settings do not fit together or cannot be loaded.
var ErrTLS = errors.New("api: invalid TLS settings")

// TLSFiles are etcd's TLS settings of one kind of port. The zero value means
// plain text.
type TLSFiles struct {
	CertFile string // --cert-file, PEM
	KeyFile  string // --key-file, PEM
	// TrustedCAFile (--trusted-ca-file, PEM) verifies clients' certificates; as
	// in etcd, naming it makes a certificate mandatory.
	TrustedCAFile string
	// ClientCertAuth (--client-cert-auth) demands a client certificate; without
	// TrustedCAFile the system's authorities verify it.
	ClientCertAuth bool
}

// ServerConfig loads the files. It returns nil for the zero value. The key pair
// is read again for each handshake, so that certificates can be renewed in
// place. Errors wrap ErrTLS.
func (f TLSFiles) ServerConfig() (*tls.Config, error) {
	switch {
	case f == TLSFiles{}:
		return nil, nil
	case f.CertFile == "" && f.KeyFile == "":
		return nil, fmt.Errorf("%w: trusted-ca-file and client-cert-auth need cert-file and key-file", ErrTLS)
	case f.CertFile == "":
		return nil, fmt.Errorf("%w: key-file %q needs a cert-file", ErrTLS, f.KeyFile)
	case f.KeyFile == "":
		return nil, fmt.Errorf("%w: cert-file %q needs a key-file", ErrTLS, f.CertFile)
	}
	cfg, err := f.info().ServerConfig()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return cfg, nil
}

// ClientConfig loads the same files for dialling other members, who are verified
// by TrustedCAFile, or by the system's authorities, and are shown the
// certificate. It returns nil for the zero value. Errors wrap ErrTLS.
func (f TLSFiles) ClientConfig() (*tls.Config, error) {
	if f == (TLSFiles{}) {
		return nil, nil
	}
	cfg, err := f.info().ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return cfg, nil
}

func (f TLSFiles) info() transport.TLSInfo {
	return transport.TLSInfo{
		CertFile:       f.CertFile,
		KeyFile:        f.KeyFile,
		TrustedCAFile:  f.TrustedCAFile,
		ClientCertAuth: f.ClientCertAuth,
	}
}
