package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// Bounds and times that are no options.
const (
	// queueMessages and queueBytes bound what waits for one peer. The bytes hold
	// many appends of 1 MiB; a Raft leader with flow control queues fewer.
	queueMessages = 4096
	queueBytes    = 64 << 20
	// batchBytes ends a batch: more brings no larger packets.
	batchBytes = 1 << 20
	// pingInterval is how often a side gives a life sign, silenceTimeout how long
	// the other waits for one.
	pingInterval   = time.Second
	silenceTimeout = 5 * time.Second
	// connectTimeout bounds dialling with both greetings.
	connectTimeout = 5 * time.Second
	// minBackoff and maxBackoff bound the pause before the next attempt to dial.
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
	// farewellTimeout bounds what is written to a dialler, and the wait for it to
	// take the reason why its connection ends.
	farewellTimeout = time.Second
	// maxInbound bounds the connections that are open towards this member,
	// maxUnnamed the peers that it dials although SetPeers has not named them.
	maxInbound = 256
	maxUnnamed = 16
	// DefaultMaxMessageBytes is Config.MaxMessageBytes's default.
	DefaultMaxMessageBytes = 64 << 20
	// MaxDelay bounds Config.Delay: a silent connection is given up only later.
	MaxDelay = time.Second
)

// ErrClosed answers calls after Close.
var ErrClosed = errors.New("transport: closed")

// Handler is what a Transport needs of its member. Its methods are called
// concurrently and must not call the Transport.
type Handler interface {
	// Identity returns what this member says of itself now.
	Identity() Identity
	// Admit decides whether a peer of the same cluster may talk: nil, or an error
	// that wraps one of the refusals (ErrUnknownMember, ErrRemoved, ErrStale,
	// ErrLease).
	Admit(peer Identity) error
	// Step takes a message, which it owns. It may block to slow the peer down,
	// until ctx ends: with the connection, or when a newer one takes its place.
	// An error ends the connection.
	Step(ctx context.Context, m *raftpb.Message) error
	// Snapshot takes a snapshot: the message that announces it, and its bytes,
	// which end with io.EOF only if they are complete. When it returns nil the
	// peer is told that the snapshot has arrived.
	Snapshot(ctx context.Context, m *raftpb.Message, body io.Reader) error
	// Answer answers a question from anybody who reaches the port.
	Answer(ctx context.Context, question []byte) ([]byte, error)
	// Undelivered is told that a message was not sent and never will be, or, with
	// nil, that messages to the peer may have been lost. Send calls it, so it must
	// not block.
	Undelivered(peer uint64, m *raftpb.Message)
	// Refused is told that the peer refuses to talk to this member, and why.
	Refused(peer uint64, why error)
}

// Config is what a Transport is made of.
type Config struct {
	Handler Handler
	// ServerTLS serves the listeners, nil for plain TCP. ClientTLS dials https
	// URLs, and must not be nil if there are any.
	ServerTLS, ClientTLS *tls.Config
	// Delay is added to every message's way to a peer and once to a snapshot's,
	// from 0 to MaxDelay: it turns one machine into many. It limits no
	// throughput and keeps the order.
	Delay time.Duration
	// MaxMessageBytes bounds a message that is accepted; it must exceed any log
	// entry of the peers. Default: DefaultMaxMessageBytes.
	MaxMessageBytes int
	Logger          *zap.Logger
}

// Transport connects one member with its peers. Its methods are safe for
// concurrent use.
type Transport struct {
	cfg    Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu        sync.Mutex
	peers     map[uint64]*peer
	unnamed   int // peers since SetPeers that it did not name
	inbound   map[*inbound]struct{}
	listeners []net.Listener
	closed    bool
}

