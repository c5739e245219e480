package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// Store is what the services need of a node. All methods may be called from
// any number of goroutines.
type Store interface {
	// Propose carries cmd through the log and returns what it did once it is
	// committed by a majority, synced and applied. It takes ownership of cmd and
	// of every slice in it.
	//
	// A Result with Err set and a returned error are answered alike; the
	// returned error is one of package kv's sentinels or the context's error, and
	// kv.Unknown tells whether the command may still take effect.
	Propose(ctx context.Context, cmd *kv.Command) (kv.Result, error)
	// ProposeBatch carries all commands, one or more, through the log in one
	// entry: all of them happen, in order, or none does. There is one result for
	// each, and Propose's rules hold: each result may have an Err of its own, and
	// the returned error means the whole batch. A batch given up before it was
	// proposed is kv.ErrNotProposed.
	ProposeBatch(ctx context.Context, cmds []*kv.Command) ([]kv.Result, error)
	// ProposeEach carries each command through the log by itself, in order, and
	// returns when they are on their way; sink is given the outcome of each.
	// Commands of one call, and of calls one after another, are committed in their
	// order as far as they are. The submissions, and all that they hold, may be
	// reused after the call. Errors are those of Propose. A sink that is a
	// trace.Carrier is asked for the spans of its commands.
	ProposeEach(submissions []kv.Submission, sink kv.Sink)
	// Read runs fn on a view of the store: one that holds every command
	// acknowledged before the call, or, if serializable, the local state as it
	// is. fn must be short, for a view may hold up commits; the pairs that it
	// reads stay valid after it. An error of fn is returned as it is.
	Read(ctx context.Context, serializable bool, fn func(engine.Reader) error) error
	// Status describes the member. It is called for each reply (for the
	// header), so it must do no more than read a few cached numbers.
	Status() Status
}

// WireStore is a Store that may take writes as they were received.
type WireStore interface {
	Store
	// TakesWire reports whether it does: without it, neither of the methods below
	// may be called, and no Submission may have a Wire. It never changes.
	TakesWire() bool
	// ProposeWire is Propose for a request of one command.
	ProposeWire(ctx context.Context, w kv.Wire) (kv.Result, error)
	// ProposeWireBatch is ProposeBatch for a request of many commands.
	ProposeWireBatch(ctx context.Context, w kv.Wire) ([]kv.Result, error)
}

// Status is a member's account of itself at one moment.
type Status struct {
	ClusterID uint64
	MemberID  uint64
	// RaftTerm and RaftIndex are the current term and the committed index.
	RaftTerm  uint64
	RaftIndex uint64
	// AppliedIndex is the last log entry applied to the engine.
	AppliedIndex uint64
	// Leader is the leader's member id, 0 if the member knows of none.
	Leader uint64
	// Version is the program's version, "MAJOR.MINOR.PATCH".
	Version string
	// DBSizeBytes is the space that the engine's data take. It may be a figure
	// that is some seconds old.
	DBSizeBytes int64
	// Revision is the store's revision.
	Revision int64
	// Learner says that the member has no vote.
	Learner bool
}

// Observer is told of every request to the KV service and to the store's own
// when it ends, over gRPC or HTTP. Its methods are called concurrently and must
// not block.
type Observer interface {
	// OpDone reports one request: op is one of the Op constants, err what the
	// client was answered (nil for success, else a gRPC status error), d the time
	// in the service, from the decoded request to the reply, without the network.
	OpDone(op string, err error, d time.Duration)
	// BatchDone reports one batch, which took d: how many of its operations were
	// carried out, and how many failed by the code that they were answered with
	// (nil if none). op is one of the OpBatch constants.
	BatchDone(op string, ok int, failed map[codes.Code]int, d time.Duration)
}

// Operation names given to Observer.OpDone.
const (
	OpPut     = "put"
	OpGet     = "get"   // a Range of one key
	OpRange   = "range" // any other Range
	OpDelete  = "delete"
	OpTxn     = "txn"
	OpCompact = "compact"
)

// Operation names given to Observer.BatchDone.
const (
	OpBatchPut    = "batch_put"
	OpBatchGet    = "batch_get"
	OpBatchDelete = "batch_delete"
)

