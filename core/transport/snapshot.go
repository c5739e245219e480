package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// pieceBytes is how much of a snapshot goes into one frame.
const pieceBytes = 128 << 10

// pieceTimeout bounds the wait for one piece, or, at the end, for the receiver to
// make the snapshot durable.
const pieceTimeout = 30 * time.Second

// SendSnapshot streams a snapshot to the peer m.To and returns when the peer has
// it, or with the reason why it has not: also when ctx ends or the peer is let go.
// write is called once and writes the snapshot's bytes. Memory use does not depend
// on their number.
func (t *Transport) SendSnapshot(ctx context.Context, m *raftpb.Message, write func(io.Writer) error) (err error) {
	p := t.peer(m.GetTo())
	if p == nil {
		return fmt.Errorf("%w: %x", ErrUnknownMember, m.GetTo())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = ctx.Err() // not what that did to the connection
		}
	}()
	if t.cfg.Delay > 0 {
		if err := sleepUntil(ctx, time.Now().Add(t.cfg.Delay)); err != nil {
			return err
		}
	}
	conn, err := dial(ctx, t.cfg.ClientTLS, p.url, greeting{From: t.cfg.Handler.Identity(), To: p.id, Kind: kindSnapshot})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer hangUp(ctx, conn)()

	announce, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("transport: encode a message: %w", err)
	}
	pieces := &pieceWriter{conn: conn}
	if err := pieces.frame(frameMessage, announce); err != nil {
		return err
	}
	body := bufio.NewWriterSize(pieces, pieceBytes)
	err = write(body)
	if err == nil {
		err = body.Flush()
	}
	if err != nil {
		return pieces.reason(err)
	}
	if err := pieces.frame(frameEnd, nil); err != nil {
		return err
	}
	return awaitVerdict(conn)
}

// awaitVerdict reads what the receiver says of the whole.
func awaitVerdict(conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(pieceTimeout)); err != nil {
		return err
	}
	frames := frameReader{r: bufio.NewReader(conn), maxBytes: 64 << 10}
	kind, payload, err := frames.next()
	switch {
	case err != nil:
		return fmt.Errorf("transport: no verdict on the snapshot: %w", err)
	case kind == frameAnswer:
		return nil
	case kind == frameRefusal:
		return decodeRefusal(payload)
	}
	return fmt.Errorf("%w: kind %q, want a verdict on the snapshot", ErrFrame, kind)
}

// pieceWriter makes each Write a frame.
type pieceWriter struct {
	conn   net.Conn
	buf    []byte
	failed bool // the connection, not the source
}

func (w *pieceWriter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), pieceBytes)
		if err := w.frame(framePiece, rest[:n]); err != nil {
			return len(b) - len(rest), err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

func (w *pieceWriter) frame(kind byte, payload []byte) error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(pieceTimeout)); err != nil {
		return err
	}
	w.buf = appendFrame(w.buf[:0], kind, payload)
	_, err := w.conn.Write(w.buf)
	w.failed = err != nil
	return err
}

// reason prefers what the receiver has said, if it has cut the connection off, to
// the error of the write.
func (w *pieceWriter) reason(err error) error {
	if !w.failed {
		return err
	}
	if why := awaitVerdict(w.conn); isRefusal(why) || errors.Is(why, ErrRefused) {
		return why
	}
	return err
}

// maxPieceBytes bounds a frame of a snapshot that is received: a piece, or the
// message, with the membership, that announces it.
const maxPieceBytes = 2 << 20

// receiveSnapshot hands a snapshot to the handler and tells the sender what
// became of it.
func (t *Transport) receiveSnapshot(in *inbound) error {
	frames := in.frames(maxPieceBytes)
	kind, payload, err := frames.next()
	if err != nil {
		return err
	}
	if kind != frameMessage {
		return fmt.Errorf("%w: kind %q, want the snapshot's message", ErrFrame, kind)
	}
	m, err := decodeMessage(payload, in.hello, t.cfg.Handler.Identity().MemberID)
	if err == nil {
		err = t.cfg.Handler.Snapshot(in.ctx, m, &pieceReader{in: in, frames: frames})
	}
	if err != nil {
		in.end(err)
		return err
	}
	return in.write(appendFrame(nil, frameAnswer, nil))
}

// pieceReader is the bytes of a snapshot, piece by piece.
type pieceReader struct {
	in     *inbound
	frames *frameReader
	piece  []byte
	err    error
}

func (r *pieceReader) Read(b []byte) (int, error) {
	for len(r.piece) == 0 && r.err == nil {
		r.piece, r.err = r.next()
	}
	if len(r.piece) == 0 {
		return 0, r.err
	}
	n := copy(b, r.piece)
	r.piece = r.piece[n:]
	return n, nil
}

func (r *pieceReader) next() ([]byte, error) {
	if err := r.in.await(pieceTimeout); err != nil {
		return nil, err
	}
	kind, payload, err := r.frames.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: the snapshot is cut short", io.ErrUnexpectedEOF)
	case err != nil:
		return nil, err
	case kind == framePiece:
		return payload, nil
	case kind == frameEnd:
		return nil, io.EOF
	}
	return nil, fmt.Errorf("%w: kind %q within a snapshot", ErrFrame, kind)
}
