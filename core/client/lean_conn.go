package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The methods of a leanConn.
const (
	leanPut = iota
	leanRange
	leanDelete
	leanMethods // their number
)

var leanPaths = [leanMethods]string{
	leanPut: etcdserverpb.KV_Put_FullMethodName, leanRange: etcdserverpb.KV_Range_FullMethodName, leanDelete: etcdserverpb.KV_DeleteRange_FullMethodName,
}

const (
	// leanWindow is what the server may send on a stream, and on the connection: more
	// than it will.
	leanWindow = 1 << 30
	// firstWindow and firstFrame are HTTP/2's, until the server says otherwise.
	firstWindow = 1<<16 - 1
	firstFrame  = 16 << 10
	// gatherBytes of output are worth a system call at once.
	gatherBytes = 16 << 10
	// lastStream is a connection's last; another is opened then.
	lastStream = 1<<31 - 1
)

// leanConn is a connection's place.
type leanConn struct {
	endpoint string
	tls      *tls.Config
	link     atomic.Pointer[link] // nil: none has been opened; set under mu

	mu      sync.Mutex
	opening chan struct{}
	failed  error     // why the last attempt did
	retryAt time.Time // no attempt before
	backoff time.Duration
	closed  bool
}

// leanCall is a call that is under way. It belongs to its caller, but for what a link
// does under its mutex.
type leanCall struct {
	wake  chan struct{} // has room for one value: the outcome is there
	id    uint32
	rest  []byte // of the request, for which there was no window
	room  int64  // of the stream's window
	reply []byte
	code  string // grpc-status
	text  string // grpc-message, encoded
	http  string // :status
	err   error
}

func newLeanConn(o Options) *leanConn { return &leanConn{endpoint: o.Endpoint, tls: o.TLS} }

// invoke makes a call. The reply is the caller's until its next call.
func (c *leanConn) invoke(ctx context.Context, method int, request []byte, call *leanCall) ([]byte, error) {
	l := c.link.Load()
	if l == nil || !l.start(ctx, method, request, call) {
		var err error
		if l, err = c.connected(ctx); err != nil {
			return nil, notSentError(err)
		}
		if !l.start(ctx, method, request, call) {
			return nil, notSentError(l.whyNot(ctx))
		}
	}
	select {
	case <-call.wake:
	case <-ctx.Done():
		if l.cancel(call) {
			return nil, contextError(ctx)
		}
		<-call.wake // the outcome is there
	}
	return call.outcome()
}

// outcome turns what came into a reply or a status.
func (call *leanCall) outcome() ([]byte, error) {
	switch {
	case call.err != nil:
		return nil, call.err
	case call.code != "" && call.code != "0":
		code, err := strconv.ParseUint(call.code, 10, 32)
		if err != nil {
			return nil, status.Errorf(codes.Internal, "client: malformed grpc-status %q", call.code)
		}
		text, err := url.PathUnescape(call.text)
		if err != nil {
			text = call.text
		}
		return nil, status.Error(codes.Code(code), text)
	case call.code == "":
		return nil, status.Errorf(codes.Unknown, "client: an answer without grpc-status, HTTP status %q", call.http)
	case len(call.reply) < 5 || call.reply[0] != 0 || int(binary.BigEndian.Uint32(call.reply[1:])) != len(call.reply)-5:
		return nil, status.Error(codes.Internal, "client: an answer that is not one plain message")
	}
	return call.reply[5:], nil
}

// connected returns the open link, or opens one. Callers that come meanwhile wait.
func (c *leanConn) connected(ctx context.Context) (*link, error) {
	c.mu.Lock()
	for c.opening != nil {
		wait := c.opening
		c.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, contextError(ctx)
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, errLeanClosed
	case c.link.Load().usable():
		return c.link.Load(), nil
	case time.Now().Before(c.retryAt):
		return nil, c.failed
	}
	c.opening = make(chan struct{})
	c.mu.Unlock()
	l, err := openLink(c.endpoint, c.tls)
	c.mu.Lock()
	close(c.opening)
	c.opening = nil
	if err == nil && c.closed {
		l.end(errLeanClosed)
		err = errLeanClosed
	}
	if err != nil {
		c.backoff = min(max(c.backoff*3/2, reconnectFirst), reconnectMost)
		c.failed, c.retryAt = err, time.Now().Add(c.backoff)
		return nil, err
	}
	c.link.Store(l)
	c.backoff = 0
	return l, nil
}

var errLeanClosed = errors.New("the client has been closed")

func (c *leanConn) close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	if l := c.link.Load(); l != nil {
		l.end(errLeanClosed)
		l.work.Wait()
	}
	return nil
}

