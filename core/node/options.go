package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"

	"metastorebench/core/apply"
	"metastorebench/core/codec"
	"metastorebench/core/engine"
	"metastorebench/core/member"
	"metastorebench/core/metrics"
	"metastorebench/core/propose"
	"metastorebench/core/raftnode"
	"metastorebench/core/trace"
	"metastorebench/core/transport"
	"metastorebench/core/wal"
)

// Options are what a node is made of. Fields without a stated default are
// required.
type Options struct {
	// DataDir is the data directory, created when missing.
	DataDir string
	// FS holds the data directory. Default: the operating system's.
	FS vfs.FS
	// LogFS holds the Raft log: FS, or a wrapper with another device's sync
	// latency. Default: FS.
	LogFS vfs.FS

	// ClusterToken and Members (name to peer URL) identify the cluster; Name is
	// this member. They may not change once the directory exists. With Join, they
	// only say whom to ask: see Join.
	ClusterToken string
	Members      map[string]string
	Name         string
	// Join says that the cluster exists and has been told of this member
	// (MemberAdd): a new data directory gets its identity from the members that
	// are reached, and everything else in a snapshot. It does not matter to a
	// directory that exists.
	Join bool
	// ClientURLs are those that this member advertises in member lists.
	ClientURLs []string

	// PeerListeners take connections from the other members. They belong to the
	// node from now on, also if Start fails. A member without any reaches others
	// and is not reached: only a cluster of one can do without.
	PeerListeners []net.Listener
	// PeerServerTLS and PeerClientTLS are nil for plain TCP; see transport.Config.
	PeerServerTLS, PeerClientTLS *tls.Config
	// LinkDelay delays messages to peers, from 0 to transport.MaxDelay.
	LinkDelay time.Duration

	// HeartbeatInterval is also the length of a Raft tick. Default 100 ms.
	HeartbeatInterval time.Duration
	// ElectionTimeout is at least 5 heartbeats. Default 1 s.
	ElectionTimeout time.Duration
	// RequestTimeout bounds the wait for a command's or a read's outcome.
	// Default 7 s, etcd's for the default election timeout.
	RequestTimeout time.Duration

	// SnapshotCount and SnapshotBytes bound the log between two snapshots, in
	// entries and bytes. Defaults 100,000 and 64 MiB.
	SnapshotCount uint64
	SnapshotBytes int64
	// CatchUpEntries is how many entries below a snapshot stay in memory for
	// members that are a little behind; others get a snapshot. Default 5,000,
	// etcd's.
	CatchUpEntries uint64
	// SegmentBytes is the size of a log file. Default: wal.DefaultSegmentBytes.
	SegmentBytes int64

	// Limits bound the propose queue; zero fields get defaults.
	Limits propose.Limits

	// The axes.
	Codec   codec.Codec
	Codecs  []codec.Codec // every codec a log may hold; must include Codec
	Propose propose.Policy
	Apply   apply.Policy
	Sync    wal.Policy
	// Pipeline says how far replication runs ahead. Default: one append in flight.
	Pipeline raftnode.Pipeline
	// Pool makes the stages use their objects again; package recycle has the rules.
	Pool bool
	// Reads says how reads that ask to be linearizable are served. Default:
	// raftnode.ReadIndex.
	Reads raftnode.ReadPolicy
	// SyncLinger is how long a sync of a Sync that is a wal.Background waits for
	// more entries, from 0 (the default: not at all) to MaxSyncLinger.
	SyncLinger time.Duration
	EngineName string
	// OpenEngine opens the engine in dir of FS. dir is not used by an engine
	// that is not persistent.
	OpenEngine func(dir string) (engine.Engine, error)

	Metrics *metrics.Metrics
	// Tracer traces the stages of writes whose context carries a span. It must
	// be the one that the services start spans with. Default: nil, none.
	Tracer *trace.Tracer
	Logger *zap.Logger
	// Version is the program's version.
	Version string
}

// MaxSyncLinger bounds Options.SyncLinger.
const MaxSyncLinger = 100 * time.Millisecond

