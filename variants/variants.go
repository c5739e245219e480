// Package variants is the registry of the axes: which seams the store has,
// which values fit each, which is the plan's baseline and which the best safe
// one. It turns a Selection, one value for each axis, into the parts of a node.
//
// Each value lives in a package below this one, in a folder named after its
// axis, and passes its axis's conformance suite.
package variants

import (
	"slices"
	"time"

	"metastorebench/core/apply"
	"metastorebench/core/codec"
	"metastorebench/core/engine/lsm"
	"metastorebench/core/propose"
	"metastorebench/core/raftnode"
	"metastorebench/core/wal"
	applybatch "metastorebench/variants/apply/batch"
	applyperop "metastorebench/variants/apply/perop"
	"metastorebench/variants/codec/json"
	"metastorebench/variants/codec/protobuf"
	"metastorebench/variants/codec/wire"
	"metastorebench/variants/disk"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/engine/rocksdb"
	"metastorebench/variants/index/btree"
	"metastorebench/variants/index/hash"
	"metastorebench/variants/index/hybrid"
	"metastorebench/variants/index/lockfree"
	"metastorebench/variants/index/ranked"
	"metastorebench/variants/index/sharded"
	keyranked "metastorebench/variants/keyindex/ranked"
	"metastorebench/variants/pipeline"
	proposebatch "metastorebench/variants/propose/batch"
	proposeperop "metastorebench/variants/propose/perop"
	"metastorebench/variants/rpc"
	walvariants "metastorebench/variants/wal"
)

// Value is one value of an axis.
type Value struct {
	Name string
	// Doc is one line.
	Doc string
	// Unsafe says that an acknowledged write may be lost with this value.
	Unsafe bool
	// Stale says that a read that asks to be linearizable may not be with this
	// value, in a cluster of more than one.
	Stale bool
	// Missing says why the value is not in this build; empty if it is.
	Missing string
}

// Axis is one seam with its values. The first value is the baseline.
type Axis struct {
	// Name is also the flag's name.
	Name string
	// Seam says what the values differ in, in one line.
	Seam string
	// Best is the default of metastore: the best safe value.
	Best   string
	Values []Value
	// Environment marks a factor of the environment: not a choice of the store,
	// and not part of a variant.
	Environment bool
}

// Baseline returns the axis's first value.
func (a Axis) Baseline() string { return a.Values[0].Name }