// link is an open connection.
type link struct {
	nc   net.Conn
	work sync.WaitGroup

	mu       sync.Mutex
	wake     sync.Cond // the writer waits for output, callers for a free stream
	out      []byte
	enc      *hpack.Encoder
	block    bytes.Buffer
	fields   [leanMethods][]hpack.HeaderField
	blocks   [leanMethods][]byte // header blocks that leave the table as it is
	calls    map[uint32]*leanCall
	waiting  []*leanCall // for window, in order
	next     uint32
	room     int64 // of the connection's window
	initial  int64 // window of a stream
	most     int   // bytes in a frame
	streams  int   // that may be open
	draining bool  // no more calls are taken, and the link ends with the last of them
	err      error // why it has ended
}

// openLink dials, says hello, and starts the reader and the writer.
func openLink(endpoint string, config *tls.Config) (*link, error) {
	dialer := net.Dialer{Timeout: connectTimeout}
	nc, err := dialer.Dial("tcp", endpoint)
	if err != nil {
		return nil, err
	}
	scheme := "http"
	if config != nil {
		scheme = "https"
		if nc, err = secure(nc, endpoint, config); err != nil {
			return nil, err
		}
	}
	l := &link{
		nc: nc, calls: make(map[uint32]*leanCall), next: 1,
		room: firstWindow, initial: firstWindow, most: firstFrame, streams: 100,
	}
	l.wake.L = &l.mu
	l.enc = hpack.NewEncoder(&l.block)
	for m, path := range leanPaths {
		l.fields[m] = []hpack.HeaderField{
			{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: scheme}, {Name: ":path", Value: path}, {Name: ":authority", Value: endpoint},
			{Name: "content-type", Value: "application/grpc"}, {Name: "user-agent", Value: "metastore-lean"}, {Name: "te", Value: "trailers"},
		}
	}
	l.out = append(l.out, http2.ClientPreface...)
	l.out = appendFrame(l.out, http2.FrameSettings, 0, 0, settingsPayload(http2.SettingEnablePush, 0, http2.SettingInitialWindowSize, leanWindow))
	l.out = appendFrame(l.out, http2.FrameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, leanWindow-firstWindow))
	l.work.Go(l.write)
	l.work.Go(l.read)
	return l, nil
}

// secure negotiates TLS and HTTP/2.
func secure(nc net.Conn, endpoint string, config *tls.Config) (net.Conn, error) {
	config = config.Clone()
	config.NextProtos = []string{http2.NextProtoTLS}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(endpoint)
	}
	secured := tls.Client(nc, config)
	_ = nc.SetDeadline(time.Now().Add(connectTimeout))
	err := secured.Handshake()
	if err == nil && secured.ConnectionState().NegotiatedProtocol != http2.NextProtoTLS {
		err = errors.New("the server does not speak HTTP/2")
	}
	if err != nil {
		return nil, errors.Join(err, nc.Close())
	}
	return secured, nc.SetDeadline(time.Time{})
}

func settingsPayload(pairs ...any) (p []byte) {
	for i := 0; i < len(pairs); i += 2 {
		p = binary.BigEndian.AppendUint16(p, uint16(pairs[i].(http2.SettingID)))
		p = binary.BigEndian.AppendUint32(p, uint32(pairs[i+1].(int)))
	}
	return p
}

// appendFrame appends a frame.
func appendFrame(dst []byte, kind http2.FrameType, flags http2.Flags, stream uint32, payload []byte) []byte {
	n := len(payload)
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), byte(kind), byte(flags))
	return append(binary.BigEndian.AppendUint32(dst, stream), payload...)
}

// usable reports whether l is there and takes calls, or will.
func (l *link) usable() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err == nil && !l.draining
}

// whyNot says why start has not sent a call.
func (l *link) whyNot(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return l.err
	case ctx.Err() != nil:
		return contextError(ctx)
	}
	return errDraining
}

// start sends a call, and reports whether it has.
func (l *link) start(ctx context.Context, method int, request []byte, call *leanCall) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.calls) >= l.streams && l.err == nil && !l.draining {
		if !l.waitForStream(ctx) {
			return false
		}
	}
	if l.err != nil || l.draining {
		return false
	}
	*call = leanCall{wake: call.wake, id: l.next, room: l.initial, reply: call.reply[:0]}
	l.next += 2
	l.draining = l.next > lastStream
	l.calls[call.id] = call
	l.out = appendFrame(l.out, http2.FrameHeaders, http2.FlagHeadersEndHeaders, call.id, l.blockOf(method))
	if size := 5 + len(request); len(l.waiting) == 0 && size <= l.most && int64(size) <= min(l.room, call.room) {
		l.out = appendFrame(l.out, http2.FrameData, http2.FlagDataEndStream, call.id, nil)
		frame := l.out[len(l.out)-9:]
		frame[0], frame[1], frame[2] = byte(size>>16), byte(size>>8), byte(size)
		l.out = append(binary.BigEndian.AppendUint32(append(l.out, 0), uint32(len(request))), request...)
		l.room, call.room = l.room-int64(size), call.room-int64(size)
	} else {
		call.rest = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request))), request...)
		l.waiting = append(l.waiting, call)
		l.sendWaiting()
	}
	l.wake.Broadcast()
	return true
}

