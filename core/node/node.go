package node

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"metastorebench/core/api"
	"metastorebench/core/apply"
	"metastorebench/core/codec"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/metrics"
	"metastorebench/core/propose"
	"metastorebench/core/raftnode"
	"metastorebench/core/trace"
	"metastorebench/core/transport"
	"metastorebench/core/wal"
)

// commitRuns bounds the runs of committed entries that wait for the apply
// stage; the commands in them are bounded by propose.Limits.
const commitRuns = 64

// uncommittedShare is how many times what one member lets wait a leader lets be
// without a majority: the others forward what waits with them.
const uncommittedShare = 4

// Node is one running replica. Its methods are safe for concurrent use.
type Node struct {
	opts     Options
	id       wal.Identity
	lock     io.Closer
	engine   engine.Engine
	proposer *propose.Proposer
	raft     *raftnode.Node
	applier  *apply.Applier
	snap     snapshotter
	size     dirSize
	peers    *transport.Transport
	senders  snapshotSenders
	// receiving admits one snapshot of the leader's at a time.
	receiving sync.Mutex
	// announced is when the last one that has arrived was announced.
	announced atomic.Pointer[time.Time]
	// origin is the Proposer's: that of this start's commands.
	origin uint64
	// instance is that of the data directory.
	instance uint64
	// known is the newest membership that this node knows.
	known atomic.Pointer[member.Set]
	// background ends with Stop: work that is no stage.
	background       sync.WaitGroup
	ctx              context.Context
	cancelBackground context.CancelFunc

	commit  chan []wal.Entry
	stages  sync.WaitGroup
	stopped sync.Once

	// lastCommit is when the last engine batch was committed, 0 without a
	// trace; it belongs to the apply goroutine.
	lastCommit trace.Time

	revision atomic.Int64
	applied  atomic.Uint64

	failOnce sync.Once
	failed   chan struct{}
	cause    error // set before failed is closed
}

var _ api.WireStore = (*Node)(nil)

// Start opens the data directory, recovers and runs the node. It returns when
// the node has a leader, or with the reason why it cannot serve; then nothing
// is left running.
func Start(ctx context.Context, opts Options) (*Node, error) {
	opts.EnsureDefaults()
	if err := opts.Validate(); err != nil {
		return nil, errors.Join(err, closeAll(opts.PeerListeners))
	}
	n := &Node{opts: opts, commit: make(chan []wal.Entry, commitRuns), failed: make(chan struct{})}
	n.ctx, n.cancelBackground = context.WithCancel(context.Background())
	recovered, err := n.open(ctx)
	if err != nil {
		return nil, errors.Join(err, closeAll(opts.PeerListeners))
	}
	if err := n.build(recovered); err != nil {
		return nil, errors.Join(err, recovered.log.Close(), n.engine.Close(), n.lock.Close(), closeAll(opts.PeerListeners))
	}
	n.run()
	select {
	case <-n.raft.LeaderKnown():
		if err := n.catchUp(ctx); err != nil {
			return nil, errors.Join(err, n.Stop())
		}
		return n, nil
	case <-n.failed:
		return nil, errors.Join(n.cause, n.Stop())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("node: no leader yet: %w", ctx.Err()), n.Stop())
	}
}

// catchUp makes sure that the first local read of a cluster of one finds what had
// been acknowledged before the start: the engine may still be behind the log. How
// many the members are, the membership says; the options only say how it began.
func (n *Node) catchUp(ctx context.Context) error {
	if n.opts.Reads != raftnode.ReadLocal || len(n.known.Load().Members) > 1 {
		return nil
	}
	if err := n.raft.LinearizableRead(ctx); err != nil {
		return fmt.Errorf("node: apply the log: %w", err)
	}
	return nil
}

