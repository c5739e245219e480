package transport

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// linkMessages bounds the messages under way to one replica; more are dropped,
// as a real transport with a bounded queue does.
const linkMessages = 4096

// Network connects replicas in memory. Its methods are safe for concurrent use.
type Network struct {
	mu        sync.Mutex
	rng       *rand.Rand
	receivers map[uint64]*receiver
	cut       map[uint64]bool // replicas that nobody reaches and that reach nobody
	dropRate  float64
	delay     time.Duration
	disorder  float64
	again     []*raftpb.Message // to be delivered a second time
}

// againMessages bounds the messages that wait to be delivered again.
const againMessages = 64

// receiver is one replica's end. Messages arrive in the order of sending.
type receiver struct {
	queue chan envelope
	done  chan struct{}
}

type envelope struct {
	m   *raftpb.Message
	due time.Time
}

// NewNetwork returns a network without faults; seed decides which messages it
// drops later.
func NewNetwork(seed uint64) *Network {
	return &Network{rng: rand.New(rand.NewPCG(seed, 0)), receivers: make(map[uint64]*receiver), cut: make(map[uint64]bool)}
}

// Join adds the replica id. Messages to it are handed to receive, one at a time;
// each is a copy that receive owns. leave stops that and waits for receive.
func (n *Network) Join(id uint64, receive func(*raftpb.Message)) (leave func()) {
	r := &receiver{queue: make(chan envelope, linkMessages), done: make(chan struct{})}
	n.mu.Lock()
	n.receivers[id] = r
	n.mu.Unlock()
	go func() {
		defer close(r.done)
		for e := range r.queue {
			time.Sleep(time.Until(e.due))
			receive(e.m)
		}
	}()
	return func() {
		n.mu.Lock()
		if n.receivers[id] == r {
			delete(n.receivers, id)
			close(r.queue)
		}
		n.mu.Unlock()
		<-r.done
	}
}

// Send sends messages without blocking. Those to a replica that is not there,
// is cut off, or has a full queue are lost.
func (n *Network) Send(messages []*raftpb.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range messages {
		r := n.receivers[m.GetTo()]
		if r == nil || n.cut[m.GetTo()] || n.cut[m.GetFrom()] || n.rng.Float64() < n.dropRate {
			continue
		}
		r.put(m, n.delay)
		if n.rng.Float64() < n.disorder && m.GetType() != raftpb.MsgProp && len(n.again) < againMessages {
			n.again = append(n.again, proto.CloneOf(m))
		}
	}
	if len(n.again) > 0 && n.rng.Float64() < n.disorder {
		i := n.rng.IntN(len(n.again))
		m := n.again[i]
		n.again = slices.Delete(n.again, i, i+1)
		if r := n.receivers[m.GetTo()]; r != nil && !n.cut[m.GetTo()] && !n.cut[m.GetFrom()] {
			r.put(m, n.delay)
		}
	}
}

// put queues a copy of m.
func (r *receiver) put(m *raftpb.Message, delay time.Duration) {
	select {
	case r.queue <- envelope{m: proto.CloneOf(m), due: time.Now().Add(delay)}:
	default:
	}
}

// SetDisorder sets the share of messages, from 0 to 1, that arrive a second time,
// later, behind others. Forwarded proposals do not: no transport may repeat them.
func (n *Network) SetDisorder(share float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.disorder = share
}

// Isolate cuts the replica off, or ends that.
func (n *Network) Isolate(id uint64, isolated bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[id] = isolated
}

// SetDropRate sets the share of messages that are lost, from 0 to 1.
func (n *Network) SetDropRate(rate float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dropRate = rate
}

// SetDelay sets the one-way delay of messages sent from now on.
func (n *Network) SetDelay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}
