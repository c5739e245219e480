package lean

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// greet finds out what a connection speaks, and serves it.
func (s *Server) greet(nc net.Conn) {
	s.mu.Lock()
	s.greeting[nc] = struct{}{}
	closing := s.closing
	s.mu.Unlock()
	defer s.greeted(nc)
	if closing {
		_ = nc.Close()
		return
	}
	_ = nc.SetDeadline(time.Now().Add(s.timing.handshake))
	var state *tls.ConnectionState
	conn := nc
	if s.o.TLS != nil {
		secure := tls.Server(nc, s.o.TLS)
		if err := secure.Handshake(); err != nil {
			s.o.ErrorLog.Printf("lean: TLS handshake with %s: %v", nc.RemoteAddr(), err)
			_ = nc.Close()
			return
		}
		known := secure.ConnectionState()
		conn, state = secure, &known
	}
	first, isHTTP2, err := sniff(conn)
	if err == nil && !isHTTP2 && !isHTTP1(first) {
		_, _ = conn.Write(appendGoAway(nil, 0, http2.ErrCodeProtocol, "neither HTTP/2's preface nor a request of HTTP/1.1"))
		err = errors.New("lean: an unknown protocol")
	}
	if state != nil && (state.NegotiatedProtocol == http2.NextProtoTLS) != isHTTP2 {
		err = errors.New("lean: the protocol is not the one that TLS negotiated")
	}
	if err != nil {
		_ = conn.Close()
		return
	}
	_ = nc.SetDeadline(time.Time{})
	if !isHTTP2 {
		s.webConns.hand(&startedConn{Conn: conn, first: first, state: state})
		return
	}
	c := newConn(s, nc, conn, state)
	if !s.register(c) {
		_ = conn.Close()
		return
	}
	s.greeted(nc)
	defer s.unregister(c)
	c.serve(first[len(http2.ClientPreface):])
}

// greeted says that a connection is known, or gone.
func (s *Server) greeted(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.greeting, nc)
	s.idle.Broadcast()
}

func (s *Server) register(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.conns[c] = struct{}{}
	}
	return !s.closing
}

func (s *Server) unregister(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.idle.Broadcast()
}

// sniff reads as much as tells HTTP/2's preface from anything else.
func sniff(r io.Reader) (first []byte, isHTTP2 bool, err error) {
	const preface = http2.ClientPreface
	buf := make([]byte, 512)
	n := 0
	for n < len(preface) {
		k, err := r.Read(buf[n:])
		if n += k; string(buf[:min(n, len(preface))]) != preface[:min(n, len(preface))] {
			return buf[:n], false, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	return buf[:n], true, nil
}

// isHTTP1 reports whether a connection's first bytes may be those of a request of
// HTTP/1.1.
func isHTTP1(first []byte) bool {
	line, _, whole := bytes.Cut(first, []byte("\n"))
	return !whole || bytes.Contains(line, []byte(" HTTP/1."))
}

// startedConn is a connection of which something has been read.
type startedConn struct {
	net.Conn
	first []byte
	state *tls.ConnectionState // nil without TLS
}

// CloseWrite lets net/http end its side first, so that a peer that still sends reads why.
func (c *startedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// stateKey has the TLS state of a startedConn in its requests' contexts.
type stateKey struct{}

func withState(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*startedConn); ok && c.state != nil {
		return context.WithValue(ctx, stateKey{}, c.state)
	}
	return ctx
}

func (c *startedConn) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// handedOver is a listener for connections that were accepted elsewhere.
type handedOver struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newHandedOver() *handedOver {
	return &handedOver{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// hand gives a connection to who accepts, or closes it.
func (h *handedOver) hand(nc net.Conn) {
	select {
	case h.conns <- nc:
	case <-h.closed:
		_ = nc.Close()
	}
}

// Accept implements net.Listener.
func (h *handedOver) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handedOver) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handedOver) Addr() net.Addr { return &net.TCPAddr{} }
