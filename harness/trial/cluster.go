package trial

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
	"metastorebench/harness/child"
	"metastorebench/harness/ready"
)

// optionMembers is the number of processes that a target consists of, each a
// member of one cluster on this machine; 1 unless a cell says otherwise.
const optionMembers = "members"

const (
	maxMembers    = 7
	leaderTimeout = 10 * time.Second
	leaderPoll    = 10 * time.Millisecond
	// Ports for members' peers lie below those that Linux gives to outgoing
	// connections, of members to one another too: what is free stays so until the
	// member opens it.
	minPort, maxPort = 10_000, 30_000
	portTries        = 1000
)

// anyURL is a free port of this machine's.
const anyURL = "http://127.0.0.1:0"

// member is one process of a target: what it is told of itself.
type member struct {
	number       int // from 0
	dir, peerURL string
}

// members returns the number of the target's members.
func (s Spec) members() (int, error) {
	text, given := s.Cell.Options[optionMembers]
	if !given {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxMembers {
		return 0, fmt.Errorf("%w %s: %s is %q; accepted: 1 to %d", ErrSpec, s.Cell.ID, optionMembers, text, maxMembers)
	}
	return n, nil
}

// commands makes the members' directories below dir and returns the commands
// that start the members there.
func (s Spec) commands(dir string) ([][]string, error) {
	n, err := s.members()
	if err != nil {
		return nil, err
	}
	if n == 1 {
		return [][]string{s.argv(member{dir: dir, peerURL: anyURL})}, nil
	}
	urls, err := freeURLs(n)
	if err != nil {
		return nil, err
	}
	names, cluster := make([]string, n), make([]string, n)
	for i, url := range urls {
		names[i] = fmt.Sprint("m", i)
		cluster[i] = names[i] + "=" + url
	}
	argvs := make([][]string, n)
	for i, url := range urls {
		m := member{number: i, dir: filepath.Join(dir, names[i]), peerURL: url}
		if err := os.Mkdir(m.dir, 0o700); err != nil {
			return nil, err
		}
		argvs[i] = append(s.argv(m), "--name="+names[i], "--initial-cluster="+strings.Join(cluster, ","), "--initial-advertise-peer-urls="+url)
	}
	return argvs, nil
}

// freeURLs returns n addresses on loopback that nobody listens on.
func freeURLs(n int) (urls []string, err error) {
	var held []net.Listener // until all are found, so that they differ
	defer func() {
		for _, l := range held {
			err = errors.Join(err, l.Close())
		}
	}()
	for range portTries {
		if len(urls) == n {
			return urls, nil
		}
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", minPort+rand.N(maxPort-minPort)))
		if err != nil {
			continue
		}
		held = append(held, l)
		urls = append(urls, "http://"+l.Addr().String())
	}
	return nil, fmt.Errorf("%w: found %d free ports of %d in %d to %d", ErrStart, len(urls), n, minPort, maxPort)
}

// startAll starts all members side by side: none is ready before a majority is
// there. If one does not come up, none stays.
func startAll(ctx context.Context, argvs [][]string) ([]*child.Process, error) {
	procs := make([]*child.Process, len(argvs))
	group, starting := errgroup.WithContext(ctx)
	for i, argv := range argvs {
		group.Go(func() (err error) {
			procs[i], err = child.Start(starting, argv)
			return err
		})
	}
	err := group.Wait()
	if err == nil {
		return procs, nil
	}
	for _, p := range procs {
		if p != nil {
			p.Kill()
		}
	}
	return nil, err
}

// leader returns the ready line of the member that leads, and waits until all
// members follow one: a member that has not heard of it yet may still call an
// election.
func leader(ctx context.Context, procs []*child.Process) (line ready.Line, err error) {
	if len(procs) == 1 {
		return procs[0].Ready, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, leaderTimeout, fmt.Errorf("%w: no leader that all members follow after %v", ErrStart, leaderTimeout))
	defer cancel()
	asked := make([]etcdserverpb.MaintenanceClient, len(procs))
	for i, p := range procs {
		pool, err := client.Dial(client.Options{Endpoint: p.Ready.Client})
		if err != nil {
			return line, err
		}
		defer func() { err = errors.Join(err, pool.Close()) }()
		asked[i] = etcdserverpb.NewMaintenanceClient(pool)
	}
	for {
		i, agreed, err := agreedLeader(ctx, asked)
		// At the deadline a member may give up a moment before this side does.
		if err != nil && ctx.Err() == nil && status.Code(err) != codes.DeadlineExceeded {
			return line, err
		}
		if agreed {
			return procs[i].Ready, nil
		}
		select {
		case <-ctx.Done():
			return line, context.Cause(ctx)
		case <-time.After(leaderPoll):
		}
	}
}

// agreedLeader asks every member who leads; false unless all name the same one,
// and it is among them.
func agreedLeader(ctx context.Context, members []etcdserverpb.MaintenanceClient) (at int, agreed bool, err error) {
	var named uint64
	for i, m := range members {
		s, err := m.Status(ctx, &etcdserverpb.StatusRequest{})
		if err != nil {
			return 0, false, fmt.Errorf("%w: ask member %d who leads: %w", ErrStart, i, err)
		}
		if s.GetLeader() == 0 || i > 0 && s.GetLeader() != named {
			return 0, false, nil
		}
		if named = s.GetLeader(); named == s.GetHeader().GetMemberId() {
			at, agreed = i, true
		}
	}
	return at, agreed, nil
}
