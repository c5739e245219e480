package transport_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"metastorebench/core/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// end is one member of a test: a Handler that keeps what it is given.
type end struct {
	id        transport.Identity
	t         *transport.Transport
	url       string
	messages  chan *raftpb.Message
	refused   chan error
	lost      chan uint64
	snapshots chan []byte

	mu     sync.Mutex
	admit  error
	block  chan struct{} // Step waits until it is closed
	broken error         // the answer to a snapshot
}

func (e *end) Identity() transport.Identity { return e.id }
func (e *end) Admit(transport.Identity) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.admit
}

func (e *end) Step(ctx context.Context, m *raftpb.Message) error {
	e.mu.Lock()
	block := e.block
	e.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case e.messages <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *end) Snapshot(_ context.Context, _ *raftpb.Message, body io.Reader) error {
	e.mu.Lock()
	broken := e.broken
	e.mu.Unlock()
	if broken != nil {
		return broken
	}
	var data bytes.Buffer
	_, err := data.ReadFrom(io.LimitReader(body, 64<<20))
	if err == nil {
		_, err = io.Copy(io.Discard, body)
	}
	if err == nil {
		e.snapshots <- data.Bytes()
	}
	return err
}

func (e *end) Answer(_ context.Context, question []byte) ([]byte, error) {
	if len(question) == 0 {
		return nil, errors.New("nothing was asked")
	}
	return append([]byte("you asked "), question...), nil
}

func (e *end) Undelivered(peer uint64, _ *raftpb.Message) {
	select {
	case e.lost <- peer:
	default:
	}
}

func (e *end) Refused(_ uint64, why error) {
	select {
	case e.refused <- why:
	default:
	}
}

// newEnd returns a member that listens. change may alter the configuration.
func newEnd(t *testing.T, id uint64, change func(*transport.Config)) *end {
	t.Helper()
	e := &end{
		messages: make(chan *raftpb.Message, 100_000), refused: make(chan error, 1),
		lost: make(chan uint64, 1), snapshots: make(chan []byte, 1),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cfg := transport.Config{Handler: e, Logger: zap.NewNop()}
	scheme := "http://"
	if change != nil {
		change(&cfg)
	}
	if cfg.ServerTLS != nil {
		scheme = "https://"
	}
	e.url = scheme + l.Addr().String()
	e.id = transport.Identity{ClusterID: 1, MemberID: id, Instance: id, PeerURL: e.url}
	e.t = transport.New(cfg)
	served := make(chan error, 1)
	go func() { served <- e.t.Serve(l) }()
	t.Cleanup(func() {
		e.t.Close(nil)
		require.NoError(t, <-served)
	})
	return e
}

// connect makes a dial b and waits for it.
func connect(t *testing.T, a, b *end) {
	t.Helper()
	a.t.SetPeers(map[uint64]string{b.id.MemberID: b.url})
	connected(t, a, b)
}

func connected(t *testing.T, a, b *end) {
	t.Helper()
	require.Eventually(t, func() bool { return a.t.Connected(b.id.MemberID) }, patience, time.Millisecond)
}

// appendTo is a message between the members 1 and 2.
func appendTo(to, index uint64, data []byte) *raftpb.Message {
	return &raftpb.Message{
		Type: raftpb.MsgApp.Enum(), To: &to, From: new(3 - to), Index: &index,
		Entries: []*raftpb.Entry{{Index: new(index + 1), Data: data}},
	}
}

func (e *end) next(t *testing.T) *raftpb.Message {
	t.Helper()
	select {
	case m := <-e.messages:
		return m
	case <-time.After(patience):
		t.Fatal("no message arrived")
		return nil
	}
}

func why(t *testing.T, e *end) error {
	t.Helper()
	select {
	case err := <-e.refused:
		return err
	case <-time.After(patience):
		t.Fatal("nobody refused")
		return nil
	}
}

// TestMessages: both directions, in order, whole, with and without a delay.
func TestMessages(t *testing.T) {
	for name, delay := range map[string]time.Duration{"": 0, "delayed": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			slow := func(c *transport.Config) { c.Delay = delay }
			a, b := newEnd(t, 1, slow), newEnd(t, 2, slow)
			connect(t, a, b)
			connected(t, b, a) // b has learnt a's address from a's greeting
			const n = 2000
			start := time.Now()
			for i := range uint64(n) {
				a.t.Send([]*raftpb.Message{appendTo(2, i, binary.LittleEndian.AppendUint64(nil, i))})
			}
			b.t.Send([]*raftpb.Message{appendTo(1, 7, []byte("back"))})
			for i := range uint64(n) {
				m := b.next(t)
				if i == 0 {
					require.GreaterOrEqual(t, time.Since(start), delay)
				}
				require.Equal(t, i, m.GetIndex())
				require.Equal(t, i, binary.LittleEndian.Uint64(m.GetEntries()[0].GetData()))
			}
			require.Equal(t, "back", string(a.next(t).GetEntries()[0].GetData()))
		})
	}
}

