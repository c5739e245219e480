package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// awaitLog waits until the process has written text to its log.
func (p *process) awaitLog(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), text) }, patience, 5*time.Millisecond,
		"the log lacks %q: %s", text, p.stderr)
}

// requireExit waits until the process ends by itself with a reason that matches.
func (p *process) requireExit(t *testing.T, why string) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		require.Error(t, err)
	case <-time.After(patience):
		t.Fatalf("the process goes on: %s", p.stderr)
	}
	require.Regexp(t, why, p.stderr.String())
}

// sentSnapshots counts those that the members have sent.
func (f *fleet) sentSnapshots() (n int) {
	for _, m := range f.members {
		n += strings.Count(m.stderr.String(), "the peer has a snapshot")
	}
	return n
}

// awaitPublished waits until every member has told the others of its start, and
// has a vote.
func (f *fleet) awaitPublished(c *clientv3.Client) {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		list, err := c.MemberList(f.t.Context())
		require.NoError(f.t, err)
		for _, m := range list.Members {
			if m.Name == "" || len(m.ClientURLs) == 0 || m.IsLearner {
				return false
			}
		}
		return len(list.Members) == len(f.members)
	}, patience, 10*time.Millisecond)
}

func ids(t *testing.T, c *clientv3.Client) map[string]uint64 {
	t.Helper()
	list, err := c.MemberList(t.Context())
	require.NoError(t, err)
	byURL := make(map[string]uint64)
	for _, m := range list.Members {
		byURL[m.PeerURLs[0]] = m.ID
	}
	return byURL
}

// TestSnapshotToFollower: a member that was away while the log was cut gets the
// state in a snapshot, goes on from there, and still has it when it is killed.
func TestSnapshotToFollower(t *testing.T) {
	for _, args := range [][]string{{"--wal=perready"}, {"--wal=group"}, {"--engine=pebble"}} {
		t.Run(args[0], func(t *testing.T) {
			f := newFleet(t, 3, append(args, "--snapshot-count=50", "--snapshot-catchup-entries=10", "--propose=perop", "--log-level=info")...)
			l := newLedger()
			ctx, stop := context.WithCancel(t.Context())
			load := l.load(ctx, f.client(), 4)
			l.awaitMore(t, 20)
			away := f.others(f.leader())[0]
			away.kill()
			l.awaitMore(t, 500)
			f.restart(away)
			away.awaitLog(t, "took over a snapshot")
			l.require(t, f.client(away))
			for range 3 { // the next ones come when it has the file, and may not have taken it over
				away.kill()
				l.awaitMore(t, 200)
				before := f.sentSnapshots()
				f.launch(away, "new")
				require.Eventually(t, func() bool { return f.sentSnapshots() > before }, patience, time.Millisecond)
			}
			away.kill()
			f.restart(away)
			l.awaitMore(t, 100)
			stop()
			load.Wait()
			l.require(t, f.client(away))
		})
	}
}

// TestMembers adds a learner to a running cluster, promotes it, makes it the
// leader, and removes another member for ever, all through etcd's client and under
// load.
func TestMembers(t *testing.T) {
	f := newFleet(t, 3, "--log-level=info", "--snapshot-count=100")
	c := f.client()
	l := newLedger()
	ctx, stop := context.WithCancel(t.Context())
	load := l.load(ctx, c, 4)
	l.awaitMore(t, 300)

	added := &fleetMember{name: "m3", dir: t.TempDir(), peerURL: freeURL(t)}
	res, err := c.MemberAddAsLearner(t.Context(), []string{added.peerURL})
	require.NoError(t, err)
	_, err = c.MemberPromote(t.Context(), res.Member.ID)
	require.ErrorIs(t, err, rpctypes.ErrMemberLearnerNotReady)
	f.members = append(f.members, added)
	f.launch(added, "existing")
	added.awaitReady(t)
	require.Eventually(t, func() bool {
		_, err = c.MemberPromote(t.Context(), res.Member.ID)
		return !errors.Is(err, rpctypes.ErrMemberLearnerNotReady)
	}, patience, 10*time.Millisecond)
	require.NoError(t, err)
	l.require(t, f.client(added))

	leader := f.leader()
	_, err = f.client(leader).MoveLeader(t.Context(), res.Member.ID)
	require.NoError(t, err)
	require.Same(t, added, f.leader())
	_, err = f.client(leader).MoveLeader(t.Context(), res.Member.ID)
	require.ErrorIs(t, err, rpctypes.ErrNotLeader)
	f.awaitPublished(c)

	gone := f.members[0]
	_, err = c.MemberRemove(t.Context(), ids(t, c)[gone.peerURL])
	require.NoError(t, err)
	gone.requireExit(t, "removed from the cluster")
	l.awaitMore(t, 100)
	f.launch(gone, "existing") // its identity is that of its data directory
	gone.requireExit(t, "removed from the cluster")

	added.kill()
	f.launch(added, "existing")
	added.awaitReady(t)
	stop()
	load.Wait()
	for _, m := range f.members[1:] {
		l.require(t, f.client(m))
	}
}

// TestLeaderRemovesItself: the caller is answered and the others go on.
func TestLeaderRemovesItself(t *testing.T) {
	f := newFleet(t, 3, "--log-level=info")
	leader := f.leader()
	c := f.client(leader)
	_, err := c.MemberRemove(t.Context(), ids(t, c)[leader.peerURL])
	require.NoError(t, err)
	leader.requireExit(t, "removed from the cluster")
	rest := f.others(leader)
	f.leader(rest...)
	_, err = f.client(rest...).Put(t.Context(), "k", "v")
	require.NoError(t, err)
}

// TestStrangers: members that must not take part are refused with reasons in both
// logs, and the cluster does not mind.
func TestStrangers(t *testing.T) {
	f := newFleet(t, 3, "--log-level=info")
	f.awaitPublished(f.client())
	var cluster []string
	for _, m := range f.members {
		cluster = append(cluster, m.name+"="+m.peerURL)
	}
	url := freeURL(t)
	common := []string{"--listen-peer-urls", url, "--initial-advertise-peer-urls", url, "--log-level=info"}

	t.Run("nobody has heard of it", func(t *testing.T) {
		p := launch(t, t.TempDir(), append(common, "--name=x", "--initial-cluster-state=existing", "--initial-cluster", strings.Join(append(cluster, "x="+url), ","))...)
		p.requireExit(t, "has no member with the peer URL "+url)
	})
	t.Run("another cluster", func(t *testing.T) {
		p := launch(t, t.TempDir(), append(common, "--name=x", "--initial-cluster", strings.Join(append(cluster, "x="+url), ","))...)
		p.awaitLog(t, "belongs to another cluster")
		f.members[0].awaitLog(t, "belongs to another cluster")
	})
	t.Run("an emptied data directory", func(t *testing.T) {
		m := f.others(f.leader())[0]
		m.kill()
		m.dir = t.TempDir()
		f.launch(m, "new")
		m.requireExit(t, "data directory is not the one it ran with before|the log has lost acknowledged entries") // whoever is first to tell it
	})
	t.Run("joins twice", func(t *testing.T) {
		p := launch(t, t.TempDir(), "--name=m0", "--listen-peer-urls", url, "--initial-advertise-peer-urls", f.members[0].peerURL,
			"--initial-cluster-state=existing", "--initial-cluster", strings.Join(cluster, ","))
		p.requireExit(t, "has run before, with another data directory")
	})
	_, err := f.client(f.leader()).Put(t.Context(), "k", fmt.Sprint("v"))
	require.NoError(t, err)
}
