package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// inbound is a connection that somebody else has dialled.
type inbound struct {
	conn net.Conn
	// ctx is that of the handler's calls: it ends with the connection.
	ctx    context.Context
	cancel context.CancelFunc
	// hello is the dialler's greeting; greeted says that it was accepted. Both
	// change once, under Transport.mu.
	hello   greeting
	greeted bool

	mu    sync.Mutex // of writes
	ended bool       // the dialler has been told why
}

// Serve accepts peers on l until Close, and closes l. It returns nil after Close.
func (t *Transport) Serve(l net.Listener) error {
	if t.cfg.ServerTLS != nil {
		l = tls.NewListener(l, t.cfg.ServerTLS)
	}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return l.Close()
	}
	t.listeners = append(t.listeners, l)
	t.work.Add(1)
	t.mu.Unlock()
	defer t.work.Done()
	for {
		conn, err := l.Accept()
		if temporary, ok := err.(interface{ Temporary() bool }); ok && temporary.Temporary() {
			t.cfg.Logger.Warn("a connection was not accepted", zap.Error(err)) // as when files run out
			_ = sleepUntil(t.ctx, time.Now().Add(minBackoff))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("transport: accept: %w", err)
		}
		in := &inbound{conn: conn}
		in.ctx, in.cancel = context.WithCancel(t.ctx)
		if !t.take(in) {
			in.cancel()
			_ = conn.Close() // the dialler tries again
			continue
		}
		t.work.Go(func() { t.serve(in) })
	}
}

// take registers a connection, unless there are too many.
func (t *Transport) take(in *inbound) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.inbound) >= maxInbound {
		return false
	}
	t.inbound[in] = struct{}{}
	return true
}

// serve greets and then reads one connection to its end.
func (t *Transport) serve(in *inbound) {
	defer in.cancel()
	err := t.welcome(in)
	if err == nil {
		switch in.hello.Kind {
		case kindMessages:
			err = t.receive(in)
		case kindSnapshot:
			err = t.receiveSnapshot(in)
		case kindQuestion:
			err = t.answer(in)
		}
	}
	t.mu.Lock()
	delete(t.inbound, in)
	t.mu.Unlock()
	in.close()
	if err != nil && t.ctx.Err() == nil {
		t.cfg.Logger.Warn("a peer's connection ended", zap.String("from", in.conn.RemoteAddr().String()),
			zap.String("peer", fmt.Sprintf("%x", in.hello.From.MemberID)), zap.Error(err))
	}
}

// welcome reads the dialler's greeting and answers it. The error of a refusal is
// what both sides are told.
func (t *Transport) welcome(in *inbound) error {
	if err := in.conn.SetDeadline(time.Now().Add(connectTimeout)); err != nil {
		return err
	}
	hello, err := readGreeting(in.conn)
	if errors.Is(err, ErrForeign) {
		return err // it would not understand
	}
	self := t.cfg.Handler.Identity()
	if err == nil {
		err = t.judge(self, hello)
	}
	answer := greeting{From: self}
	if err != nil {
		answer.Refusal = newRefusal(err)
	}
	if wErr := writeGreeting(in.conn, protocolVersion, answer); err == nil {
		err = wErr
	}
	t.mu.Lock()
	in.hello, in.greeted = hello, err == nil
	t.mu.Unlock()
	if err != nil {
		return err
	}
	if hello.Kind == kindQuestion {
		return nil
	}
	// SetPeers looks after the connections that it finds here; what changed just
	// before is found now.
	if err := t.cfg.Handler.Admit(hello.From); err != nil {
		in.end(err)
		return err
	}
	if hello.Kind == kindMessages {
		t.replace(in)
		t.heard(hello.From.MemberID, hello.From.PeerURL)
	}
	return nil
}

// judge decides whether a greeting is accepted.
func (t *Transport) judge(self Identity, hello greeting) error {
	switch hello.Kind {
	case kindQuestion:
		return nil
	case kindMessages, kindSnapshot:
	default:
		return fmt.Errorf("%w: connection of kind %q, accepted: %s, %s, %s", ErrRefused, hello.Kind, kindMessages, kindSnapshot, kindQuestion)
	}
	switch {
	case hello.From.ClusterID != self.ClusterID:
		return fmt.Errorf("%w: %x, this is cluster %x", ErrCluster, hello.From.ClusterID, self.ClusterID)
	case hello.To != self.MemberID:
		return fmt.Errorf("%w: this is member %x, %x was meant", ErrMisdirected, self.MemberID, hello.To)
	case hello.From.MemberID == self.MemberID:
		return fmt.Errorf("%w: this member has the id %x itself", ErrUnknownMember, self.MemberID)
	}
	return t.cfg.Handler.Admit(hello.From)
}

