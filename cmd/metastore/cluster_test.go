package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// patience bounds every wait of these tests: they wait for events, and one that
// does not come fails the test.
const patience = time.Minute

// fleet is a cluster of processes on this machine.
type fleet struct {
	t       *testing.T
	args    []string
	members []*fleetMember
}

// fleetMember is one member; its process may come and go.
type fleetMember struct {
	*process
	name, dir, peerURL string
}

// newFleet starts size members with args and waits until all serve.
func newFleet(t *testing.T, size int, args ...string) *fleet {
	t.Helper()
	return newFleetOver(t, "http", size, args...)
}

// newFleetOver is newFleet with another scheme of peer URLs.
func newFleetOver(t *testing.T, scheme string, size int, args ...string) *fleet {
	t.Helper()
	f := &fleet{t: t, args: args}
	for i := range size {
		url := strings.Replace(freeURL(t), "http", scheme, 1)
		f.members = append(f.members, &fleetMember{name: fmt.Sprint("m", i), dir: t.TempDir(), peerURL: url})
	}
	for _, m := range f.members {
		f.launch(m, "new")
	}
	for _, m := range f.members {
		m.awaitReady(t)
	}
	return f
}

// freeURL returns a peer URL with a port that nobody listens on. It is below those
// that the system gives to outgoing connections: the port must be free when a
// member that was killed comes back.
func freeURL(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10_000+rand.N(20_000)))
		if err == nil {
			require.NoError(t, l.Close())
			return "http://" + l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (f *fleet) launch(m *fleetMember, state string) {
	f.t.Helper()
	var cluster []string
	for _, o := range f.members {
		cluster = append(cluster, o.name+"="+o.peerURL)
	}
	m.process = launch(f.t, m.dir, append([]string{
		"--name", m.name, "--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", state,
		"--initial-advertise-peer-urls", m.peerURL, "--listen-peer-urls", m.peerURL,
		"--heartbeat-interval", "20", "--election-timeout", "200",
	}, f.args...)...)
}

// restart starts a member that was killed and waits until it serves.
func (f *fleet) restart(m *fleetMember) {
	f.t.Helper()
	f.launch(m, "new")
	m.awaitReady(f.t)
}

// client returns a client of the given members, or of all.
func (f *fleet) client(of ...*fleetMember) *clientv3.Client {
	f.t.Helper()
	if len(of) == 0 {
		of = f.members
	}
	var endpoints []string
	for _, m := range of {
		endpoints = append(endpoints, m.ready.Client)
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = c.Close() })
	return c
}

// leader waits until one of the given members leads, by its own account.
func (f *fleet) leader(among ...*fleetMember) *fleetMember {
	f.t.Helper()
	if len(among) == 0 {
		among = f.members
	}
	c := f.client(among...)
	var found *fleetMember
	require.Eventually(f.t, func() bool {
		for _, m := range among {
			ctx, cancel := context.WithTimeout(f.t.Context(), time.Second)
			st, err := c.Status(ctx, m.ready.Client)
			cancel()
			if err == nil && st.Leader == st.Header.MemberId {
				found = m
				return true
			}
		}
		return false
	}, patience, 10*time.Millisecond)
	return found
}

func (f *fleet) others(m *fleetMember) []*fleetMember {
	var rest []*fleetMember
	for _, o := range f.members {
		if o != m {
			rest = append(rest, o)
		}
	}
	return rest
}

// ledger is what clients were told, per key: each key has one writer, which counts.
type ledger struct {
	mu    sync.Mutex
	acked map[string]int // the highest value that was acknowledged
	tried map[string]int // the highest value that was sent
	total int
}

// load puts ever higher numbers until ctx ends, from several writers, through
// whichever members answer. A put without an answer may or may not have happened;
// its writer goes on with the next number.
func (l *ledger) load(ctx context.Context, c *clientv3.Client, writers int) *sync.WaitGroup {
	wg := new(sync.WaitGroup)
	for w := range writers {
		wg.Go(func() {
			key := fmt.Sprint("writer ", w)
			for i := 1; ctx.Err() == nil; i++ {
				l.note(l.tried, key, i, 0)
				attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
				_, err := c.Put(attempt, key, fmt.Sprint(i))
				cancel()
				if err == nil {
					l.note(l.acked, key, i, 1)
				}
			}
		})
	}
	return wg
}