// build makes the stages from what was recovered.
func (n *Node) build(r recovered) error {
	o := &n.opts
	var origin [8]byte
	if _, err := crand.Read(origin[:]); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	n.origin = binary.LittleEndian.Uint64(origin[:])
	n.proposer = propose.New(o.Codec, o.Propose, o.Limits, n.origin, o.Tracer, n.proposerOptions()...)
	n.applier = apply.NewApplier(apply.Config{
		Engine:    n.engine,
		Decoder:   codec.NewDecoder(o.Codecs...),
		Policy:    o.Apply,
		Resolve:   n.resolve,
		OnCommit:  n.onCommit,
		Recovered: r.rec.Snapshot.Index + uint64(len(r.rec.Entries)),
		Recycle:   o.Pool,
		OnDecode:  func(copied int) { o.Metrics.Copied(metrics.CopyDecode, copied) },
	})
	n.revision.Store(r.state.Revision)
	n.applied.Store(r.state.AppliedIndex)
	n.snap.init(n, r)
	n.senders.init(n)
	n.peers = transport.New(transport.Config{
		Handler: peerHandler{n}, ServerTLS: o.PeerServerTLS, ClientTLS: o.PeerClientTLS,
		Delay: o.LinkDelay, MaxMessageBytes: max(transport.DefaultMaxMessageBytes, 4*o.Limits.MaxRequestBytes),
		Logger: o.Logger,
	})
	var err error
	n.raft, err = raftnode.New(raftnode.Config{
		ID:               n.id.NodeID,
		TickInterval:     o.HeartbeatInterval,
		HeartbeatTicks:   1,
		ElectionTicks:    int(o.ElectionTimeout / o.HeartbeatInterval),
		RequestTimeout:   o.RequestTimeout,
		Log:              r.log,
		Recovered:        r.rec,
		Policy:           o.Sync,
		Linger:           o.SyncLinger,
		Pipeline:         o.Pipeline,
		Reads:            o.Reads,
		Applied:          r.state.AppliedIndex,
		Members:          r.members,
		UncommittedBytes: uncommittedShare * uint64(o.Limits.MaxPendingBytes),
		Proposer:         n.proposer,
		Commit:           n.commit,
		Send:             n.peers.Send,
		SendSnapshot:     n.senders.begin,
		Logger:           o.Logger,
		Hooks:            n.hooks(),
	})
	return err
}

func (n *Node) run() {
	n.size.start(n)
	n.reach(*n.known.Load())
	for _, l := range n.opts.PeerListeners {
		n.background.Go(func() {
			if err := n.peers.Serve(l); err != nil {
				n.fail(fmt.Errorf("node: peer port: %w", err))
			}
		})
	}
	if len(n.opts.PeerListeners) > 0 {
		n.background.Go(n.publish)
	}
	n.stages.Add(2)
	go func() {
		defer n.stages.Done()
		defer close(n.commit)
		if err := n.raft.Run(); err != nil {
			n.fail(err)
		}
	}()
	go func() {
		defer n.stages.Done()
		n.applyLoop()
	}()
}

// fail records the first cause and ends the Raft loop, without waiting.
func (n *Node) fail(err error) {
	n.failOnce.Do(func() {
		n.cause = err
		n.opts.Logger.Error("the node stops", zap.Error(err))
		close(n.failed)
		n.raft.Halt()
	})
}

// Failed is closed when the node has stopped by itself; Err then says why.
func (n *Node) Failed() <-chan struct{} { return n.failed }

// Err returns why the node stopped by itself, or nil if it has not.
func (n *Node) Err() error {
	select {
	case <-n.failed:
		return n.cause
	default:
		return nil
	}
}

// Stop ends all stages, flushes a persistent engine and releases the data
// directory. Commands in flight are answered with kv.ErrStopped. It may be
// called more than once; later calls return nil.
func (n *Node) Stop() error {
	var err error
	n.stopped.Do(func() {
		n.cancelBackground()
		n.handOverLeadership()
		n.raft.Stop()
		n.peers.Close(n.Err())
		n.stages.Wait()
		n.background.Wait()
		n.snap.wait()
		n.size.stop()
		if n.Err() == nil && n.engine.Persistent() {
			err = n.engine.Flush() // a short replay at the next start
		}
		err = errors.Join(err, n.engine.Close(), n.lock.Close())
	})
	return err
}

// Read implements api.Store.
func (n *Node) Read(ctx context.Context, serializable bool, fn func(engine.Reader) error) error {
	if !serializable && n.opts.Reads != raftnode.ReadLocal {
		if err := n.raft.LinearizableRead(ctx); err != nil {
			return err
		}
	} else if err := errors.Join(n.Err(), n.raft.Stopped()); err != nil {
		return fmt.Errorf("%w: %w", kv.ErrStopped, err)
	}
	v := n.engine.View()
	defer v.Close()
	return fn(v)
}

// Status implements api.Store.
func (n *Node) Status() api.Status {
	s := n.raft.Status()
	return api.Status{
		ClusterID:    n.id.ClusterID,
		MemberID:     n.id.NodeID,
		RaftTerm:     s.Term,
		RaftIndex:    s.CommitIndex,
		AppliedIndex: n.applied.Load(),
		Leader:       s.Leader,
		Version:      n.opts.Version,
		DBSizeBytes:  n.size.bytes.Load(),
		Revision:     n.revision.Load(),
		Learner:      n.isLearner(),
	}
}
