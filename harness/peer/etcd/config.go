package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"go.etcd.io/etcd/server/v3/embed"
)

// anyPort is the default of every address: a free port of this machine's.
const anyPort = "http://127.0.0.1:0"

// ErrFlags says that the flags cannot be carried out. It is wrapped with the
// flag, its value and what is accepted.
var ErrFlags = errors.New("flags")

// parse turns the arguments into etcd's configuration, whose addresses have
// real ports. help goes to usage.
func parse(args []string, usage io.Writer) (*embed.Config, error) {
	cfg := embed.NewConfig()
	cfg.LogOutputs = []string{embed.StdErrLogOutput} // standard output is for the ready line
	fs := flag.NewFlagSet("peer-etcd", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.StringVar(&cfg.Dir, "data-dir", "", "directory of the log and the data; required")
	fs.StringVar(&cfg.Name, "name", cfg.Name, "this member's name")
	fs.StringVar(&cfg.InitialCluster, "initial-cluster", "", "all members as name=URL,...; empty: this one alone")
	fs.StringVar(&cfg.InitialClusterToken, "initial-cluster-token", cfg.InitialClusterToken, "the cluster's name, for members to tell clusters apart")
	fs.StringVar(&cfg.LogLevel, "log-level", cfg.LogLevel, "debug, info, warn or error, on standard error")
	clients := fs.String("listen-client-urls", anyPort, "address of the gRPC service; port 0 is a free one")
	web := fs.String("listen-client-http-urls", anyPort, "address of /metrics and the HTTP gateway; port 0 is a free one")
	peers := fs.String("listen-peer-urls", anyPort, "address for other members; port 0 is a free one")
	advertised := fs.String("initial-advertise-peer-urls", "", "address that the other members are told; accepted: that of --listen-peer-urls, which it is by default")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("%w: unexpected argument %q; accepted: flags only", ErrFlags, fs.Arg(0))
	}
	if cfg.Dir == "" {
		return nil, fmt.Errorf("%w: --data-dir is not given; accepted: a directory", ErrFlags)
	}
	var err error
	if cfg.ListenClientUrls, cfg.ListenClientHttpUrls, cfg.ListenPeerUrls, err = addresses(*clients, *web, *peers); err != nil {
		return nil, err
	}
	if own := cfg.ListenPeerUrls[0].String(); *advertised != "" && *advertised != own {
		return nil, fmt.Errorf("%w: --initial-advertise-peer-urls is %q; accepted: %s, which --listen-peer-urls says", ErrFlags, *advertised, own)
	}
	cfg.AdvertiseClientUrls, cfg.AdvertisePeerUrls = cfg.ListenClientUrls, cfg.ListenPeerUrls
	if cfg.InitialCluster == "" {
		cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	}
	return cfg, nil
}

// addresses reads the three addresses and gives each port 0 a port that is
// free. etcd tells nobody which of the ports that it has opened serves what, so
// they must be known before. All are held until all are found, so that they
// differ; between then and etcd's start another program could take one, and
// etcd would refuse to start.
func addresses(clients, web, peers string) (c, w, p []url.URL, err error) {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			err = errors.Join(err, l.Close())
		}
	}()
	found := make([]url.URL, 3)
	for i, given := range [][2]string{
		{"listen-client-urls", clients}, {"listen-client-http-urls", web}, {"listen-peer-urls", peers},
	} {
		u, err := loopback(given[0], given[1])
		if err != nil {
			return nil, nil, nil, err
		}
		if u.Port() == "0" {
			l, err := net.Listen("tcp", u.Host)
			if err != nil {
				return nil, nil, nil, fmt.Errorf("--%s: %w", given[0], err)
			}
			held = append(held, l)
			u.Host = l.Addr().String()
		}
		found[i] = *u
	}
	return found[:1:1], found[1:2:2], found[2:], nil
}

// loopback reads one address. Only loopback is served: there is no TLS here.
func loopback(name, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && u.Scheme == "http" && u.Port() != "" && strings.Trim(u.Path, "/") == "" {
		if ip := net.ParseIP(u.Hostname()); ip.IsLoopback() {
			return u, nil
		}
	}
	return nil, fmt.Errorf("%w: --%s is %q; accepted: http://IP:PORT with one loopback address, as http://127.0.0.1:0", ErrFlags, name, text)
}