var errDraining = errors.New("the server takes no more calls on this connection")

// waitForStream waits until something has changed, and returns false when ctx has ended
// before. l.mu is held.
func (l *link) waitForStream(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.wake.Broadcast()
	})
	defer stop()
	if ctx.Err() != nil {
		return false
	}
	l.wake.Wait()
	return true
}

// blockOf returns a method's header block. l.mu is held, and what is returned goes into
// the output before the next one.
func (l *link) blockOf(method int) []byte {
	if b := l.blocks[method]; b != nil {
		return b
	}
	l.block.Reset()
	for _, f := range l.fields[method] {
		_ = l.enc.WriteField(f) // a bytes.Buffer takes all
	}
	if l.block.Len() == len(l.fields[method]) { // a byte for each: they are all in the table
		l.blocks[method] = bytes.Clone(l.block.Bytes())
	} else {
		clear(l.blocks[:])
	}
	return l.block.Bytes()
}

// sendWaiting sends of requests what windows allow. l.mu is held.
func (l *link) sendWaiting() {
	kept := l.waiting[:0]
	for _, call := range l.waiting {
		for len(call.rest) > 0 {
			n := int(min(int64(len(call.rest)), int64(l.most), l.room, call.room))
			if n <= 0 {
				break
			}
			var flags http2.Flags
			if n == len(call.rest) {
				flags = http2.FlagDataEndStream
			}
			l.out = appendFrame(l.out, http2.FrameData, flags, call.id, call.rest[:n])
			call.rest, l.room, call.room = call.rest[n:], l.room-int64(n), call.room-int64(n)
		}
		if len(call.rest) > 0 {
			kept = append(kept, call)
		}
	}
	clear(l.waiting[len(kept):])
	l.waiting = kept
}

// cancel gives a call up, and reports whether it was still under way.
func (l *link) cancel(call *leanCall) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls[call.id] != call {
		return false
	}
	l.forget(call)
	l.out = appendFrame(l.out, http2.FrameRSTStream, 0, call.id, binary.BigEndian.AppendUint32(nil, uint32(http2.ErrCodeCancel)))
	l.wake.Broadcast()
	return true
}

// forget takes a call out. l.mu is held.
func (l *link) forget(call *leanCall) {
	delete(l.calls, call.id)
	if len(call.rest) > 0 {
		call.rest = nil
		l.sendWaiting()
	}
	if len(l.calls) == l.streams-1 {
		l.wake.Broadcast()
	}
	if l.draining && len(l.calls) == 0 {
		l.fail(errDraining)
	}
}

// finish wakes a call's caller. l.mu is held.
func (l *link) finish(call *leanCall, err error) {
	call.err = err
	l.forget(call)
	call.wake <- struct{}{}
}

// end ends the link and all its calls.
func (l *link) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail(why)
}

// fail is end. l.mu is held.
func (l *link) fail(why error) {
	if l.err != nil {
		return
	}
	l.err = why
	_ = l.nc.Close()
	for _, call := range l.calls {
		l.finish(call, status.Error(codes.Unavailable, fmt.Sprintf("client: the connection broke with the call under way: %v", why)))
	}
	l.wake.Broadcast()
}

// write sends what has come together, until the link ends.
func (l *link) write() {
	var sending []byte
	for {
		l.mu.Lock()
		for len(l.out) == 0 && l.err == nil {
			l.wake.Wait()
		}
		if len(l.out) < gatherBytes && l.err == nil {
			// What is sent in the next moment goes into the same system call.
			l.mu.Unlock()
			runtime.Gosched()
			l.mu.Lock()
		}
		ended := l.err != nil
		sending, l.out = l.out, sending[:0]
		l.mu.Unlock()
		if ended {
			return
		}
		if _, err := l.nc.Write(sending); err != nil {
			l.end(err)
			return
		}
	}
}

// read takes answers apart until the link ends.
func (l *link) read() {
	r := answers{link: l, in: bufio.NewReaderSize(l.nc, 64<<10)}
	r.hpack = hpack.NewDecoder(4096, r.field)
	for {
		if err := r.frame(); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the server closed it")
			}
			l.end(err)
			return
		}
	}
}
