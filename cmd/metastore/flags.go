package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"metastorebench/core/api"
	"metastorebench/core/node"
	"metastorebench/core/trace"
	"metastorebench/core/transport"
	"metastorebench/harness/suggest"
	"metastorebench/variants"
)

// version is what Status and the header of etcdctl show.
const version = "0.1.0"

// config is what the flags say. Names and forms are etcd's where etcd has the
// flag.
type config struct {
	name, dataDir                              string
	clientURLs, peerURLs, httpURLs             []string
	advertiseClientURLs, advertisePeerURLs     []string
	initialCluster, clusterState, clusterToken string
	snapshotCount, catchUpEntries              uint64
	snapshotBytes                              int64
	maxTxnOps, maxRequestBytes, maxPipelines   uint
	maxConcurrentStreams                       uint32
	heartbeatMS, electionMS                    uint
	logLevel                                   string
	client, peer                               api.TLSFiles
	peerPort                                   bool // wanted by a flag
	linkDelay                                  time.Duration
	debugAddr                                  string
	stageSample                                int
	walLinger                                  time.Duration
	seed                                       uint64
	variant                                    string
	axes                                       map[string]*string
}

const longHelp = `metastore runs one replica of an etcd-compatible Raft key-value store.

Without flags it runs the best safe value on every axis, keeps its data in
./metastore-data and listens on the loopback interface only:

  2379  etcd v3 gRPC (etcdctl and clientv3 work)
  9121  HTTP: JSON gateway under /v3/kv/, /metrics, /health
  2380  other members, if --listen-peer-urls or --initial-cluster is given

Every optimisation is a value of an axis and has a flag; "metastore variants"
lists them. --variant picks a value for all axes, and a flag for an axis
overrides it: --variant=baseline --propose=batch is the plan's baseline with
batched proposals.`

const examples = `  metastore
  metastore --variant=baseline --data-dir=/var/tmp/base
  metastore --engine=pebble --wal=perready --disk=plan
  etcdctl --endpoints=127.0.0.1:2379 put greeting hello
  curl -s http://127.0.0.1:9121/metrics
  metastore --name=a --initial-cluster=a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380 \
    --initial-advertise-peer-urls=http://10.0.0.1:2380 --listen-peer-urls=http://10.0.0.1:2380`

func newCommand(stdout, stderr io.Writer) *cobra.Command {
	c := &config{axes: make(map[string]*string)}
	cmd := &cobra.Command{
		Use: "metastore", Short: "Run an etcd-compatible Raft key-value store", Long: longHelp, Example: examples,
		SilenceUsage: true, SilenceErrors: true, Version: version,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return suggest.UnknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.peerPort = cmd.Flags().Changed("listen-peer-urls") || cmd.Flags().Changed("initial-cluster")
			s, err := c.selection(cmd.Flags())
			if err != nil {
				return err
			}
			return serve(cmd.Context(), c, s, stdout, stderr)
		},
	}
	cmd.SetFlagErrorFunc(suggest.FlagError)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	c.register(cmd.Flags())
	cmd.AddCommand(variantsCommand(), benchCodecCommand())
	return cmd
}

