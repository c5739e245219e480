package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
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
	gate               *gate // before its peer port; nil: there is none
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
	f.launchAll()
	return f
}

// launchAll starts all members and waits until they serve.
func (f *fleet) launchAll() {
	f.t.Helper()
	for _, m := range f.members {
		f.launch(m, "new")
	}
	for _, m := range f.members {
		m.awaitReady(f.t)
	}
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
	listen := m.peerURL
	if m.gate != nil {
		listen = m.gate.behind
	}
	m.process = launch(f.t, m.dir, append([]string{
		"--name", m.name, "--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", state,
		"--initial-advertise-peer-urls", m.peerURL, "--listen-peer-urls", listen,
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
	return f.clientWith(nil, of...)
}

func (f *fleet) clientWith(opts []grpc.DialOption, of ...*fleetMember) *clientv3.Client {
	f.t.Helper()
	var endpoints []string
	for _, m := range of {
		endpoints = append(endpoints, m.ready.Client)
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 10 * time.Second, DialOptions: opts, Logger: zap.NewNop()})
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
			l := newLedger()
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
	l := newLedger()
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
