package raftnode

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"metastorebench/core/kv"
	"metastorebench/core/member"
	"metastorebench/core/wal"
)

// Node runs the Raft loop.
type Node struct {
	cfg     Config
	rn      *raft.RawNode
	storage *raft.MemoryStorage
	reads   readIndexer
	lease   lease

	changes changes
	flights flights

	inbox       inbox
	unreachable chan uint64
	calls       chan func() // run on the loop
	compact     chan compactRequest
	stop        chan struct{}
	ended       context.Context // ends with Run
	end         context.CancelFunc
	once        sync.Once

	status atomic.Pointer[Status]
	leader chan struct{} // closed when a leader is known for the first time

	// Owned by the loop.
	soft    raft.SoftState
	hard    wal.HardState
	hardNew bool // hard has changed since it was last written
	// readTerm is the last term in which this node has led and committed an entry.
	readTerm uint64
	newTail  []wal.Entry
	// askAgain says that reads which were asked for are to be asked for again.
	askAgain bool
	// members is the membership after the last entry given to the apply stage.
	members member.Set
	// markIndex is that of the newest mark that the log has or is about to get.
	markIndex uint64
	// failure, once set, ends the loop.
	failure error

	// Of a log that is written behind the loop (behind.go).
	appender  *appender        // nil: the loop writes the log itself
	groups    bool             // the policy is a wal.Background
	acksFirst bool             // see wal.Background
	held      []arrival        // appends that wait for the log (pipeline.go)
	committed []appliedRun     // for the apply stage, in order
	pending   []*logWrite      // what the appender is given next
	writing   []*logWrite      // what it has been given; none: it is free
	written   <-chan error     // its outcome; nil without an appender
	owed      int              // writes, pending or under way, that something waits for
	lingered  <-chan time.Time // the end of the linger; nil: there is none now
	due       bool             // pending writes linger no more
}

type compactRequest struct {
	mark wal.SnapshotMark
	keep uint64
	done chan error
}

// New builds a Node from the recovered log. Run starts it.
func New(cfg Config) (*Node, error) {
	storage, commit, err := restoreStorage(cfg.Recovered, cfg.Applied, cfg.Members)
	if err != nil {
		return nil, err
	}
	rn, err := raft.NewRawNode(raftConfig(&cfg, storage))
	if err != nil {
		return nil, fmt.Errorf("raftnode: %w", err)
	}
	n := &Node{
		cfg: cfg, rn: rn, storage: storage,
		inbox:       newInbox(),
		unreachable: make(chan uint64, inboxReports),
		calls:       make(chan func()),
		compact:     make(chan compactRequest),
		stop:        make(chan struct{}),
		leader:      make(chan struct{}),
		hard:        cfg.Recovered.HardState,
		members:     cfg.Members,
		markIndex:   cfg.Recovered.Snapshot.Index,
	}
	n.ended, n.end = context.WithCancel(context.Background())
	n.cfg.Recovered = nil // the storage has the entries, until it is compacted
	n.changes.waiting = make(map[uint64]*change)
	n.hard.Commit = commit
	n.lease.init(&cfg, commit)
	n.reads.init(cfg.Applied, func(s leaseStamp) { n.lease.grant(s, n.soleVoter) })
	n.status.Store(&Status{ID: cfg.ID, Term: n.hard.Term, CommitIndex: commit})
	return n, nil
}

// Run runs the loop until Stop, or until the log fails: then it returns the
// reason. Everything that waits on the node is answered before it returns.
func (n *Node) Run() error {
	defer n.end()
	n.startLog()
	err := n.loop()
	why := kv.ErrStopped
	if err != nil {
		why = fmt.Errorf("%w: %w", kv.ErrStopped, err)
	}
	n.cfg.Proposer.Close(why)
	n.reads.close(why)
	n.changes.close(why)
	if n.appender != nil {
		err = n.stopAppender(err)
	}
	if err == nil && n.hardNew {
		err = n.cfg.Log.Append(&n.hard, nil)
	}
	return errors.Join(err, n.cfg.Log.Close())
}

// startLog starts the appender of a log that is written behind the loop.
func (n *Node) startLog() {
	behind, groups := n.cfg.behind()
	if !behind {
		return
	}
	n.groups = groups
	if groups {
		n.acksFirst = n.cfg.Policy.(wal.Background).AcknowledgesFirst()
	}
	synced := n.cfg.Hooks.Synced
	if n.acksFirst {
		synced = nil // the loop has called it
	}
	n.appender = startAppender(n.cfg.Log, n.cfg.Policy, synced)
	n.written = n.appender.outcomes
}

// Halt makes Run end and does not wait for it.
func (n *Node) Halt() { n.once.Do(func() { close(n.stop) }) }

// Stop ends Run and waits for it. It may be called more than once, but not
// before Run.
func (n *Node) Stop() {
	n.Halt()
	<-n.ended.Done()
}