func (l *ledger) note(in map[string]int, key string, i, more int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in[key] = i
	l.total += more
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// awaitMore waits for n more acknowledged puts.
func (l *ledger) awaitMore(t *testing.T, n int) {
	t.Helper()
	goal := l.count() + n
	require.Eventually(t, func() bool { return l.count() >= goal }, patience, 5*time.Millisecond, "the cluster acknowledges nothing")
}

// require compares a member's linearizable view with what clients were told: no
// key is older than what was acknowledged, none newer than what was sent.
func (l *ledger) require(t *testing.T, c *clientv3.Client) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, acked := range l.acked {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		res, err := c.Get(ctx, key)
		cancel()
		require.NoError(t, err)
		require.Len(t, res.Kvs, 1, "%s, acknowledged at %d, is lost", key, acked)
		var found int
		_, err = fmt.Sscan(string(res.Kvs[0].Value), &found)
		require.NoError(t, err)
		require.GreaterOrEqual(t, found, acked, "%s went back", key)
		require.LessOrEqual(t, found, l.tried[key])
	}
}

// TestLeaderIsKilled kills the leader with SIGKILL under load, several times: the
// others go on, the old one comes back, and nothing acknowledged is lost, on any
// member.
func TestLeaderIsKilled(t *testing.T) {
	for _, args := range [][]string{
		{"--variant=baseline"}, {"--wal=group"}, {"--engine=pebble", "--wal=perready"}, {"--link-delay=2ms"},
		{"--wal=perready", "--pipeline=on", "--link-delay=2ms"}, {"--variant=baseline", "--pipeline=on"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			f := newFleet(t, 3, args...)
			l := &ledger{acked: map[string]int{}, tried: map[string]int{}}
			ctx, stop := context.WithCancel(t.Context())
			load := l.load(ctx, f.client(), 8)
			for range 2 {
				l.awaitMore(t, 200)
				old := f.leader()
				old.kill()
				f.leader(f.others(old)...)
				l.awaitMore(t, 200)
				f.restart(old)
			}
			stop()
			load.Wait()
			for _, m := range f.members {
				l.require(t, f.client(m))
			}
		})
	}
}

// TestFiveMembers kills the leader and one more: the other three go on. Without a
// majority nothing is acknowledged, and the answer says so; when members come back,
// everything is there.
func TestFiveMembers(t *testing.T) {
	f := newFleet(t, 5)
	l := &ledger{acked: map[string]int{}, tried: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	load := l.load(ctx, f.client(), 4)
	l.awaitMore(t, 100)
	leader := f.leader()
	leader.kill()
	rest := f.others(leader)
	rest[0].kill()
	f.leader(rest[1:]...)
	l.awaitMore(t, 100)
	stop()
	load.Wait()

	rest[1].kill()
	last := f.client(rest[2])
	for _, err := range []error{putOnce(t, last), getOnce(t, last)} {
		require.Error(t, err)
	}
	f.restart(rest[1])
	f.restart(leader)
	f.restart(rest[0])
	for _, m := range f.members {
		l.require(t, f.client(m))
	}
}

func putOnce(t *testing.T, c *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := c.Put(ctx, "lonely", "v")
	return err
}

func getOnce(t *testing.T, c *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := c.Get(ctx, "lonely")
	return err
}

// TestLinkDelay: a put at the leader takes the way to a follower and back, and one
// at a follower the way to the leader and back besides.
func TestLinkDelay(t *testing.T) {
	const delay = 20 * time.Millisecond
	f := newFleet(t, 3, "--link-delay", delay.String())
	leader := f.leader()
	require.Equal(t, delay.String(), leader.ready.Options["link-delay"])
	for ways, m := range map[int]*fleetMember{2: leader, 4: f.others(leader)[0]} {
		c := f.client(m)
		start := time.Now()
		_, err := c.Put(t.Context(), "k", "v")
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), time.Duration(ways)*delay)
	}
}

// TestPeerTLS runs a cluster whose members show each other certificates. One
// without is refused.
func TestPeerTLS(t *testing.T) {
	info, err := transport.SelfCert(zap.NewNop(), t.TempDir(), []string{"127.0.0.1:0"}, 1, x509.ExtKeyUsageClientAuth)
	require.NoError(t, err)
	f := newFleetOver(t, "https", 3, "--log-level=warn", "--peer-cert-file", info.CertFile, "--peer-key-file", info.KeyFile,
		"--peer-trusted-ca-file", info.CertFile, "--peer-client-cert-auth")
	_, err = f.client().Put(t.Context(), "k", "v")
	require.NoError(t, err)

	conn, err := tls.Dial("tcp", strings.TrimPrefix(f.members[0].peerURL, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err == nil { // with TLS 1.3 the refusal comes with the first read
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, conn.Close())
	}
	require.Error(t, err)
	f.members[0].awaitLog(t, "certificate")
}
