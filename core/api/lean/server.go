package lean

import (
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
		ConnContext: withState,
	}
	return s
}

// plainHTTP serves HTTP/1.1, in which there is no gRPC.
func (s *Server) plainHTTP() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS, _ = r.Context().Value(stateKey{}).(*tls.ConnectionState)
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

// Drain stops accepting, has every peer told, lets what is under way finish, and
// returns when all connections have ended, or ctx has.
func (s *Server) Drain(ctx context.Context) error {
	s.stopAccepting()
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.idle.Broadcast()
	})()
	s.tellAll()
	web := s.web.Shutdown(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.inUse() && ctx.Err() == nil {
		s.idle.Wait()
	}
	s.stopLooking()
	return errors.Join(web, ctx.Err())
}

// tellAll starts to drain all connections.
func (s *Server) tellAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.startDrain()
	}
	s.closeGreeting()
}

// inUse reports whether there are connections. s.mu is held.
func (s *Server) inUse() bool { return len(s.conns) > 0 || len(s.greeting) > 0 }

// stopLooking ends lookAfter when there is nothing to look at. s.mu is held.
func (s *Server) stopLooking() {
	if s.looking != nil && !s.inUse() {
		close(s.looking)
		s.looking = nil
	}
}

// Close ends all connections at once, and returns when they have ended. Handlers may
// still run, with contexts that have ended.
func (s *Server) Close() {
	s.stopAccepting()
	_ = s.web.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.raw.Close()
	}
	s.closeGreeting()
	for s.inUse() {
		s.idle.Wait()
	}
	s.stopLooking()
}

// closeGreeting closes what has asked for nothing yet. s.mu is held.
func (s *Server) closeGreeting() {
	for nc := range s.greeting {
		_ = nc.Close()
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
}
