package lean

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// exchangeOut is how much of an answer may wait for the writer, and exchangeFlush how
// much does not wait for the handler to flush it. When all answers of a connection come
// to maxHeld, no more of one may wait than that.
const (
	exchangeOut   = 64 << 10
	exchangeFlush = 4 << 10
)

// exchange is a call that an http.Handler serves, on a goroutine of its own. It is
// the request's body and the answer's writer.
//
//	reader    puts in what comes, up to the stream's window
//	handler   reads it, which gives the peer room for more; writes, and waits while
//	          exchangeOut waits to be sent
//	writer    sends what there is, as windows allow
type exchange struct {
	c    *Conn
	call *Call
	head bool // the method is HEAD: there is no body
	asks bool // the peer waits to hear that its body is wanted; belongs to Read

	mu       sync.Mutex
	readable sync.Cond
	writable sync.Cond

	in        []byte // received
	read      int    // of it
	peerEnded bool
	inEnd     error // why nothing follows: io.EOF, or what went wrong
	unread    int64 // bytes of the window that were read and not given back
	header    http.Header
	status    int // 0: the header is not written
	block     []byte
	declared  []string // names of trailers
	out       []byte
	finished  bool
	failed    bool // the handler panicked
	broken    error
	headSent  bool
	endSent   bool // the last frame
}

var (
	_ http.ResponseWriter = (*exchange)(nil)
	_ http.Flusher        = (*exchange)(nil)
	_ io.ReadCloser       = (*exchange)(nil)
)

// localAddrKey is where net/http has it, and grpc-go looks for it.
var localAddrKey = http.LocalAddrContextKey

// hand gives a call to a handler.
func (c *Conn) hand(call *Call, to route, h *head, end bool) {
	x := &exchange{c: c, call: call, head: h.method == http.MethodHead, header: make(http.Header)}
	x.readable.L, x.writable.L = &x.mu, &x.mu
	call.exchange = x
	call.state.Store(callBegun)
	c.calm.refill(1)
	if end {
		x.peerEnded, x.inEnd = true, io.EOF
	}
	r, err := x.request(h, end)
	if err != nil {
		c.stop(call, http2.ErrCodeProtocol)
		c.post(event{kind: evAnswer, call: call})
		return
	}
	handler := c.srv.o.Web
	if to == toGRPC {
		handler = c.srv.o.GRPC
		if !end {
			c.allowExchange(call)
		}
	}
	go x.serve(handler, r)
}

// allowExchange raises the stream's window.
func (c *Conn) allowExchange(call *Call) {
	call.window.Add(exchangeWindow - streamWindow)
	c.post(event{kind: evGrant, call: call, n: exchangeWindow - streamWindow})
}

