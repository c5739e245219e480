package transport_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"

	"metastorebench/core/transport"
)

func message(from, to, index uint64) []*raftpb.Message {
	return []*raftpb.Message{{From: &from, To: &to, Index: &index}}
}

func TestMessagesArriveInOrderAsCopies(t *testing.T) {
	n := transport.NewNetwork(1)
	got := make(chan *raftpb.Message, 10)
	defer n.Join(2, func(m *raftpb.Message) { got <- m })()
	var sent []*raftpb.Message
	for i := range uint64(10) {
		sent = append(sent, message(1, 2, i)...)
	}
	n.Send(sent)
	for i := range uint64(10) {
		m := <-got
		require.Equal(t, i, m.GetIndex())
		require.NotSame(t, sent[i], m)
	}
	n.Send(message(1, 3, 0)) // to nobody
}

func TestIsolation(t *testing.T) {
	n := transport.NewNetwork(1)
	got := make(chan uint64, 10)
	defer n.Join(2, func(m *raftpb.Message) { got <- m.GetIndex() })()
	n.Isolate(2, true)
	n.Send(message(1, 2, 1))
	n.Isolate(2, false)
	n.Isolate(1, true)
	n.Send(message(1, 2, 2))
	n.Isolate(1, false)
	n.Send(message(1, 2, 3))
	require.Equal(t, uint64(3), <-got)
}

func TestLossAndDelay(t *testing.T) {
	n := transport.NewNetwork(1)
	got := make(chan uint64, 1000)
	leave := n.Join(2, func(m *raftpb.Message) { got <- m.GetIndex() })
	n.SetDropRate(0.5)
	for i := range uint64(1000) {
		n.Send(message(1, 2, i))
	}
	n.SetDropRate(0)
	n.SetDelay(20 * time.Millisecond)
	began := time.Now()
	n.Send(message(1, 2, 1000))
	leave() // waits for what was sent
	require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
	require.InDelta(t, 500, len(got), 100)
	n.Send(message(1, 2, 1001)) // after leaving: lost
}
