package transport

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// sink is a Handler that counts what arrives.
type sink struct {
	t        *Transport
	messages chan *raftpb.Message
	cut      chan error // nil, or told of a message that was given up
}

// TestFrames: what was appended is read back, and damage is found.
func TestFrames(t *testing.T) {
	var b []byte
	b = appendFrame(b, frameMessage, []byte("hello"))
	b = appendFrame(b, framePing, nil)
	read := func(b []byte) error {
		f := frameReader{r: bufio.NewReader(bytes.NewReader(b)), maxBytes: 10}
		for {
			if _, _, err := f.next(); err != nil {
				return err
			}
		}
	}
	require.Equal(t, io.EOF, read(b))
	for at := 1; at < frameHeaderBytes+5; at++ { // the first byte is the caller's to judge
		damaged := bytes.Clone(b)
		damaged[at] ^= 0x40
		require.ErrorIs(t, read(damaged), ErrFrame, "byte %d", at)
	}
	require.ErrorIs(t, read(appendFrame(nil, frameMessage, make([]byte, 11))), ErrFrame)
	require.ErrorIs(t, read(b[:frameHeaderBytes+2]), ErrFrame)
}

func FuzzGreeting(f *testing.F) {
	var b bytes.Buffer
	if err := writeGreeting(&b, protocolVersion, greeting{To: 3, Kind: kindMessages}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := readGreeting(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, writeGreeting(&again, protocolVersion, g))
		back, err := readGreeting(&again)
		require.NoError(t, err)
		require.Equal(t, g, back)
	})
}

// rawPeer dials a listening Transport by hand.
func rawPeer(t *testing.T) (net.Conn, *sink) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &sink{messages: make(chan *raftpb.Message, 100)}
	tr := New(Config{Handler: s, Logger: zap.NewNop()})
	s.t = tr
	served := make(chan error, 1)
	go func() { served <- tr.Serve(l) }()
	t.Cleanup(func() {
		tr.Close(nil)
		require.NoError(t, <-served)
	})
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	return conn, s
}

// TestLifeSignsUnderLoad: a delayed link that always has something to send gives
// life signs all the same.
func TestLifeSignsUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New(Config{Handler: &sink{}, Delay: 10 * time.Millisecond, Logger: zap.NewNop()})
		p := newPeer(tr, 2, "")
		p.connected.Store(true)
		ours, theirs := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { _ = p.write(ctx, ours) })
		work.Go(func() {
			for ctx.Err() == nil {
				p.send(&raftpb.Message{To: new(uint64(2))})
				time.Sleep(time.Millisecond) // of the test's clock
			}
		})
		start, signs := time.Now(), 0
		frames := frameReader{r: bufio.NewReader(theirs), maxBytes: 1 << 10}
		for time.Since(start) < silenceTimeout {
			kind, _, err := frames.next()
			require.NoError(t, err)
			if kind == framePing {
				signs++
			}
		}
		require.GreaterOrEqual(t, signs, int(silenceTimeout/pingInterval)-1)
		cancel()
		require.NoError(t, theirs.Close())
		work.Wait()
	})
}

// TestVersions: the peer of another version is told which one is accepted, and
// understands that, because greetings of all versions begin alike.
func TestVersions(t *testing.T) {
	conn, _ := rawPeer(t)
	require.NoError(t, writeGreeting(conn, protocolVersion+1, greeting{Kind: kindMessages, To: 2}))
	answer, err := readGreeting(conn)
	require.NoError(t, err)
	require.ErrorIs(t, answer.Refusal.err(), ErrVersion)
	require.ErrorContains(t, answer.Refusal.err(), "version 2, accepted: 1")
}

