package raftnode

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/wal"
)

// newLease returns the lease of a leader in term 2 with ticks of 100 ms, ten to an
// election timeout: it is granted for eight of them, less a tenth.
func newLease(reads ReadPolicy) *lease {
	l := new(lease)
	rec := &wal.Recovered{HardState: wal.HardState{Term: 1}}
	l.init(&Config{Reads: reads, TickInterval: 100 * time.Millisecond, ElectionTicks: 10, Recovered: rec}, 5)
	l.note(&raft.Ready{HardState: hardState(2, 5), SoftState: &raft.SoftState{RaftState: raft.StateLeader}})
	return l
}

const leaseLength = 720 * time.Millisecond

func hardState(term, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: &term, Vote: new(uint64), Commit: &commit}
}

func yes() bool { return true }
func no() bool  { return false }

func covered(l *lease) bool {
	_, _, ok := l.read()
	return ok
}

// TestLeaseEnds: a lease runs from when the confirmation was asked for, is renewed
// when it is half over, and ends by the clock alone.
func TestLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(ReadLease)
		require.False(t, covered(l), "before any confirmation")
		s := l.stamp(true)
		time.Sleep(100 * time.Millisecond) // until a majority has answered
		l.grant(s, no)
		index, renew, ok := l.read()
		require.True(t, ok)
		require.False(t, renew)
		require.EqualValues(t, 5, index)
		l.note(&raft.Ready{HardState: hardState(2, 9)})
		time.Sleep(leaseLength/2 - 100*time.Millisecond + 1)
		index, renew, ok = l.read()
		require.True(t, ok)
		require.True(t, renew, "half over")
		require.EqualValues(t, 9, index, "commits show at once")
		time.Sleep(leaseLength/2 - 2)
		require.True(t, covered(l))
		time.Sleep(1)
		require.False(t, covered(l))
		l.grant(s, no)
		require.False(t, covered(l), "an answer that comes late grants nothing")
	})
}

// TestLeaseOfSoleVoter has no end but revocation.
func TestLeaseOfSoleVoter(t *testing.T) {
	l := newLease(ReadLease)
	l.grant(l.stamp(true), yes)
	require.EqualValues(t, math.MaxInt64, l.until.Load())
	_, renew, ok := l.read()
	require.True(t, ok)
	require.False(t, renew)
	l.note(&raft.Ready{SoftState: &raft.SoftState{RaftState: raft.StateFollower}})
	require.False(t, covered(l))
}

// TestLeaseIsRevoked by whatever lets another leader be elected early; what was
// asked for before then grants nothing afterwards.
func TestLeaseIsRevoked(t *testing.T) {
	for name, c := range map[string]struct {
		ready raft.Ready
		again bool // a later confirmation grants a lease
	}{
		"another term":         {raft.Ready{HardState: hardState(3, 5)}, true},
		"leadership":           {raft.Ready{SoftState: &raft.SoftState{RaftState: raft.StateFollower}}, true},
		"membership":           {raft.Ready{CommittedEntries: []*raftpb.Entry{{Type: raftpb.EntryConfChange.Enum()}}}, true},
		"hand-over":            {raft.Ready{Messages: []*raftpb.Message{{Type: raftpb.MsgTimeoutNow.Enum()}}}, false},
		"nothing of the kind":  {raft.Ready{Messages: []*raftpb.Message{{Type: raftpb.MsgApp.Enum()}}, CommittedEntries: []*raftpb.Entry{{}}}, true},
		"only another commit ": {raft.Ready{HardState: hardState(2, 6)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLease(ReadLease)
			l.grant(l.stamp(true), no)
			require.True(t, covered(l))
			asked := l.stamp(true)
			epoch := l.epoch
			l.note(&c.ready)
			revoked := l.epoch != epoch
			require.Equal(t, revoked, !covered(l))
			l.grant(asked, no)
			require.Equal(t, revoked, !covered(l))
			l.grant(l.stamp(true), no)
			require.Equal(t, c.again, covered(l))
		})
	}
}

// TestHandOverEndsWithTheTerm: a later term of the same leader has leases again.
func TestHandOverEndsWithTheTerm(t *testing.T) {
	l := newLease(ReadLease)
	l.note(&raft.Ready{Messages: []*raftpb.Message{{Type: raftpb.MsgTimeoutNow.Enum()}}})
	l.note(&raft.Ready{HardState: hardState(4, 5)})
	l.grant(l.stamp(true), no)
	require.True(t, covered(l))
}

// TestNoLease: a follower has none, and no other policy.
func TestNoLease(t *testing.T) {
	l := newLease(ReadLease)
	l.grant(l.stamp(false), no)
	require.False(t, covered(l))
	for _, reads := range []ReadPolicy{ReadIndex, ReadLocal} {
		l := newLease(reads)
		l.grant(l.stamp(true), yes)
		require.False(t, covered(l))
	}
}

// TestVotesAfterARestart: a member that may have confirmed a leader before it was
// stopped gives no vote for an election timeout, unless that leader hands over.
func TestVotesAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(ReadLease)
		vote := &raftpb.Message{Type: raftpb.MsgVote.Enum()}
		preVote := &raftpb.Message{Type: raftpb.MsgPreVote.Enum()}
		handOver := &raftpb.Message{Type: raftpb.MsgVote.Enum(), Context: []byte("CampaignTransfer")}
		require.True(t, l.refuses(vote))
		require.True(t, l.refuses(preVote))
		require.False(t, l.refuses(handOver))
		require.False(t, l.refuses(&raftpb.Message{Type: raftpb.MsgApp.Enum()}))
		require.False(t, newLease(ReadIndex).refuses(vote))
		time.Sleep(time.Second)
		require.False(t, l.refuses(vote))
		require.False(t, l.refuses(preVote))

		fresh := new(lease)
		fresh.init(&Config{Reads: ReadLease, TickInterval: time.Second, ElectionTicks: 10, Recovered: &wal.Recovered{}}, 1)
		require.False(t, fresh.refuses(vote), "a member that has never run")
	})
}