// request makes net/http's request.
func (x *exchange) request(h *head, end bool) (*http.Request, error) {
	where, err := url.ParseRequestURI(h.path)
	if err != nil && h.path != "*" {
		return nil, err
	}
	if where == nil {
		where = &url.URL{Path: h.path}
	}
	host := h.authority
	if h.authorities == 0 {
		host = h.host
	}
	header := make(http.Header, len(h.fields))
	for _, f := range h.fields {
		switch {
		case f.Name == "host":
		case f.Name == "expect" && strings.EqualFold(f.Value, "100-continue"):
			x.asks = !end
		default:
			name := http.CanonicalHeaderKey(f.Name)
			header[name] = append(header[name], f.Value)
		}
	}
	r := &http.Request{
		Method: h.method, URL: where, Proto: "HTTP/2.0", ProtoMajor: 2, Header: header, Body: x,
		ContentLength: h.contentLength, Host: host, RemoteAddr: x.c.nc.RemoteAddr().String(), RequestURI: h.path, TLS: x.c.tls,
	}
	if end {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r.WithContext(x.call.Context()), nil
}

// serve runs the handler.
func (x *exchange) serve(handler http.Handler, r *http.Request) {
	defer func() {
		failed := recover()
		if failed != nil && failed != http.ErrAbortHandler {
			x.c.srv.o.ErrorLog.Printf("lean: a handler panicked on %s: %v\n%s", r.URL.Path, failed, debug.Stack())
		}
		x.finish(failed != nil)
	}()
	handler.ServeHTTP(x, r)
}

// finish ends the answer: the handler has returned.
func (x *exchange) finish(failed bool) {
	x.mu.Lock()
	if x.status == 0 && !failed {
		x.writeHeader(http.StatusOK)
	}
	x.finished, x.failed = true, failed
	x.inEnd = errDisconnected
	x.dropInput()
	x.mu.Unlock()
	x.c.Answer(x.call)
}

// dropInput forgets what was received and not read. x.mu is held.
func (x *exchange) dropInput() {
	x.c.srv.budget.give(cap(x.in))
	x.in, x.read = nil, 0
}

// breakOff ends the exchange from the other side.
func (x *exchange) breakOff(why error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.broken = why
	if x.inEnd == nil {
		x.inEnd = why
	}
	x.dropInput()
	x.sent(len(x.out))
	x.readable.Broadcast()
	x.writable.Broadcast()
	x.call.end()
}

// feed takes a part of a request that a handler reads.
func (c *Conn) feed(call *Call, p []byte, end bool) error {
	x := call.exchange
	x.mu.Lock()
	defer x.mu.Unlock()
	x.peerEnded = end
	if x.inEnd == nil && len(p) > 0 && !x.store(p) {
		return brokenStream(call.id, http2.ErrCodeEnhanceYourCalm, "too many bytes of requests that are not read")
	}
	if x.inEnd == nil && end {
		x.inEnd = io.EOF
	}
	x.readable.Signal()
	return nil
}

// store keeps received bytes. x.mu is held.
func (x *exchange) store(p []byte) bool {
	if x.read > 0 && len(x.in)+len(p) > cap(x.in) {
		x.in, x.read = x.in[:copy(x.in, x.in[x.read:])], 0
	}
	before := cap(x.in)
	longer := append(x.in, p...)
	if !x.c.srv.budget.take(cap(longer) - before) {
		return false
	}
	x.in = longer
	return true
}

// Read implements io.Reader for the request's body.
func (x *exchange) Read(p []byte) (n int, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.asks && x.status == 0 && x.inEnd == nil && len(x.in) == 0 {
		x.c.tell(event{kind: evContinue, call: x.call})
	}
	x.asks = false
	for x.read == len(x.in) && x.inEnd == nil {
		x.readable.Wait()
	}
	if x.read == len(x.in) {
		return 0, x.inEnd
	}
	n = copy(p, x.in[x.read:])
	if x.read += n; x.read == len(x.in) {
		x.in, x.read = x.in[:0], 0
		if cap(x.in) > largeInput {
			x.dropInput()
		}
	}
	if x.unread += int64(n); x.unread >= streamWindow/2 && x.inEnd == nil {
		x.call.window.Add(x.unread)
		x.c.tell(event{kind: evGrant, call: x.call, n: uint32(x.unread)})
		x.unread = 0
	}
	return n, nil
}

// Close implements io.Closer for the request's body.
func (x *exchange) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inEnd == nil {
		x.inEnd = errors.New("lean: body closed by handler") // a text that grpc-go looks for
	}
	x.readable.Broadcast()
	return nil
}

// Header implements http.ResponseWriter. After the header it holds the trailer.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("lean: HTTP status %d", status)) // as net/http does
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.status == 0 && status >= 200 {
		x.writeHeader(status)
	}
}

