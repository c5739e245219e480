package lean

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// Options say what a Server serves. Methods and NewSession, GRPC and Web must be set.
type Options struct {
	// Methods are the full names of the unary calls that sessions answer.
	Methods []string
	// NewSession makes the session of a connection. It may keep the Conn, and must not
	// call it yet.
	NewSession func(*Conn) Session
	// Services are the names of all gRPC services.
	Services []string
	// GRPC serves gRPC's other requests, which are HTTP/2's.
	GRPC http.Handler
	// Web serves all requests that are not gRPC's, of HTTP/2 and HTTP/1.1.
	Web http.Handler
	// TLS serves TLS with ALPN; nil serves plain text.
	TLS *tls.Config
	// MaxMessageBytes bounds a request's message.
	MaxMessageBytes int
	// MaxConcurrentStreams bounds the calls under way on a connection; 0 means
	// DefaultMaxConcurrentStreams.
	MaxConcurrentStreams uint32
	// ReadHeaderTimeout, IdleTimeout and MaxHeaderBytes are of HTTP/1.1's
	// connections, as in net/http.
	ReadHeaderTimeout, IdleTimeout time.Duration
	MaxHeaderBytes                 int
	// ErrorLog gets complaints about connections and handlers; nil discards them.
	ErrorLog *log.Logger
}

// ErrServerClosed is returned by Serve after Drain or Close.
var ErrServerClosed = errors.New("lean: server closed")

// Server serves a port. Its methods may be called from any goroutine.
type Server struct {
	o        Options
	timing   timing
	methods  map[string]int
	services map[string]bool
	budget   budget
	web      *http.Server
	webConns *handedOver

	mu        sync.Mutex
	idle      sync.Cond
	listeners map[net.Listener]struct{}
	conns     map[*Conn]struct{}
	greeting  map[net.Conn]struct{} // not known to speak HTTP/2
	closing   bool
	looking   chan struct{} // closed when the connections need not be looked at any more
}

// New returns a server that is ready to serve.
func New(o Options) *Server {
	if o.MaxConcurrentStreams == 0 {
		o.MaxConcurrentStreams = DefaultMaxConcurrentStreams
	}
	if o.ErrorLog == nil {
		o.ErrorLog = log.New(io.Discard, "", 0)
	}
	s := &Server{
		o: o, timing: defaultTiming,
		methods: make(map[string]int), services: make(map[string]bool),
		budget:    budget{max: maxBuffered},
		webConns:  newHandedOver(),
		listeners: make(map[net.Listener]struct{}), conns: make(map[*Conn]struct{}), greeting: make(map[net.Conn]struct{}),
	}
	s.idle.L = &s.mu
	for i, m := range o.Methods {
		s.methods[m] = i
	}
	for _, name := range o.Services {
		s.services[name] = true
	}
	if o.TLS != nil {
		s.o.TLS = o.TLS.Clone()
		s.o.TLS.NextProtos = []string{http2.NextProtoTLS, "http/1.1"}
	}
	s.web = &http.Server{
		Handler: s.plainHTTP(), ErrorLog: o.ErrorLog,
		ReadHeaderTimeout: o.ReadHeaderTimeout, IdleTimeout: o.IdleTimeout, MaxHeaderBytes: o.MaxHeaderBytes,
	}
	return s
}

// plainHTTP serves HTTP/1.1, in which there is no gRPC.
func (s *Server) plainHTTP() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isGRPC(r.Header.Get("Content-Type")) || s.isService(r.URL.Path) {
			http.Error(w, "gRPC requires HTTP/2", http.StatusHTTPVersionNotSupported)
			return
		}
		s.o.Web.ServeHTTP(w, r)
	})
}

// Serve accepts connections from l, which it closes, until Drain or Close.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.enter(l) {
		return ErrServerClosed
	}
	defer s.leave(l)
	for {
		nc, err := l.Accept()
		if err == nil {
			go s.greet(nc)
			continue
		}
		if s.isClosing() {
			return ErrServerClosed
		}
		if temporary, ok := err.(interface{ Temporary() bool }); !ok || !temporary.Temporary() {
			return err
		}
		time.Sleep(s.timing.acceptWait) // out of descriptors, say: others will close theirs
	}
}

func (s *Server) enter(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.listeners[l] = struct{}{}
	if s.looking == nil {
		s.looking = make(chan struct{})
		go s.lookAfter(s.looking)
		go func() { _ = s.web.Serve(s.webConns) }()
	}
	return true
}

func (s *Server) leave(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

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
		s.webConns.hand(&startedConn{Conn: conn, first: first})
		return
	}
	c := newConn(s, conn, state)
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

// Drain stops accepting, has every peer told, lets what is under way finish, and
// returns when all connections have ended, or ctx has.
func (s *Server) Drain(ctx context.Context) error {
	s.stopAccepting()
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.idle.Broadcast()
	})()
	web := s.web.Shutdown(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.startDrain()
	}
	for (len(s.conns) > 0 || len(s.greeting) > 0) && ctx.Err() == nil {
		s.idle.Wait()
	}
	return errors.Join(web, ctx.Err())
}

// Close ends all connections at once, and returns when they have ended. Handlers may
// still run, with contexts that have ended.
func (s *Server) Close() {
	s.stopAccepting()
	_ = s.web.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.nc.Close()
	}
	for nc := range s.greeting {
		_ = nc.Close()
	}
	for len(s.conns) > 0 || len(s.greeting) > 0 {
		s.idle.Wait()
	}
}

func (s *Server) stopAccepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return
	}
	s.closing = true
	for l := range s.listeners {
		_ = l.Close()
	}
	_ = s.webConns.Close()
	if s.looking != nil {
		close(s.looking)
	}
}

// lookAfter looks at all connections now and then, until it is told to stop.
func (s *Server) lookAfter(stop chan struct{}) {
	tick := time.NewTicker(s.timing.tick())
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			s.mu.Lock()
			for c := range s.conns {
				c.lookAt(now)
			}
			s.mu.Unlock()
		}
	}
}

// lookAt ends a connection whose peer takes nothing, or has gone, and asks one that
// has been silent.
func (c *Conn) lookAt(now time.Time) {
	t := c.srv.timing
	since := func(unixNano int64) time.Duration { return now.Sub(time.Unix(0, unixNano)) }
	writing, pinged, read := c.writingSince.Load(), c.pinged.Load(), c.lastRead.Load()
	if pinged != 0 && read > pinged {
		pinged = 0
	}
	switch {
	case writing != 0 && since(writing) > t.stall, pinged != 0 && since(pinged) > t.pingWait:
		_ = c.nc.Close()
	case pinged == 0 && since(read) > t.pingEvery:
		c.pinged.Store(now.UnixNano())
		c.tell(event{kind: evPing})
	}
}

// startDrain tells the peer that the connection will take no more calls, and, when
// it has taken note, that it takes none.
func (c *Conn) startDrain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.drain != serving {
		return
	}
	c.drain = asked
	c.events = append(c.events, event{kind: evDrain})
	c.wake.Broadcast()
	time.AfterFunc(c.srv.timing.drainAck, c.refuseStreams)
}

// refuseStreams admits no more streams. The peer is told which was the last.
func (c *Conn) refuseStreams() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.drain != asked {
		return
	}
	c.drain = refusing
	c.events = append(c.events, event{kind: evRefusing, id: c.lastID})
	c.wake.Broadcast()
}

// startedConn is a connection of which something has been read.
type startedConn struct {
	net.Conn
	first []byte
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
