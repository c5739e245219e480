package lean

import (
	"sync/atomic"
	"time"
)

// timing is how long the server waits for what. Tests have their own.
type timing struct {
	handshake  time.Duration // of TLS, and until HTTP/2's preface or HTTP/1.1's first byte
	request    time.Duration // until a unary call's message is complete
	stall      time.Duration // that a write may take
	pingEvery  time.Duration // silence after which a peer is asked
	pingWait   time.Duration // for its answer
	minPing    time.Duration // between two pings of a peer
	patient    time.Duration // after which the reset of a call is not a rapid one
	drainAck   time.Duration // until a peer has taken note of a GOAWAY
	farewell   time.Duration // until a peer has read why the connection ends
	acceptWait time.Duration // after a failure to accept
}

// The keepalive settings are those of --rpc=tuned.
var defaultTiming = timing{
	handshake: 10 * time.Second, request: time.Minute, stall: 30 * time.Second,
	pingEvery: 30 * time.Second, pingWait: 10 * time.Second, minPing: 5 * time.Second, patient: time.Second,
	drainAck: time.Second, farewell: 500 * time.Millisecond, acceptWait: 50 * time.Millisecond,
}

// tick is how often connections are looked at.
func (t timing) tick() time.Duration {
	return max(min(t.stall, t.pingEvery, t.pingWait)/8, time.Millisecond)
}

// DefaultMaxConcurrentStreams is the default of Options.MaxConcurrentStreams, that of
// --rpc=tuned.
const DefaultMaxConcurrentStreams = 10_000

const (
	// Windows. The connection's is replenished as data come in, and bounds nothing;
	// a stream's is HTTP/2's default, and one that a handler serves gets more.
	connWindow     = 16 << 20
	streamWindow   = 1<<16 - 1
	exchangeWindow = 1 << 20

	// maxBuffered bounds the requests that wait to be complete, or to be read by
	// a handler, of all connections together.
	maxBuffered = 256 << 20

	// calmFrames is how many frames that ask for nothing may come in a row;
	// calmPerSecond are forgiven each second.
	calmFrames    = 1000
	calmPerSecond = 100
	// maxPingStrikes is gRPC's.
	maxPingStrikes = 2

	// eventsQueued is how many events may wait for the writer when another read is
	// made. What one read makes comes on top.
	eventsQueued = 4096
	// maxHeld is how many bytes of replies a connection may have encoded, and be unable
	// to send, when another is encoded.
	maxHeld = 16 << 20
	// writeBytes is what one system call sends, about.
	writeBytes = 64 << 10
)

// bucket bounds what comes too often. It belongs to the reader.
type bucket struct {
	left, size float64
	perSecond  float64
	at         time.Time
}

func newBucket(size, perSecond float64) bucket {
	return bucket{left: size, size: size, perSecond: perSecond}
}

// spend takes one, and returns false when there is none left.
func (b *bucket) spend(now time.Time) bool {
	if b.left < b.size/2 {
		if !b.at.IsZero() {
			b.refill(now.Sub(b.at).Seconds() * b.perSecond)
		}
		b.at = now
	}
	b.left--
	return b.left > 0
}

func (b *bucket) refill(n float64) { b.left = min(b.left+n, b.size) }

// budget is a bound that connections share.
type budget struct {
	used atomic.Int64
	max  int64
}

func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.max {
		b.used.Add(int64(-n))
		return false
	}
	return true
}

func (b *budget) give(n int) {
	if n != 0 {
		b.used.Add(int64(-n))
	}
}