// TestForeign: something else than a peer gets nothing but a closed connection.
func TestForeign(t *testing.T) {
	conn, _ := rawPeer(t)
	_, err := conn.Write([]byte("GET /raft HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.True(t, errors.Is(err, io.EOF) || isReset(err), "%v", err)
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// greetAs makes conn a connection of messages of the member id.
func greetAs(t *testing.T, conn net.Conn, id uint64) {
	t.Helper()
	from := Identity{ClusterID: 1, MemberID: id, PeerURL: "http://127.0.0.1:1"}
	require.NoError(t, greet(conn, time.Now().Add(30*time.Second), greeting{From: from, To: 2, Kind: kindMessages}))
}

func send(t *testing.T, conn net.Conn, m *raftpb.Message) {
	t.Helper()
	body, err := proto.Marshal(m)
	require.NoError(t, err)
	_, err = conn.Write(appendFrame(nil, frameMessage, body))
	require.NoError(t, err)
}

// requireRefusal reads the reason for which a connection ends.
func requireRefusal(t *testing.T, conn net.Conn, want error, text string) {
	t.Helper()
	answer := frameReader{r: bufio.NewReader(conn), maxBytes: 1 << 10}
	kind, payload, err := answer.next()
	require.NoError(t, err)
	require.Equal(t, byte(frameRefusal), kind)
	require.ErrorIs(t, decodeRefusal(payload), want)
	require.ErrorContains(t, decodeRefusal(payload), text)
}

// again dials the listener of conn once more.
func again(t *testing.T, conn net.Conn) net.Conn {
	t.Helper()
	second, err := net.Dial("tcp", conn.RemoteAddr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = second.Close() })
	require.NoError(t, second.SetDeadline(time.Now().Add(30*time.Second)))
	return second
}

// TestAnothersName: a member speaks in its own name only, but for what it forwards.
func TestAnothersName(t *testing.T) {
	conn, s := rawPeer(t)
	greetAs(t, conn, 1)
	send(t, conn, &raftpb.Message{Type: raftpb.MsgProp.Enum(), From: new(uint64(3)), To: new(uint64(2))})
	require.Equal(t, uint64(3), (<-s.messages).GetFrom())
	send(t, conn, &raftpb.Message{Type: raftpb.MsgVoteResp.Enum(), From: new(uint64(3)), To: new(uint64(2))})
	requireRefusal(t, conn, ErrMisdirected, "in the name of member 3, this is member 1's connection")
	require.Empty(t, s.messages)
}

// TestSnapshotAmongMessages: a snapshot without its bytes would leave the member
// with a log that begins with what it does not have.
func TestSnapshotAmongMessages(t *testing.T) {
	conn, s := rawPeer(t)
	greetAs(t, conn, 1)
	send(t, conn, &raftpb.Message{Type: raftpb.MsgSnap.Enum(), From: new(uint64(1)), To: new(uint64(2))})
	requireRefusal(t, conn, ErrRefused, "MsgSnap on a connection of kind \"messages\"")
	require.Empty(t, s.messages)
}

// TestNewConnection: it takes the place of the member's old one, even if the
// handler keeps that waiting, so that such connections cannot pile up.
func TestNewConnection(t *testing.T) {
	conn, s := rawPeer(t)
	s.messages, s.cut = make(chan *raftpb.Message), make(chan error, 1)
	greetAs(t, conn, 1)
	send(t, conn, &raftpb.Message{From: new(uint64(1)), To: new(uint64(2)), Index: new(uint64(1))})
	newer := again(t, conn)
	greetAs(t, newer, 1)
	require.ErrorIs(t, <-s.cut, context.Canceled)
	send(t, newer, &raftpb.Message{From: new(uint64(1)), To: new(uint64(2)), Index: new(uint64(2))})
	require.Equal(t, uint64(2), (<-s.messages).GetIndex())
}

// TestStrangersAreNotDialled without end: members that nobody has named yet are
// reached at the URLs that they give, but only a few of them.
func TestStrangersAreNotDialled(t *testing.T) {
	conn, s := rawPeer(t)
	for id := range uint64(3 * maxUnnamed) {
		stranger := again(t, conn)
		greetAs(t, stranger, 100+id)
		send(t, stranger, &raftpb.Message{From: new(100 + id), To: new(uint64(2))})
		<-s.messages // what the greeting brings about has been done
		require.NoError(t, stranger.Close())
	}
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	require.Len(t, s.t.peers, maxUnnamed)
}

// TestRepeatedAndReordered: the transport hands on what it gets, in the order in
// which it gets it, each message whole; damage ends the connection with a reason.
func TestRepeatedAndReordered(t *testing.T) {
	conn, s := rawPeer(t)
	require.NoError(t, greet(conn, time.Now().Add(30*time.Second), greeting{From: Identity{ClusterID: 1, MemberID: 1}, To: 2, Kind: kindMessages}))
	frame := func(index uint64) []byte {
		body, err := proto.Marshal(&raftpb.Message{From: new(uint64(1)), To: new(uint64(2)), Index: &index})
		require.NoError(t, err)
		return appendFrame(nil, frameMessage, body)
	}
	for _, index := range []uint64{5, 4, 4, 6} {
		_, err := conn.Write(frame(index))
		require.NoError(t, err)
		require.Equal(t, index, (<-s.messages).GetIndex())
	}
	damaged := frame(7)
	damaged[len(damaged)-1] ^= 1
	_, err := conn.Write(damaged)
	require.NoError(t, err)
	requireRefusal(t, conn, ErrRefused, "crc")
	require.Empty(t, s.messages)
}
