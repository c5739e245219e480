// Package pipeline holds the axis --pipeline: how far the stages of replication run
// ahead of each other.
//
//	off  one append in flight to each follower; a log that is not written in the
//	     background anyway (--wal=group, async) is written before the next Ready
//	on   many appends in flight, and every log written behind the Raft loop
//
// In both, a leader sends its entries in parallel with its own write of them, a
// batch of entries is applied while the next is being written, and a sync covers
// what the policy of --wal says: an entry, a Ready, or what came during the last
// sync. With --wal=group and async, the values differ in replication only; with a
// single member they then do the same.
//
// off is more than stop-and-wait of single commands: what comes while an append is
// in flight shares the next message, up to 1 MiB.
package pipeline

import "metastorebench/core/raftnode"

// Names of the axis's values; the first is the baseline.
const (
	Off = "off"
	On  = "on"
)

// The window of on. etcd v3.7 has 512 appends of up to 1 MiB in flight and bounds
// no bytes (maxInflightMsgs and maxSizePerMsg in server/etcdserver). A byte
// bound keeps a follower that lags within half of the transport's queue for it
// (64 MiB): an overflow there would lose messages, and a lost append costs a round
// of probing. At 20 ms there and back it lets 1.6 GB/s pass.
const (
	onAppends     = 512
	onAppendBytes = 32 << 20
)

// Value is one value of the axis.
type Value struct {
	// Name is the value's name on the axis.
	Name string
	// Summary is one line for people.
	Summary string
	// Pipeline is what the Raft loop is told.
	Pipeline raftnode.Pipeline
}

// Values returns all values, the baseline first.
func Values() []Value {
	return []Value{
		{
			Name:     Off,
			Summary:  "one append in flight to each follower; the log is written before the next Ready, but for --wal=group and async (the baseline)",
			Pipeline: raftnode.Pipeline{Appends: 1},
		},
		{
			Name:     On,
			Summary:  "up to 512 appends and 32 MiB in flight to each follower; every log is written behind the Raft loop (P3.1)",
			Pipeline: raftnode.Pipeline{Appends: onAppends, AppendBytes: onAppendBytes, WriteBehind: true},
		},
	}
}
