package ceiling

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

const (
	echoHeaderBytes = 8
	// echoBufferBytes is read by one system call at most.
	echoBufferBytes = 64 << 10
	// echoMaxBytes bounds a request and an answer.
	echoMaxBytes = 16 << 20
)

// errEcho says that a request or an answer of the raw port is not as it must be.
var errEcho = errors.New("raw TCP service")

// echo is the raw port: it answers requests of one connection in their order.
type echo struct {
	listener net.Listener
	serving  sync.WaitGroup // the accept loop and every connection

	mu    sync.Mutex
	conns map[net.Conn]bool // nil when closed
}

// newEcho serves on a port of its own choice until close.
func newEcho() (*echo, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEcho, err)
	}
	e := &echo{listener: l, conns: make(map[net.Conn]bool)}
	e.serving.Go(e.accept)
	return e, nil
}

func (e *echo) addr() string { return e.listener.Addr().String() }

// close ends all connections and waits until nobody serves.
func (e *echo) close() {
	_ = e.listener.Close() // whatever it says, nothing more is accepted
	e.mu.Lock()
	for conn := range e.conns {
		_ = conn.Close()
	}
	e.conns = nil
	e.mu.Unlock()
	e.serving.Wait()
}

func (e *echo) accept() {
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		open := e.conns != nil
		if open {
			e.conns[conn] = true
			e.serving.Go(func() { e.serve(conn) })
		}
		e.mu.Unlock()
		if !open {
			_ = conn.Close()
		}
	}
}

// serve answers until the client closes, or says what nobody should.
func (e *echo) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		e.mu.Lock()
		delete(e.conns, conn)
		e.mu.Unlock()
	}()
	in := bufio.NewReaderSize(conn, echoBufferBytes)
	var header [echoHeaderBytes]byte
	var out []byte
	for {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			return
		}
		length, answer := binary.LittleEndian.Uint32(header[:]), binary.LittleEndian.Uint32(header[4:])
		if length > echoMaxBytes || answer > echoMaxBytes {
			return
		}
		if _, err := in.Discard(int(length)); err != nil {
			return
		}
		if len(out) < int(answer) {
			out = make([]byte, answer)
		}
		if _, err := conn.Write(out[:answer]); err != nil {
			return
		}
	}
}

// request builds one request with a body of zeros.
func request(length, answer int) []byte {
	b := make([]byte, echoHeaderBytes+length)
	binary.LittleEndian.PutUint32(b, uint32(length))
	binary.LittleEndian.PutUint32(b[4:], uint32(answer))
	return b
}
