package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// members parses --initial-cluster.
func (c *config) members() (map[string]string, error) {
	if c.clusterState != "new" && c.clusterState != "existing" {
		return nil, fmt.Errorf("--initial-cluster-state is %q, accepted: new, existing", c.clusterState)
	}
	if len(c.advertisePeerURLs) != 1 {
		return nil, fmt.Errorf("--initial-advertise-peer-urls has %d URLs, accepted: 1", len(c.advertisePeerURLs))
	}
	if c.initialCluster == "" {
		return map[string]string{c.name: c.advertisePeerURLs[0]}, nil
	}
	members := make(map[string]string)
	for _, m := range strings.Split(c.initialCluster, ",") {
		name, peer, ok := strings.Cut(m, "=")
		if !ok || name == "" || peer == "" {
			return nil, fmt.Errorf("--initial-cluster: %q is not of the form name=peer-url", m)
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("--initial-cluster names member %q twice; a member has one peer URL", name)
		}
		members[name] = peer
	}
	if own := members[c.name]; own != c.advertisePeerURLs[0] {
		return nil, fmt.Errorf("--initial-cluster has %q for member %q, --initial-advertise-peer-urls has %q", own, c.name, c.advertisePeerURLs[0])
	}
	return members, nil
}

// listenAll opens a listener for each URL of the flag; on error none stays
// open. tls says whether certificates were given.
func listenAll(flag string, urls []string, tls bool) ([]net.Listener, error) {
	var open []net.Listener
	for _, raw := range urls {
		l, err := listen(flag, raw, tls)
		if err != nil {
			return nil, errors.Join(err, closeAll(open))
		}
		open = append(open, l)
	}
	return open, nil
}

func listen(flag, raw string, tls bool) (net.Listener, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Port() == "" || u.Path != "":
		return nil, fmt.Errorf("--%s: %q is not of the form http://host:port or https://host:port", flag, raw)
	case u.Scheme == "https" && !tls:
		return nil, fmt.Errorf("--%s: %q needs %s and its key file", flag, raw, certFlag(flag))
	case u.Scheme == "http" && tls:
		return nil, fmt.Errorf("--%s: %q would serve without the TLS that %s asks for; use https", flag, raw, certFlag(flag))
	}
	l, err := net.Listen("tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return l, nil
}

// certFlag is the flag that goes with https in the given one.
func certFlag(flag string) string {
	if flag == peerURLsFlag {
		return "--peer-cert-file"
	}
	return "--cert-file"
}

const peerURLsFlag = "listen-peer-urls"

func closeAll(ls []net.Listener) error {
	var err error
	for _, l := range ls {
		err = errors.Join(err, l.Close())
	}
	return err
}