// TestSlowReceiver: while b takes nothing, a's memory stays bounded and messages
// are dropped with a report; what arrives later is in order.
func TestSlowReceiver(t *testing.T) {
	a, b := newEnd(t, 1, nil), newEnd(t, 2, nil)
	connect(t, a, b)
	b.mu.Lock()
	b.block = make(chan struct{})
	b.mu.Unlock()
	var sent uint64
	for dropped := false; !dropped; sent++ {
		require.Less(t, sent, uint64(100_000), "nothing was dropped")
		a.t.Send([]*raftpb.Message{appendTo(2, sent, make([]byte, 64<<10))})
		select {
		case id := <-a.lost:
			require.Equal(t, uint64(2), id)
			dropped = true
		default:
		}
	}
	b.mu.Lock()
	close(b.block)
	b.mu.Unlock()
	// How many of them were dropped before a was told depends on the machine. What is
	// sent while b takes messages arrives, once there is room for it.
	for last, next := int64(-1), sent; last < int64(sent); next++ {
		m := b.next(t)
		require.Greater(t, int64(m.GetIndex()), last)
		last = int64(m.GetIndex())
		a.t.Send([]*raftpb.Message{appendTo(2, next, nil)})
	}
}

// TestReconnect: b goes and comes back at the same address.
func TestReconnect(t *testing.T) {
	a, b := newEnd(t, 1, nil), newEnd(t, 2, nil)
	connect(t, a, b)
	b.t.Close(fmt.Errorf("the disk is full (%w)", transport.ErrRemoved))
	closing := why(t, a)
	require.ErrorIs(t, closing, transport.ErrClosing)
	require.ErrorContains(t, closing, "the disk is full")
	require.NotErrorIs(t, closing, transport.ErrRemoved, "what is refused to a member is not refused to its peers")
	a.t.Send([]*raftpb.Message{appendTo(2, 1, nil)})
	require.Equal(t, uint64(2), <-a.lost)

	l, err := net.Listen("tcp", b.url[len("http://"):])
	require.NoError(t, err)
	b.t = transport.New(transport.Config{Handler: b, Logger: zap.NewNop()})
	served := make(chan error, 1)
	go func() { served <- b.t.Serve(l) }()
	connected(t, a, b)
	a.t.Send([]*raftpb.Message{appendTo(2, 2, nil)})
	require.Equal(t, uint64(2), b.next(t).GetIndex(), "a message that was lost came after all")
	b.t.Close(nil)
	require.NoError(t, <-served)
}