func (c *config) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&c.name, "name", "default", "name of this member")
	f.StringVar(&c.dataDir, "data-dir", "metastore-data", "data directory")
	f.StringSliceVar(&c.clientURLs, "listen-client-urls", []string{"http://127.0.0.1:2379"}, "URLs to serve etcd's gRPC API on; https needs --cert-file")
	f.StringSliceVar(&c.advertiseClientURLs, "advertise-client-urls", nil, "URLs that clients are told; default: --listen-client-urls")
	f.StringSliceVar(&c.httpURLs, "listen-client-http-urls", []string{"http://127.0.0.1:9121"}, "URLs to serve the JSON gateway, /metrics and /health on")
	f.StringSliceVar(&c.peerURLs, "listen-peer-urls", []string{"http://127.0.0.1:2380"}, "URLs for the other members, over TCP, or TLS with https and --peer-cert-file; opened if this flag or --initial-cluster is given")
	f.StringSliceVar(&c.advertisePeerURLs, "initial-advertise-peer-urls", []string{"http://127.0.0.1:2380"}, "peer URL at which the other members reach this one; part of its identity")
	f.StringVar(&c.initialCluster, "initial-cluster", "", `members as name=peer-url, comma separated; default: this member alone`)
	f.StringVar(&c.clusterState, "initial-cluster-state", "new", `"new", or "existing" to join a cluster that has been told of this member (etcdctl member add)`)
	f.StringVar(&c.clusterToken, "initial-cluster-token", "metastore-cluster", "token that is part of the cluster's identity")
	f.Uint64Var(&c.snapshotCount, "snapshot-count", 100_000, "log entries between two snapshots")
	f.Uint64Var(&c.catchUpEntries, "snapshot-catchup-entries", 5000, "log entries kept in memory below a snapshot, for members that are a little behind")
	f.Int64Var(&c.snapshotBytes, "snapshot-bytes", 64<<20, "bytes of log between two snapshots")
	f.UintVar(&c.maxTxnOps, "max-txn-ops", api.DefaultMaxTxnOps, "operations in one transaction")
	f.UintVar(&c.maxRequestBytes, "max-request-bytes", api.DefaultMaxRequestBytes, "bytes in one request")
	f.Uint32Var(&c.maxConcurrentStreams, "max-concurrent-streams", 0, "open requests per client connection; 0 leaves it to --rpc")
	f.UintVar(&c.maxPipelines, "max-pipelines", api.DefaultMaxPipelines, "streams of operations (api=stream) that may be open at once; one connection may have a quarter of them")
	f.DurationVar(&c.linkDelay, "link-delay", 0, fmt.Sprintf("one-way delay added to messages to other members, up to %v: shows on one machine what distance costs", transport.MaxDelay))
	f.UintVar(&c.heartbeatMS, "heartbeat-interval", 100, "heartbeat interval in milliseconds")
	f.UintVar(&c.electionMS, "election-timeout", 1000, "election timeout in milliseconds")
	f.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
	f.IntVar(&c.stageSample, "stage-sample", 0, fmt.Sprintf("trace the stages of one write in so many, up to %d, for metastore_stage_seconds; 0 traces none", trace.MaxEvery))
	f.StringVar(&c.debugAddr, "debug-addr", "", "host:port for net/http/pprof; empty opens none")
	registerTLS(f, &c.client, "", "client")
	registerTLS(f, &c.peer, "peer-", "peer")
	f.StringVar(&c.variant, "variant", variants.VariantBest, "values for all axes: best or baseline")
	for _, a := range variants.Axes() {
		var names []string
		for _, v := range a.Values {
			name := v.Name
			if v.Unsafe {
				name += " (UNSAFE: acknowledged writes can be lost)"
			}
			if v.Stale {
				name += " (NOT LINEARIZABLE in a cluster of more than one)"
			}
			names = append(names, name)
		}
		c.axes[a.Name] = f.String(a.Name, "", fmt.Sprintf("%s: %s (default %s)", a.Seam, strings.Join(names, ", "), a.Best))
	}
	f.DurationVar(&c.walLinger, "wal-linger", 0, fmt.Sprintf("with --wal=group or async: how long a sync waits for more entries, up to %v; 0 for not at all", node.MaxSyncLinger))
	f.Uint64Var(&c.seed, "seed", 1, "seed of the --disk profile's delays")
}

func registerTLS(f *pflag.FlagSet, t *api.TLSFiles, prefix, what string) {
	f.StringVar(&t.CertFile, prefix+"cert-file", "", what+" TLS certificate, PEM")
	f.StringVar(&t.KeyFile, prefix+"key-file", "", what+" TLS key, PEM")
	f.StringVar(&t.TrustedCAFile, prefix+"trusted-ca-file", "", what+" TLS authorities, PEM")
	f.BoolVar(&t.ClientCertAuth, prefix+"client-cert-auth", false, "demand a "+what+" certificate")
}

// selection combines --variant with the axes' own flags.
func (c *config) selection(f *pflag.FlagSet) (variants.Selection, error) {
	s, err := variants.Named(c.variant)
	if err != nil {
		return nil, err
	}
	for name, value := range c.axes {
		if f.Changed(name) {
			s[name] = *value
		}
	}
	return s, s.Validate()
}

func milliseconds(n uint) time.Duration { return time.Duration(n) * time.Millisecond }