// replace ends an older message connection of the same member, so that what is
// left in it cannot overtake what is new.
func (t *Transport) replace(in *inbound) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for old := range t.inbound {
		if old != in && old.greeted && old.hello.Kind == kindMessages && old.hello.From.MemberID == in.hello.From.MemberID {
			old.cancel() // its reader ends, even if the handler keeps it waiting
			_ = old.conn.Close()
		}
	}
}

// end tells the dialler why the connection ends. The dialler closes it then, and
// the reader ends with it.
func (in *inbound) end(why error) {
	body, err := json.Marshal(newRefusal(why))
	if err == nil {
		_ = in.write(appendFrame(nil, frameRefusal, body)) // it may be gone already
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	in.cancel()
	_ = in.conn.SetReadDeadline(time.Now().Add(farewellTimeout))
}

// close closes the connection. What the dialler has sent meanwhile is read first:
// closing with unread bytes would cut off what it has been told.
func (in *inbound) close() {
	in.mu.Lock()
	ended := in.ended
	in.mu.Unlock()
	if ended {
		_, _ = io.Copy(io.Discard, in.conn) // until the dialler or the deadline ends it
	}
	_ = in.conn.Close()
}

func (in *inbound) write(frame []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended {
		return net.ErrClosed
	}
	if err := in.conn.SetWriteDeadline(time.Now().Add(farewellTimeout)); err != nil {
		return err
	}
	_, err := in.conn.Write(frame)
	return err
}

// await sets the deadline for the next frame.
func (in *inbound) await(d time.Duration) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended {
		return net.ErrClosed
	}
	return in.conn.SetReadDeadline(time.Now().Add(d))
}

// receive hands messages to the handler.
func (t *Transport) receive(in *inbound) error {
	self := t.cfg.Handler.Identity().MemberID
	frames := in.frames(t.cfg.MaxMessageBytes)
	ping := appendFrame(nil, framePing, nil)
	for {
		if err := in.await(silenceTimeout); err != nil {
			return err
		}
		kind, payload, err := frames.next()
		if errors.Is(err, ErrFrame) {
			in.end(err)
		}
		if err != nil {
			return err
		}
		switch kind {
		case framePing:
			if err := in.write(ping); err != nil {
				return err
			}
		case frameMessage:
			m, err := decodeMessage(payload, in.hello, self)
			if err == nil {
				err = t.cfg.Handler.Step(in.ctx, m)
			}
			if err != nil {
				in.end(err)
				return err
			}
		default:
			err := fmt.Errorf("%w: kind %q among messages", ErrFrame, kind)
			in.end(err)
			return err
		}
	}
}

func (in *inbound) frames(maxBytes int) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(in.conn, 256<<10), maxBytes: maxBytes}
}

// decodeMessage decodes a message, which must be from the member that has said
// hello, unless that one only forwards it, and for the member self. Only a
// connection for a snapshot may announce one, whose bytes follow.
func decodeMessage(payload []byte, hello greeting, self uint64) (*raftpb.Message, error) {
	from, m := hello.From.MemberID, new(raftpb.Message)
	if err := proto.Unmarshal(payload, m); err != nil {
		return nil, fmt.Errorf("%w: message: %w", ErrFrame, err)
	}
	if m.GetTo() != self {
		return nil, fmt.Errorf("%w: a message for member %x, this is %x", ErrMisdirected, m.GetTo(), self)
	}
	if m.GetFrom() != from && !forwarded(m.GetType()) {
		return nil, fmt.Errorf("%w: a message of type %s in the name of member %x, this is member %x's connection", ErrMisdirected, m.GetType(), m.GetFrom(), from)
	}
	if (m.GetType() == raftpb.MsgSnap) != (hello.Kind == kindSnapshot) {
		return nil, fmt.Errorf("%w: a message of type %s on a connection of kind %q", ErrFrame, m.GetType(), hello.Kind)
	}
	return m, nil
}

// forwarded tells whether messages of the type keep the name of the member that
// made them on their way over another one to the leader.
func forwarded(t raftpb.MessageType) bool {
	return t == raftpb.MsgProp || t == raftpb.MsgReadIndex || t == raftpb.MsgTransferLeader
}
