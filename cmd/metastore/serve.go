package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"metastorebench/core/api"
	"metastorebench/core/metrics"
	"metastorebench/core/node"
	"metastorebench/core/propose"
	"metastorebench/core/trace"
	"metastorebench/harness/ready"
	"metastorebench/variants"
	"metastorebench/variants/rpc"
)

const (
	startTimeout    = 30 * time.Second
	shutdownTimeout = 10 * time.Second
)

// serve runs the store until ctx ends or it fails.
func serve(ctx context.Context, c *config, s variants.Selection, stdout, stderr io.Writer) error {
	logger, err := newLogger(c.logLevel, stderr)
	if err != nil {
		return err
	}
	profile, err := rpc.Lookup(s["rpc"])
	if err != nil {
		return err
	}
	m := metrics.New(s["engine"], api.Operations()...)
	tracer, err := c.tracer(m)
	if err != nil {
		return err
	}
	tlsConfig, err := c.client.ServerConfig()
	if err != nil {
		return err
	}
	ports, err := c.listen(tlsConfig != nil)
	if err != nil {
		return err
	}
	c.advertise(ports, tlsConfig != nil)
	n, err := c.startNode(ctx, s, ports.peer, m, tracer, logger)
	if err != nil {
		return errors.Join(err, ports.close())
	}
	server, err := api.NewServer(n, api.ServerOptions{
		Limits:   c.limits(),
		RPC:      profile.Server,
		Lean:     profile.Lean,
		TLS:      tlsConfig,
		Cluster:  n,
		Pool:     s.Pool(),
		Observer: m,
		Metrics:  m.Handler(),
		Tracer:   tracer,
		ErrorLog: zap.NewStdLog(logger),
	})
	if err != nil {
		return errors.Join(err, ports.close(), n.Stop())
	}
	settings, err := s.EngineSettings()
	if err == nil {
		err = announce(stdout, ports, c, s, settings, len(n.Members().Members))
	}
	if err != nil {
		return errors.Join(err, ports.close(), n.Stop())
	}
	logger.Info("serving", zap.Stringer("options", s), zap.String("durability", s.Durability()), zap.Duration("wal-linger", c.walLinger), zap.String("engine-settings", settings), zap.Int("stage-sample", c.stageSample), zap.String("client", firstAddr(ports.client)), zap.String("http", firstAddr(ports.web)))
	return errors.Join(runServer(ctx, server, n, ports), n.Stop())
}

// ports are the open listeners.
type ports struct {
	client, web []net.Listener
	peer        []net.Listener // the node closes them
	debug       net.Listener   // nil without --debug-addr
}

func (p ports) close() error {
	err := errors.Join(closeAll(p.client), closeAll(p.web))
	if p.debug != nil {
		err = errors.Join(err, p.debug.Close())
	}
	return err
}

// listen opens every port before the data directory is touched, so that a
// second start with the same flags changes nothing.
func (c *config) listen(tls bool) (p ports, err error) {
	if p.client, err = listenAll("listen-client-urls", c.clientURLs, tls); err != nil {
		return p, err
	}
	if p.web, err = listenAll("listen-client-http-urls", c.httpURLs, tls); err != nil {
		return p, errors.Join(err, p.close())
	}
	if c.debugAddr != "" {
		if p.debug, err = net.Listen("tcp", c.debugAddr); err != nil {
			return p, errors.Join(fmt.Errorf("--debug-addr: %w", err), p.close())
		}
	}
	if c.peerPort {
		if p.peer, err = listenAll(peerURLsFlag, c.peerURLs, c.peer.CertFile != ""); err != nil {
			return p, errors.Join(err, p.close())
		}
	}
	return p, nil
}

func (c *config) limits() api.Limits {
	return api.Limits{MaxTxnOps: c.maxTxnOps, MaxRequestBytes: c.maxRequestBytes, MaxConcurrentStreams: c.maxConcurrentStreams, MaxPipelines: c.maxPipelines}
}

// advertise fills in the client URLs that clients are told, if no flag has them.
func (c *config) advertise(p ports, tls bool) {
	scheme := "http://"
	if tls {
		scheme = "https://"
	}
	if len(c.advertiseClientURLs) == 0 {
		for _, l := range p.client {
			c.advertiseClientURLs = append(c.advertiseClientURLs, scheme+l.Addr().String())
		}
	}
}

// tracer returns the stage trace that --stage-sample asks for, nil if none, with
// its metrics registered.
func (c *config) tracer(m *metrics.Metrics) (*trace.Tracer, error) {
	if c.stageSample == 0 {
		return nil, nil
	}
	t, err := trace.New(c.stageSample, m.Stages())
	if err != nil {
		return nil, fmt.Errorf("--stage-sample: %w, or 0 for none", err)
	}
	return t, nil
}