// EnsureDefaults fills zero fields.
func (o *Options) EnsureDefaults() {
	setDefault(&o.FS, vfs.Default)
	setDefault(&o.LogFS, o.FS)
	setDefault(&o.HeartbeatInterval, 100*time.Millisecond)
	setDefault(&o.ElectionTimeout, time.Second)
	setDefault(&o.RequestTimeout, 7*time.Second)
	setDefault(&o.SnapshotCount, 100_000)
	setDefault(&o.SnapshotBytes, 64<<20)
	setDefault(&o.CatchUpEntries, 5000)
	setDefault(&o.SegmentBytes, wal.DefaultSegmentBytes)
	setDefault(&o.Limits.MaxRequestBytes, 2<<20)
	setDefault(&o.Limits.MaxPendingOps, 256<<10)
	setDefault(&o.Limits.MaxPendingBytes, 256<<20)
	setDefault(&o.Limits.MaxEntryOps, 4096)
	setDefault(&o.Limits.MaxEntryBytes, 1<<20)
	setDefault(&o.Logger, zap.NewNop())
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports all violations at once. Call it after EnsureDefaults.
func (o *Options) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("node: "+format, args...))
		}
	}
	check(o.DataDir != "", "the data directory is empty, want a path")
	check(o.Name != "", "the member's name is empty")
	_, named := o.Members[o.Name]
	check(named, "member %q is not in the initial cluster", o.Name)
	for name, url := range o.Members {
		if err := member.CheckPeerURLs([]string{url}); err != nil && (len(o.Members) > 1 || o.Join) {
			errs = append(errs, fmt.Errorf("node: member %q: %w", name, err))
		}
	}
	check(len(o.Members) == len(o.initialSet().Members), "two members of the initial cluster have the same peer URL")
	check(!o.Join || len(o.Members) > 1, "to join a cluster, the initial cluster must name its members beside %q", o.Name)
	check(len(o.Members) <= 1 || len(o.PeerListeners) > 0, "a cluster of %d needs a peer port", len(o.Members))
	check(o.LinkDelay >= 0 && o.LinkDelay <= transport.MaxDelay, "the link delay is %v, accepted: 0 to %v", o.LinkDelay, transport.MaxDelay)
	check(o.HeartbeatInterval > 0, "the heartbeat interval is %v, want more than 0", o.HeartbeatInterval)
	check(o.ElectionTimeout >= 5*o.HeartbeatInterval, "the election timeout is %v, want at least 5 heartbeat intervals (%v)", o.ElectionTimeout, 5*o.HeartbeatInterval)
	check(o.RequestTimeout > 0, "the request timeout is %v, want more than 0", o.RequestTimeout)
	check(o.SnapshotBytes > 0, "snapshot bytes are %d, want more than 0", o.SnapshotBytes)
	check(o.Codec != nil && o.Propose != nil && o.Apply != nil && o.Sync != nil && o.OpenEngine != nil, "an axis has no value")
	_, background := o.Sync.(wal.Background)
	check(o.SyncLinger >= 0 && o.SyncLinger <= MaxSyncLinger, "the sync lingers for %v, accepted: 0 to %v", o.SyncLinger, MaxSyncLinger)
	check(o.SyncLinger == 0 || background, "the sync lingers for %v, but the log is not written in the background (--wal=group, --wal=async); accepted: 0", o.SyncLinger)
	check(o.Reads <= raftnode.ReadLocal, "the read policy is %d, want %d to %d", o.Reads, raftnode.ReadIndex, raftnode.ReadLocal)
	check(slices.Contains(o.Codecs, o.Codec), "the codec is not among those the log may hold")
	check(o.Metrics != nil, "there are no metrics")
	l := o.Limits
	check(l.MaxRequestBytes > 0 && l.MaxPendingOps > 0 && l.MaxPendingBytes > 0 && l.MaxEntryOps > 0 && l.MaxEntryBytes > 0,
		"a limit is not positive: %+v", l)
	return errors.Join(errs...)
}

// initialSet is the membership with which a new cluster begins. The ids are
// etcd's for the same members and token.
func (o *Options) initialSet() member.Set {
	byURL := make(map[string]member.Member)
	for name, url := range o.Members {
		byURL[url] = member.Member{ID: member.InitialID(url, o.ClusterToken), Name: name, PeerURLs: []string{url}}
	}
	return member.NewSet(slices.Collect(maps.Values(byURL))...)
}

// identity is that of this member in the initial set.
func (o *Options) identity() wal.Identity {
	return wal.Identity{
		ClusterID: member.ClusterID(o.initialSet().Voters()),
		NodeID:    member.InitialID(o.Members[o.Name], o.ClusterToken),
	}
}