// Operation names given to Observer.BatchDone for the operations of a stream that
// were answered in one message, each kind by itself. Their time is that of the one
// that was received first.
const (
	OpStreamPut    = "stream_put"
	OpStreamGet    = "stream_get"
	OpStreamDelete = "stream_delete"
	OpStreamRange  = "stream_range"
	// OpStreamUnknown is what has no kind, or more than one.
	OpStreamUnknown = "stream_unknown"
)

// Operations lists all operation names.
func Operations() []string {
	return []string{
		OpPut, OpGet, OpRange, OpDelete, OpTxn, OpCompact, OpBatchPut, OpBatchGet, OpBatchDelete,
		OpStreamPut, OpStreamGet, OpStreamDelete, OpStreamRange, OpStreamUnknown,
	}
}

// MaxBatchReplyBytes bounds the keys and values in the answer to a BatchGet: a few
// bytes of request can ask for any number of large values. What does not fit is
// answered with ResourceExhausted, key by key.
const MaxBatchReplyBytes = 64 << 20

// etcd's defaults, embed/config.go of etcd v3.7.
const (
	// DefaultMaxTxnOps is etcd's --max-txn-ops.
	DefaultMaxTxnOps = 128
	// DefaultMaxRequestBytes is etcd's --max-request-bytes, 1.5 MiB.
	DefaultMaxRequestBytes = 3 << 19
)

// overheadBytes is what a message may exceed MaxRequestBytes by before gRPC
// itself refuses to read it; etcd's grpcOverheadBytes.
const overheadBytes = 512 << 10

// Limits bound what one client may ask for. The zero value means the defaults.
type Limits struct {
	// MaxTxnOps bounds the compares, and the operations of either branch, of a
	// transaction with all its nested ones; 0 means DefaultMaxTxnOps.
	MaxTxnOps uint
	// MaxRequestBytes bounds an encoded request; 0 means
	// DefaultMaxRequestBytes. At most 1 GiB.
	MaxRequestBytes uint
	// MaxConcurrentStreams bounds the open requests of one connection; 0 leaves
	// it to the gRPC options given to NewServer (gRPC's default: no bound).
	MaxConcurrentStreams uint32
	// MaxPipelines bounds the streams of operations that are open, of all
	// connections together; one connection may have a quarter of them. 0 means
	// DefaultMaxPipelines.
	MaxPipelines uint
}

// DefaultMaxPipelines is the default of Limits.MaxPipelines. A stream may hold
// some 10 MiB when its client does its worst.
const DefaultMaxPipelines = 1024

// ErrLimits says that Limits hold a value that is out of range.
var ErrLimits = errors.New("api: invalid limit")

// EnsureDefaults returns l with zero fields replaced by the defaults.
func (l Limits) EnsureDefaults() Limits {
	if l.MaxTxnOps == 0 {
		l.MaxTxnOps = DefaultMaxTxnOps
	}
	if l.MaxRequestBytes == 0 {
		l.MaxRequestBytes = DefaultMaxRequestBytes
	}
	if l.MaxPipelines == 0 {
		l.MaxPipelines = DefaultMaxPipelines
	}
	return l
}

// Validate returns every violation, joined, each wrapping ErrLimits; nil if
// there is none. Call it after EnsureDefaults.
func (l Limits) Validate() error {
	var errs []error
	if l.MaxTxnOps == 0 || l.MaxTxnOps > math.MaxInt32 {
		errs = append(errs, fmt.Errorf("%w: max-txn-ops %d, want 1 to %d", ErrLimits, l.MaxTxnOps, math.MaxInt32))
	}
	if l.MaxRequestBytes == 0 || l.MaxRequestBytes > 1<<30 {
		errs = append(errs, fmt.Errorf("%w: max-request-bytes %d, want 1 to %d", ErrLimits, l.MaxRequestBytes, 1<<30))
	}
	if l.MaxPipelines == 0 || l.MaxPipelines > math.MaxInt32 {
		errs = append(errs, fmt.Errorf("%w: max-pipelines %d, want 1 to %d", ErrLimits, l.MaxPipelines, math.MaxInt32))
	}
	return errors.Join(errs...)
}

// maxMessageBytes is the largest message that gRPC may read.
func (l Limits) maxMessageBytes() int { return int(l.MaxRequestBytes) + overheadBytes }