// TestRefusals: each stranger is told why, and the reason is a sentinel on its
// side, too.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(a, b *end)
		want   error
		text   string
	}{
		"cluster":     {func(a, _ *end) { a.id.ClusterID = 9 }, transport.ErrCluster, "9, this is cluster 1"},
		"misdirected": {func(_, b *end) { b.id.MemberID = 3 }, transport.ErrMisdirected, "this is member 3, 2 was meant"},
		"itself":      {func(a, b *end) { a.id.MemberID = 2 }, transport.ErrUnknownMember, "has the id 2 itself"},
		"unknown":     {func(_, b *end) { b.admit = transport.ErrUnknownMember }, transport.ErrUnknownMember, ""},
		"removed":     {func(_, b *end) { b.admit = transport.ErrRemoved }, transport.ErrRemoved, ""},
		"stale":       {func(_, b *end) { b.admit = transport.ErrStale }, transport.ErrStale, ""},
		"lease":       {func(_, b *end) { b.admit = transport.ErrLease }, transport.ErrLease, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newEnd(t, 1, nil), newEnd(t, 2, nil)
			c.change(a, b)
			a.t.SetPeers(map[uint64]string{2: b.url})
			err := why(t, a)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.False(t, a.t.Connected(2))
		})
	}
}

// TestLetGo: a member that is not admitted any more is told so on the connection
// that it has.
func TestLetGo(t *testing.T) {
	a, b := newEnd(t, 1, nil), newEnd(t, 2, nil)
	connect(t, a, b)
	b.mu.Lock()
	b.admit = fmt.Errorf("%w: at index 12", transport.ErrRemoved)
	b.mu.Unlock()
	b.t.SetPeers(nil)
	err := why(t, a)
	require.ErrorIs(t, err, transport.ErrRemoved)
	require.ErrorContains(t, err, "at index 12")
}

// TestSnapshot streams more than the receiver could buffer.
func TestSnapshot(t *testing.T) {
	a, b := newEnd(t, 1, nil), newEnd(t, 2, nil)
	connect(t, a, b)
	data := make([]byte, 3<<20+17)
	_, _ = rand.Read(data)
	m := &raftpb.Message{Type: raftpb.MsgSnap.Enum(), To: new(uint64(2)), From: new(uint64(1))}
	write := func(w io.Writer) error {
		_, err := io.Copy(w, iotest.OneByteReader(bytes.NewReader(data[:1000])))
		if err == nil {
			_, err = w.Write(data[1000:])
		}
		return err
	}
	require.NoError(t, a.t.SendSnapshot(t.Context(), m, write))
	require.Equal(t, data, <-b.snapshots)

	boom := errors.New("boom")
	require.ErrorIs(t, a.t.SendSnapshot(t.Context(), m, func(w io.Writer) error {
		_, err := w.Write(data[:100])
		return errors.Join(err, boom)
	}), boom)
	b.mu.Lock()
	b.broken = errors.New("no space left")
	b.mu.Unlock()
	require.ErrorContains(t, a.t.SendSnapshot(t.Context(), m, write), "no space left")
	require.Empty(t, b.snapshots, "half a snapshot was taken for a whole one")
}

// TestSnapshotIsGivenUp: a snapshot that nobody waits for any more ends at once,
// however much of it is left.
func TestSnapshotIsGivenUp(t *testing.T) {
	for name, giveUp := range map[string]func(a *end, cancel func()){
		"by the caller":           func(_ *end, cancel func()) { cancel() },
		"as the peer is let go":   func(a *end, _ func()) { a.t.SetPeers(nil) },
		"as the transport closes": func(a *end, _ func()) { a.t.Close(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newEnd(t, 1, nil), newEnd(t, 2, nil)
			connect(t, a, b)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			m := &raftpb.Message{Type: raftpb.MsgSnap.Enum(), To: new(uint64(2)), From: new(uint64(1))}
			err := a.t.SendSnapshot(ctx, m, func(w io.Writer) error {
				giveUp(a, cancel)
				for {
					if _, err := w.Write(make([]byte, 1<<20)); err != nil {
						return err
					}
				}
			})
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

func TestAsk(t *testing.T) {
	b := newEnd(t, 2, nil)
	answer, err := transport.Ask(t.Context(), nil, b.url, []byte("why?"))
	require.NoError(t, err)
	require.Equal(t, "you asked why?", string(answer))
	_, err = transport.Ask(t.Context(), nil, b.url, nil)
	require.ErrorIs(t, err, transport.ErrRefused)
	require.ErrorContains(t, err, "nothing was asked")
}
