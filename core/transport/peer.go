package transport

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// peer is the way to one member: a queue, and a goroutine that keeps a connection
// and empties the queue into it.
type peer struct {
	t      *Transport
	id     uint64
	url    string
	ctx    context.Context
	cancel context.CancelFunc
	logger *zap.Logger

	alive     chan struct{} // has a value when the peer has been heard of
	queue     chan outgoing
	bytes     atomic.Int64 // in queue
	connected atomic.Bool
}

// outgoing is a message that waits; due times never fall along the queue.
type outgoing struct {
	m     *raftpb.Message
	bytes int
	due   time.Time // zero without a delay
}

func newPeer(t *Transport, id uint64, url string) *peer {
	ctx, cancel := context.WithCancel(t.ctx)
	return &peer{
		t: t, id: id, url: url, ctx: ctx, cancel: cancel,
		logger: t.cfg.Logger.With(zap.String("peer", fmt.Sprintf("%x", id)), zap.String("url", url)),
		alive:  make(chan struct{}, 1),
		queue:  make(chan outgoing, queueMessages),
	}
}

// send queues m and reports whether it could.
func (p *peer) send(m *raftpb.Message) bool {
	if !p.connected.Load() {
		return false
	}
	o := outgoing{m: m, bytes: proto.Size(m)}
	if p.t.cfg.Delay > 0 {
		o.due = time.Now().Add(p.t.cfg.Delay)
	}
	if p.bytes.Add(int64(o.bytes)) > queueBytes && o.bytes <= queueBytes {
		p.bytes.Add(-int64(o.bytes))
		return false
	}
	select {
	case p.queue <- o:
		return true
	default:
		p.bytes.Add(-int64(o.bytes))
		return false
	}
}

// run keeps a connection until the peer is let go.
func (p *peer) run() {
	pause := minBackoff
	last := ""
	for p.ctx.Err() == nil {
		start := time.Now()
		err := p.connect()
		if p.ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != last { // the same reason is told once
			p.logger.Warn("no connection to the peer", zap.Error(err))
			last = text
		}
		if isRefusal(err) {
			p.t.cfg.Handler.Refused(p.id, err)
		}
		if time.Since(start) > maxBackoff {
			pause, last = minBackoff, ""
		}
		select {
		case <-p.ctx.Done():
		case <-p.alive:
			pause = minBackoff
		case <-time.After(pause/2 + rand.N(pause)):
			pause = min(2*pause, maxBackoff)
		}
	}
}

// heard ends the pause before the next attempt to dial: the peer has dialled.
func (p *peer) heard() {
	select {
	case p.alive <- struct{}{}:
	default:
	}
}

func isRefusal(err error) bool {
	for _, sentinel := range refusals {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

// connect dials and serves one connection to its end, which always has a reason.
func (p *peer) connect() error {
	conn, err := dial(p.ctx, p.t.cfg.ClientTLS, p.url, greeting{From: p.t.cfg.Handler.Identity(), To: p.id, Kind: kindMessages})
	if err != nil {
		return err
	}
	p.logger.Info("connected to the peer")
	ctx, cancel := context.WithCancelCause(p.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		cancel(p.listen(conn))
	}()
	hangUp(ctx, conn)
	p.connected.Store(true)
	cancel(p.write(ctx, conn)) // of several reasons, the first one counts
	p.connected.Store(false)
	<-done
	p.drain()
	p.t.cfg.Handler.Undelivered(p.id, nil)
	return context.Cause(ctx)
}

// listen reads the peer's life signs, until it says why it ends or is silent.
func (p *peer) listen(conn net.Conn) error {
	frames := frameReader{r: bufio.NewReader(conn), maxBytes: 64 << 10}
	for {
		if err := conn.SetReadDeadline(time.Now().Add(silenceTimeout)); err != nil {
			return err
		}
		kind, payload, err := frames.next()
		switch {
		case err != nil:
			return fmt.Errorf("the peer is silent or gone: %w", err)
		case kind == framePing:
		case kind == frameRefusal:
			return decodeRefusal(payload)
		default:
			return fmt.Errorf("%w: kind %q, want a life sign", ErrFrame, kind)
		}
	}
}

func decodeRefusal(payload []byte) error {
	var r refusal
	if err := json.Unmarshal(payload, &r); err != nil {
		return fmt.Errorf("%w: refusal: %w", ErrFrame, err)
	}
	return r.err()
}

// write empties the queue into conn until ctx ends or a write fails.
func (p *peer) write(ctx context.Context, conn net.Conn) error {
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	var buf []byte
	var next *outgoing // taken from the queue, not due yet
	for {
		buf = buf[:0]
		if next == nil {
			select {
			case o := <-p.queue:
				next = &o
			case <-ping.C:
				buf = appendFrame(buf, framePing, nil)
			case <-ctx.Done():
				return ctx.Err()
			}
		} else {
			select {
			case <-ping.C:
				buf = appendFrame(buf, framePing, nil)
			default:
			}
		}
		if next != nil {
			if err := sleepUntil(ctx, next.due); err != nil {
				return err
			}
			var err error
			if buf, next, err = p.batch(buf, *next); err != nil {
				return err
			}
		}
		if err := conn.SetWriteDeadline(time.Now().Add(silenceTimeout)); err != nil {
			return err
		}
		if _, err := conn.Write(buf); err != nil {
			return err
		}
		if cap(buf) > keptFrameBytes {
			buf = nil
		}
	}
}

// batch encodes o and what else is due, up to batchBytes. It returns the first
// message that is not due.
func (p *peer) batch(buf []byte, o outgoing) ([]byte, *outgoing, error) {
	now := time.Now()
	for {
		p.bytes.Add(-int64(o.bytes))
		var start int
		var err error
		buf, start = beginFrame(buf, frameMessage)
		if buf, err = (proto.MarshalOptions{}).MarshalAppend(buf, o.m); err != nil {
			return nil, nil, fmt.Errorf("transport: encode a message: %w", err)
		}
		buf = endFrame(buf, start)
		if len(buf) >= batchBytes {
			return buf, nil, nil
		}
		select {
		case o = <-p.queue:
			if o.due.After(now) {
				return buf, &o, nil
			}
		default:
			return buf, nil, nil
		}
	}
}

func sleepUntil(ctx context.Context, due time.Time) error {
	d := time.Until(due)
	if due.IsZero() || d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain drops what is queued: it would be old by the time of the next connection.
func (p *peer) drain() {
	for {
		select {
		case o := <-p.queue:
			p.bytes.Add(-int64(o.bytes))
			p.t.cfg.Handler.Undelivered(p.id, o.m)
		default:
			return
		}
	}
}