func (n *Node) loop() error {
	ticker := time.NewTicker(n.cfg.TickInterval)
	defer ticker.Stop()
	if n.soleVoter() {
		if err := n.rn.Campaign(); err != nil {
			return fmt.Errorf("raftnode: campaign: %w", err)
		}
	}
	for n.failure == nil {
		if !n.rn.HasReady() {
			apply, run := n.nextRun()
			select {
			case apply <- run:
				n.handedOn()
			case <-n.cfg.Proposer.Wake():
			case <-n.reads.wake:
			case <-ticker.C:
				n.tick()
			case a := <-n.inbox.queue:
				n.receive(a)
			case id := <-n.unreachable:
				n.rn.ReportUnreachable(id)
			case call := <-n.calls:
				call()
			case c := <-n.compact:
				n.cut(c)
			case outcome := <-n.written:
				if err := n.finishWrites(outcome); err != nil {
					return err
				}
			case <-n.lingered:
				n.due = true
			case <-n.stop:
				return nil
			}
		}
		if more, err := n.poll(ticker.C); !more {
			return err
		}
		if !n.logBusy() {
			n.release()
		}
		n.handOnCommitted()
		if n.mayPropose() {
			n.propose()
		}
		n.requestReads()
		if n.rn.HasReady() {
			if err := n.handleReady(); err != nil {
				return err
			}
		}
		if err := n.handOver(); err != nil {
			return err
		}
	}
	return n.failure
}

// poll takes what waits, without blocking, so that a busy write path starves
// neither the clock nor the peers. It reports false on Stop, and when the
// appender has failed.
func (n *Node) poll(tick <-chan time.Time) (more bool, err error) {
	for range inboxMessages {
		select {
		case <-n.stop:
			return false, nil
		case <-tick:
			n.tick()
		case a := <-n.inbox.queue:
			n.receive(a)
		case id := <-n.unreachable:
			n.rn.ReportUnreachable(id)
		case call := <-n.calls:
			call()
		case c := <-n.compact:
			n.cut(c)
		case outcome := <-n.written:
			if err := n.finishWrites(outcome); err != nil {
				return false, err
			}
		case <-n.lingered:
			n.due = true
		default:
			return true, nil
		}
	}
	return true, nil
}

func (n *Node) soleVoter() bool {
	voters := n.members.Voters()
	return len(voters) == 1 && voters[0] == n.cfg.ID
}

func (n *Node) tick() {
	n.rn.Tick()
	expired := time.Now().Add(-n.cfg.RequestTimeout)
	n.cfg.Proposer.FailBefore(expired, kv.ErrTimeout)
	n.reads.expire(expired)
	if n.reads.tick(n.cfg.ElectionTicks) {
		n.askAgain = true
	}
	n.proposeChanges(false)
}

// step drops messages that Raft refuses: the peer repeats what matters.
func (n *Node) step(m *raftpb.Message) {
	if n.lease.refuses(m) {
		return
	}
	if err := n.checkLog(m); err != nil {
		n.failure = err
		return
	}
	if m.GetType() == raftpb.MsgAppResp {
		n.flights.answered(m)
	}
	if err := n.rn.Step(m); err != nil {
		n.cfg.Logger.Debug("raft refused a message", zap.Stringer("type", m.GetType()), zap.Uint64("from", m.GetFrom()), zap.Error(err))
	}
}

// propose hands all waiting commands to Raft.
func (n *Node) propose() {
	for {
		entry, sequence, ops, ok := n.cfg.Proposer.Next()
		if !ok {
			return
		}
		if err := n.rn.Propose(entry); err != nil {
			n.cfg.Proposer.Fail(sequence, fmt.Errorf("%w (%w)", kv.ErrDropped, err))
			continue
		}
		n.cfg.Hooks.Proposed(ops)
	}
}

// Compact records that a snapshot holds everything up to mark.Index and drops
// the log below it, but for the last keep entries, which followers may still
// need. It waits for the loop. The error is ErrOldMark, and nothing is dropped, if
// the log begins behind a newer snapshot, or is about to: the older one stays what
// a start needs until the newer one's mark is written.
func (n *Node) Compact(ctx context.Context, mark wal.SnapshotMark, keep uint64) error {
	c := compactRequest{mark: mark, keep: keep, done: make(chan error, 1)}
	select {
	case n.compact <- c:
	case <-ctx.Done():
		return ctx.Err()
	case <-n.ended.Done():
		return kv.ErrStopped
	}
	return <-c.done
}

// Status returns the Raft state after the last Ready.
func (n *Node) Status() Status { return *n.status.Load() }

// LeaderKnown is closed when this node has seen a leader for the first time.
func (n *Node) LeaderKnown() <-chan struct{} { return n.leader }