// value returns the named value.
func (a Axis) value(name string) (Value, bool) {
	for _, v := range a.Values {
		if v.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// The values that are Go types, by name.
var (
	proposePolicies = map[string]propose.Policy{"perop": proposeperop.Policy{}, "batch": proposebatch.Policy{}}
	codecs          = map[string]codec.Codec{"json": json.Codec{}, "protobuf": protobuf.Codec{}, "wire": wire.Codec{}}
	indexes         = map[string]func(onLockWait func(time.Duration)) memory.Index{
		"hash": hash.New, "btree": btree.New, "ranked": ranked.New, "sharded": sharded.New,
		"lockfree": lockfree.New, "hybrid": hybrid.New,
	}
	readPolicies  = map[string]raftnode.ReadPolicy{"readindex": raftnode.ReadIndex, "lease": raftnode.ReadLease, "serializable": raftnode.ReadLocal}
	keyIndexes    = map[string]func() lsm.KeyIndex{"none": nil, "ranked": keyranked.New}
	applyPolicies = map[string]apply.Policy{"perop": applyperop.Policy{}, "batch": applybatch.Policy{}}
)

// Axes lists all axes, in the order of DESIGN.md.
func Axes() []Axis {
	return []Axis{
		{Name: "propose", Seam: "how commands become Raft proposals", Best: "batch", Values: []Value{
			{Name: "perop", Doc: "one log entry per command (the plan's baseline)"},
			{Name: "batch", Doc: "one log entry for all commands that wait when the Raft loop is free (P1.1)"},
		}},
		{Name: "codec", Seam: "how log entries are encoded", Best: "protobuf", Values: []Value{
			{Name: "json", Doc: "encoding/json, bytes as base64 (the plan's baseline)"},
			{Name: "protobuf", Doc: "protocol buffers through generated code (P1.2)"},
			{Name: "wire", Doc: "the request's own bytes, as gRPC received them, and nothing decoded that need not be (P3.4)"},
		}},
		{Name: "apply", Seam: "how many committed commands share an engine batch", Best: "batch", Values: []Value{
			{Name: "perop", Doc: "one engine batch, and one lock, per command (the plan's baseline)"},
			{Name: "batch", Doc: "one engine batch per run of committed entries (P1.3)"},
		}},
		{Name: "rpc", Seam: "transport of client calls, and its settings on both sides", Best: "tuned", Values: rpcValues()},
		{Name: "wal", Seam: "when the Raft log is synced", Best: "group", Values: walValues()},
		{Name: "index", Seam: "index of the memory engine", Best: "ranked", Values: []Value{
			{Name: "hash", Doc: "a Go map under one readers-writer lock (the plan's baseline)"},
			{Name: "btree", Doc: "google/btree: ordered, a range of k among n keys in O(log n + k), its count a walk (P2.2)"},
			{Name: "ranked", Doc: "an order-statistic B+ tree: as btree, and counts any range in O(log n)"},
			{Name: "sharded", Doc: "256 Go maps, each under a lock of its own; views hold up no batch"},
			{Name: "lockfree", Doc: "xsync's concurrent hash map: no read takes a lock, so that no lock wait is ever reported (P3.2)"},
			{Name: "hybrid", Doc: "the map of lockfree for points beside the tree of btree for ranges; lock waits are the tree's (P3.2)"},
		}},
		{Name: "engine", Seam: "storage of the state machine", Best: "memory", Values: []Value{
			{Name: "memory", Doc: "in memory, made durable by the Raft log and snapshots (the plan's baseline)"},
			{Name: "pebble", Doc: "cockroachdb/pebble, its own WAL off"},
			{Name: "rocksdb", Doc: "RocksDB through grocksdb, its own WAL off", Missing: rocksdbMissing()},
		}},
		{Name: "engine-profile", Seam: "settings of the engine's library; the memory engine has none", Best: string(lsm.ProfileDefault), Values: []Value{
			{Name: string(lsm.ProfileDefault), Doc: "the library's own (the plan's baseline)"},
			{Name: string(lsm.ProfileTuned), Doc: "memory, filters, compactions and compression for this load, scaled to the machine (P2.4)"},
		}},
		{Name: "key-index", Seam: "index of keys in memory beside an engine that persists; the memory engine has --index", Best: "none", Values: []Value{
			{Name: "none", Doc: "the engine's own order: a range's count walks all its keys (the baseline)"},
			{Name: "ranked", Doc: "all keys in an order-statistic tree: any range is counted in O(log n), for about 32 bytes of memory a key besides its own and a scan of all at start"},
		}},
		{Name: "pipeline", Seam: "how far replication runs ahead of acknowledgements", Best: pipeline.Off, Values: pipelineValues()},
		{Name: "read", Seam: "how a linearizable read is confirmed", Best: "readindex", Values: []Value{
			{Name: "readindex", Doc: "the leader confirms its leadership once for all reads that wait (the baseline)"},
			{Name: "lease", Doc: "the leader answers by itself for most of an election timeout after each confirmation: as safe as the clocks"},
			{Name: "serializable", Stale: true, Doc: "what the member has applied, unconfirmed: linearizable in a cluster of one, in others possibly stale"},
		}},
		{Name: "pool", Seam: "whether objects and buffers of the hot path are used again", Best: "off", Values: []Value{
			{Name: "off", Doc: "all are left to the garbage collector (the baseline)"},
			{Name: "on", Doc: "requests, proposals, commands, messages and replies are used again (P3.4)"},
		}},
		{Name: "disk", Seam: "device profile of the Raft log (an environment factor, not a variant)", Best: "native", Environment: true, Values: diskValues()},
	}
}

func walValues() []Value {
	var vs []Value
	for _, v := range walvariants.Variants {
		vs = append(vs, Value{Name: v.Name, Doc: v.Summary, Unsafe: !v.Safe})
	}
	return vs
}

func pipelineValues() []Value {
	var vs []Value
	for _, v := range pipeline.Values() {
		vs = append(vs, Value{Name: v.Name, Doc: v.Summary})
	}
	return vs
}

func rpcValues() []Value {
	var vs []Value
	for _, p := range rpc.Profiles() {
		vs = append(vs, Value{Name: p.Name, Doc: p.Summary})
	}
	return vs
}

func diskValues() []Value {
	var vs []Value
	for _, name := range disk.Names() {
		vs = append(vs, Value{Name: name, Doc: disk.Summary(name)})
	}
	return vs
}

func rocksdbMissing() string {
	if rocksdb.Available() {
		return ""
	}
	return rocksdb.ErrNotBuilt.Error()
}

// pipelinePolicy returns the value of that name, which must be one of the axis's.
func pipelinePolicy(name string) raftnode.Pipeline {
	vs := pipeline.Values()
	return vs[slices.IndexFunc(vs, func(v pipeline.Value) bool { return v.Name == name })].Pipeline
}

func syncPolicy(name string) (wal.Policy, error) {
	v, err := walvariants.Lookup(name)
	if err != nil {
		return nil, err
	}
	return v.New(), nil
}