// startNode starts the node, which owns the peer ports from then on.
func (c *config) startNode(ctx context.Context, s variants.Selection, peer []net.Listener, m *metrics.Metrics, tracer *trace.Tracer, logger *zap.Logger) (*node.Node, error) {
	o, err := c.nodeOptions(s, m, tracer, logger)
	if err != nil {
		return nil, errors.Join(err, closeAll(peer))
	}
	o.PeerListeners = peer
	if unsafe := s.Unsafe(); len(unsafe) > 0 {
		logger.Warn("UNSAFE: acknowledged writes can be lost in a crash; use this for measurements only", zap.Strings("because", unsafe))
	}
	if len(o.Members) > 1 {
		return node.Start(ctx, o) // a majority may take its time to come up
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return node.Start(ctx, o)
}

func (c *config) nodeOptions(s variants.Selection, m *metrics.Metrics, tracer *trace.Tracer, logger *zap.Logger) (o node.Options, err error) {
	members, err := c.members()
	if err != nil {
		return o, err
	}
	server, err := c.peer.ServerConfig()
	if err != nil {
		return o, fmt.Errorf("peers: %w", err)
	}
	client, err := c.peer.ClientConfig()
	if err != nil {
		return o, fmt.Errorf("peers: %w", err)
	}
	// The encoded command may be larger than the request: JSON writes bytes as
	// base64, four characters for three.
	encodedBytes := 2 * int(c.maxRequestBytes)
	o = node.Options{
		DataDir: c.dataDir, FS: vfs.Default,
		ClusterToken: c.clusterToken, Members: members, Name: c.name, Join: c.clusterState == "existing",
		ClientURLs: c.advertiseClientURLs, PeerServerTLS: server, PeerClientTLS: client, LinkDelay: c.linkDelay,
		HeartbeatInterval: milliseconds(c.heartbeatMS), ElectionTimeout: milliseconds(c.electionMS),
		SnapshotCount: c.snapshotCount, SnapshotBytes: c.snapshotBytes, CatchUpEntries: c.catchUpEntries,
		Limits:  propose.Limits{MaxRequestBytes: encodedBytes},
		Metrics: m, Tracer: tracer, Logger: logger, Version: version,
	}
	if err := s.Apply(&o, c.seed); err != nil {
		return o, err
	}
	o.SyncLinger = c.walLinger
	return o, nil
}

// announce tells the program that started this one that it serves, with the
// effective options: the axes, the settings that --engine-profile makes, and what
// else shapes a measurement. members is how many the cluster has now.
func announce(w io.Writer, p ports, c *config, s variants.Selection, engineSettings string, members int) error {
	options := maps.Clone(map[string]string(s))
	if engineSettings != "" {
		options["engine-settings"] = engineSettings
	}
	options["snapshot-count"] = strconv.FormatUint(c.snapshotCount, 10)
	options["snapshot-bytes"] = strconv.FormatInt(c.snapshotBytes, 10)
	options["max-request-bytes"] = strconv.FormatUint(uint64(c.maxRequestBytes), 10)
	options["stage-sample"] = strconv.Itoa(c.stageSample)
	options["consistency"] = s.Consistency(members)
	options["wal-linger"] = c.walLinger.String()
	options["link-delay"] = c.linkDelay.String()
	options["seed"] = strconv.FormatUint(c.seed, 10)
	return ready.Line{
		Client: firstAddr(p.client), HTTP: firstAddr(p.web), Peer: firstAddr(p.peer), PID: os.Getpid(),
		Durability: s.Durability(), Options: options,
	}.Write(w)
}

func firstAddr(ls []net.Listener) string {
	if len(ls) == 0 {
		return ""
	}
	return ls[0].Addr().String()
}

// runServer serves all ports until ctx ends, the node fails or a port does.
func runServer(ctx context.Context, server *api.Server, n *node.Node, p ports) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range p.client {
		g.Go(func() error { return server.ServeGRPC(l) })
	}
	for _, l := range p.web {
		g.Go(func() error { return server.ServeWeb(l) })
	}
	debug := &http.Server{Handler: pprofHandler(), ReadHeaderTimeout: 5 * time.Second}
	if p.debug != nil {
		g.Go(func() error {
			if err := debug.Serve(p.debug); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	g.Go(func() error {
		var err error
		select {
		case <-ctx.Done():
		case <-n.Failed():
			err = n.Err()
		}
		stop, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		return errors.Join(err, server.Shutdown(stop), debug.Close())
	})
	return g.Wait()
}

// pprofHandler serves profiles under the usual paths.
func pprofHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// newLogger returns a logger that writes lines to w.
func newLogger(level string, w io.Writer) (*zap.Logger, error) {
	l, err := zapcore.ParseLevel(level)
	if err != nil || l > zapcore.ErrorLevel {
		return nil, fmt.Errorf("--log-level is %q, accepted: debug, info, warn, error", level)
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(encoding), zapcore.Lock(zapcore.AddSync(w)), l)), nil
}