// writeHeader fixes the header. x.mu is held.
func (x *exchange) writeHeader(status int) {
	x.status = status
	for _, names := range x.header["Trailer"] {
		for name := range strings.SplitSeq(names, ",") {
			x.declared = append(x.declared, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	if _, ok := x.header["Date"]; !ok {
		x.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	x.block = appendFields(x.block, x.header, func(name string) bool {
		return strings.HasPrefix(name, http.TrailerPrefix) || slices.Contains(x.declared, name) || forbidden[name]
	})
}

// forbidden are fields of HTTP/1.1's connections.
var forbidden = map[string]bool{"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Transfer-Encoding": true, "Upgrade": true}

// trailer returns the trailer that the handler has left in the header. x.mu is held.
func (x *exchange) trailer() []byte {
	var block []byte
	for name, values := range x.header {
		prefixed := strings.HasPrefix(name, http.TrailerPrefix)
		if !prefixed && !slices.Contains(x.declared, name) {
			continue
		}
		for _, v := range values {
			block = appendLiteral(block, strings.ToLower(strings.TrimPrefix(name, http.TrailerPrefix)), v)
		}
	}
	return block
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (n int, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.status == 0 {
		x.writeHeader(http.StatusOK)
	}
	if x.head || x.status == http.StatusNoContent || x.status == http.StatusNotModified {
		return len(p), nil
	}
	for len(p) > 0 {
		if x.broken != nil {
			return n, x.broken
		}
		k := x.take(len(p))
		if k == 0 {
			x.writable.Wait()
			continue
		}
		x.out = append(x.out, p[:k]...)
		n, p = n+k, p[k:]
		if len(x.out) >= exchangeFlush {
			x.c.tell(event{kind: evOutput, call: x.call})
		}
	}
	return n, nil
}

// take returns how many of n bytes may wait for the writer now, and counts them. x.mu is
// held.
func (x *exchange) take(n int) int {
	k := max(0, min(n, exchangeOut-len(x.out)))
	if x.c.written.Add(int64(k)) > maxHeld {
		less := max(0, min(k, exchangeFlush-len(x.out)))
		x.c.written.Add(int64(less - k))
		k = less
	}
	return k
}

// Flush implements http.Flusher.
func (x *exchange) Flush() {
	x.mu.Lock()
	if x.status == 0 {
		x.writeHeader(http.StatusOK)
	}
	x.mu.Unlock()
	x.c.tell(event{kind: evOutput, call: x.call})
}

// askOn tells the peer that a handler wants the body of its request.
func (c *Conn) askOn(call *Call) {
	call.exchange.mu.Lock()
	defer call.exchange.mu.Unlock()
	if !call.released && !call.dead && !call.exchange.headSent {
		c.out = c.heads.appendBlock(c.out, call.id, http.StatusContinue, nil, false)
	}
}

// sendExchange sends what a handler has written, a frame of it at most.
func (c *Conn) sendExchange(call *Call) {
	x := call.exchange
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.failed {
		x.sent(len(x.out))
		c.appendReset(call.id, http2.ErrCodeInternal)
		c.release(call)
		return
	}
	if x.status == 0 {
		return // nothing is to be sent yet
	}
	if !x.headSent {
		x.headSent, x.endSent = true, x.ends() && len(x.out) == 0
		c.out = c.heads.appendBlock(c.out, call.id, x.status, x.block, x.endSent)
		x.block = nil
	}
	if len(x.out) > 0 {
		n := c.allowed(call, len(x.out))
		if n == 0 {
			c.hold(call)
			return
		}
		var flags http2.Flags
		if n == len(x.out) && x.ends() {
			x.endSent, flags = true, http2.FlagDataEndStream
		}
		c.out = append(appendFrameHeader(c.out, n, http2.FrameData, flags, call.id), x.out[:n]...)
		c.spend(call, n)
		if x.sent(n); len(x.out) > 0 {
			c.enqueue(call)
		}
	}
	if x.finished && len(x.out) == 0 {
		c.finishExchange(call, x)
	}
}

// sent takes n bytes off what waits. x.mu is held.
func (x *exchange) sent(n int) {
	x.c.written.Add(int64(-n))
	if x.out = x.out[n:]; len(x.out) == 0 {
		x.out = nil
	}
	x.writable.Signal()
}

// ends reports whether nothing follows what is to be sent: no more data, no trailer.
// x.mu is held.
func (x *exchange) ends() bool { return x.finished && len(x.trailer()) == 0 }

// finishExchange ends an answer whose data have been sent. x.mu is held.
func (c *Conn) finishExchange(call *Call, x *exchange) {
	if trailer := x.trailer(); len(trailer) > 0 {
		c.out = c.heads.appendTrailer(c.out, call.id, trailer)
	} else if !x.endSent { // all was sent before the handler returned
		c.out = appendFrameHeader(c.out, 0, http2.FrameData, http2.FlagDataEndStream, call.id)
	}
	if !x.peerEnded {
		c.appendReset(call.id, http2.ErrCodeNo) // more is not wanted
	}
	c.release(call)
}