// New returns a Transport without peers and listeners.
func New(cfg Config) *Transport {
	if cfg.MaxMessageBytes == 0 {
		cfg.MaxMessageBytes = DefaultMaxMessageBytes
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Transport{cfg: cfg, ctx: ctx, cancel: cancel, peers: make(map[uint64]*peer), inbound: make(map[*inbound]struct{})}
}

// SetPeers says who the peers are and at which URL each is reached. Peers that
// are not named are let go, with what is queued for them, and so are connections
// from members that Handler.Admit does not admit any more.
func (t *Transport) SetPeers(urls map[uint64]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	for id, p := range t.peers {
		if urls[id] != p.url {
			p.cancel()
			delete(t.peers, id)
		}
	}
	t.unnamed = 0
	for id, url := range urls {
		if t.peers[id] == nil {
			t.startPeer(id, url)
		}
	}
	for _, in := range t.greeted() {
		if err := t.cfg.Handler.Admit(in.hello.From); err != nil {
			t.work.Go(func() { in.end(err) })
		}
	}
}

// greeted returns the connections from members. t.mu is held.
func (t *Transport) greeted() []*inbound {
	var members []*inbound
	for in := range t.inbound {
		if in.greeted && in.hello.Kind != kindQuestion {
			members = append(members, in)
		}
	}
	return members
}

// heard is told of a member that has dialled: it is up. One that SetPeers has not
// named yet is reached at its own URL, unless there are too many of these.
func (t *Transport) heard(id uint64, url string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch p := t.peers[id]; {
	case p != nil:
		p.heard()
	case !t.closed && url != "" && t.unnamed < maxUnnamed:
		t.unnamed++
		t.startPeer(id, url)
	}
}

func (t *Transport) startPeer(id uint64, url string) {
	p := newPeer(t, id, url)
	t.peers[id] = p
	t.work.Go(p.run)
}

// Send sends messages to their peers without blocking. It does not keep the
// slice; the messages must not be changed any more. What cannot be queued is
// lost, and Handler.Undelivered is told.
func (t *Transport) Send(messages []*raftpb.Message) {
	for _, m := range messages {
		if p := t.peer(m.GetTo()); p == nil || !p.send(m) {
			t.cfg.Handler.Undelivered(m.GetTo(), m)
		}
	}
}

func (t *Transport) peer(id uint64) *peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.peers[id]
}

// Connected tells whether messages to the peer have a connection now.
func (t *Transport) Connected(id uint64) bool {
	p := t.peer(id)
	return p != nil && p.connected.Load()
}

// Close ends all connections, telling the peers that this member stops and, unless
// why is nil, for what reason; and waits for all goroutines. Later calls do
// nothing.
func (t *Transport) Close(why error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.closed = true
	for _, l := range t.listeners {
		_ = l.Close() // Serve returns
	}
	open := t.greeted()
	for in := range t.inbound {
		if !slices.Contains(open, in) {
			_ = in.conn.Close()
		}
	}
	t.mu.Unlock()
	farewell := ErrClosing
	if why != nil { // as text: what was refused to this member is not refused to its peers
		farewell = fmt.Errorf("%w: %v", ErrClosing, why)
	}
	var ends sync.WaitGroup
	for _, in := range open {
		ends.Go(func() { in.end(farewell) })
	}
	ends.Wait()
	t.cancel()
	t.work.Wait()
}

// dial connects to a member at a peer URL and greets it. to is 0 for whoever
// answers. The connection's deadline is connectTimeout from now.
func dial(ctx context.Context, config *tls.Config, peerURL string, hello greeting) (net.Conn, error) {
	u, err := url.Parse(peerURL)
	if err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	deadline := time.Now().Add(connectTimeout)
	dialer := &net.Dialer{Deadline: deadline}
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "https" {
		if config == nil {
			return nil, errors.Join(fmt.Errorf("transport: %s needs peer certificates", peerURL), conn.Close())
		}
		config = config.Clone()
		if config.ServerName == "" {
			config.ServerName = u.Hostname()
		}
		conn = tls.Client(conn, config)
	}
	defer hangUp(ctx, conn)()
	if err := greet(conn, deadline, hello); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// hangUp closes conn when ctx ends, unless stop is called first. Unlike a deadline
// it is not undone by the next one.
func hangUp(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.Close() })
}

func greet(conn net.Conn, deadline time.Time, hello greeting) error {
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if err := writeGreeting(conn, protocolVersion, hello); err != nil {
		return err
	}
	answer, err := readGreeting(conn)
	switch {
	case err != nil:
		return err
	case answer.Refusal != nil:
		return answer.Refusal.err()
	case hello.From.ClusterID != 0 && answer.From.ClusterID != hello.From.ClusterID:
		return fmt.Errorf("%w: it is of cluster %x, this member of %x", ErrCluster, answer.From.ClusterID, hello.From.ClusterID)
	case hello.To != 0 && answer.From.MemberID != hello.To:
		return fmt.Errorf("%w: it is member %x, %x was meant", ErrMisdirected, answer.From.MemberID, hello.To)
	}
	return nil
}
