package raftnode

import (
	"errors"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"metastorebench/core/member"
	"metastorebench/core/propose"
	"metastorebench/core/wal"
)

// Config is what a Node is made of.
type Config struct {
	// ID is this member's Raft id, not 0.
	ID uint64
	// TickInterval is the length of a tick; HeartbeatTicks and ElectionTicks
	// count them.
	TickInterval   time.Duration
	HeartbeatTicks int
	ElectionTicks  int
	// RequestTimeout bounds the wait for a proposal's or a read's outcome.
	RequestTimeout time.Duration

	// Log and Recovered come from wal.Open. The Node owns the Log from now on.
	Log       *wal.Log
	Recovered *wal.Recovered
	// Policy decides when the log is synced. A wal.Background makes the loop hand
	// its writes to a goroutine of their own.
	Policy wal.Policy
	// Linger is how long a wal.Background's sync waits for more entries. Default
	// 0: not at all.
	Linger time.Duration
	// Pipeline says how far replication runs ahead of acknowledgements.
	Pipeline Pipeline
	// Reads says how LinearizableRead is answered. Default: ReadIndex.
	Reads ReadPolicy
	// Applied is the engine's applied index, Members the membership at it: the
	// zero Set for a member that waits for its first snapshot.
	Applied uint64
	Members member.Set

	// UncommittedBytes bounds the entries of a leader that no majority has yet: its
	// own and those that others forward. More are refused, so that members that
	// answer heartbeats but do not write cannot fill the leader's memory, although
	// the callers of what waits have long given up. Default 0: no bound.
	UncommittedBytes uint64

	Proposer *propose.Proposer
	// Commit takes runs of committed entries, in order, without gaps. It is
	// bounded: a full channel stops a loop that writes the log itself until the
	// apply stage catches up, and any other only from handing out more.
	Commit chan<- []wal.Entry
	// Send hands messages to the peers; it must not block. Lost messages are
	// repeated by Raft.
	Send func([]*raftpb.Message)
	// SendSnapshot begins to send the engine's state to m.To, which is too far
	// behind for the log. It must not block; it reports whether it has begun.
	// ReportSnapshot tells what became of it. A node without peers needs none.
	SendSnapshot func(m *raftpb.Message, members member.Set) bool

	Logger *zap.Logger
	Hooks  Hooks
}

// Hooks observe the loop; they are called on its goroutine, Synced also on that of
// a wal.Background, and must be quick.
type Hooks struct {
	// Proposed is told of each proposed entry's number of commands.
	Proposed func(ops int)
	// Ready is told of the number of new entries of each Ready that has any.
	Ready func(entries int)
	// Appended, if not nil, is told of each message with entries that this leader
	// sends to a follower: their number, and how many such messages the follower
	// has yet to answer, this one included.
	Appended func(entries, inFlight int)
	// Synced, if not nil, is given new entries when the policy has appended and
	// synced them (or takes them for synced), before they can be committed; it
	// must not keep the slice.
	Synced func(entries []wal.Entry)
	// Members, if not nil, is told of each new membership.
	Members func(member.Set)
}

// Status is a snapshot of the node's Raft state.
type Status struct {
	ID, Leader, Term, CommitIndex uint64
}

var (
	// ErrUnsupportedEntry says that a peer or an older log holds an entry of a
	// type that this program does not carry out.
	ErrUnsupportedEntry = errors.New("raftnode: unsupported entry type")
	// ErrLogLost says that the leader counts on entries which this member's log
	// does not have: its data directory is older than what it has acknowledged.
	// The member must not go on, for it may vote against what it has promised.
	ErrLogLost = errors.New("raftnode: the log has lost acknowledged entries")
	// ErrNotLeader answers what only a leader can do.
	ErrNotLeader = errors.New("raftnode: not the leader")
	// ErrOldMark says that a snapshot of the leader's has taken the place of the one
	// behind which the log was to be cut.
	ErrOldMark = errors.New("raftnode: the log begins behind a newer snapshot")
	// ErrLocalMessage says that a peer has sent what a member only says to itself.
	ErrLocalMessage = errors.New("raftnode: a peer sent a local message")
)
