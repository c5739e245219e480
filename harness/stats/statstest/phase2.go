package statstest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"metastorebench/harness/record"
)

// phase2Plan is the part of a plan that analysis reads.
const phase2Plan = `name: phase2
baseline: {propose: batch, codec: protobuf, apply: batch, rpc: tuned, wal: perready, index: hash, engine: memory, engine-profile: default, api: unary, disk: native}
factors:
  - {id: P2.1, axis: wal, value: group}
  - {id: P2.2, axis: index, value: btree}
  - {id: P2.3, axis: api, value: batch}
  - {id: P2.4, axis: engine-profile, value: tuned}
`

// Phase2 returns a synthetic phase 2 run: the items that each engine has on every
// kind of workload, sync policies by clients with the unsafe one among them, batch
// sizes, indexes, the plan's first baseline, a trace and the ceiling.
func Phase2(c Config) (record.Manifest, []record.Trial) {
	m := manifest(c, "phase2")
	m.PlanYAML = phase2Plan
	m.Cells = phase2Cells()
	rng := rand.New(rand.NewPCG(c.Seed, 3))
	var trials []record.Trial
	for _, cell := range m.Cells {
		for b := range c.Blocks {
			t := trial2(rng, cell, b, c.Samples)
			t.Order = len(trials)
			trials = append(trials, t)
		}
	}
	return m, trials
}

// Sweep returns a synthetic run over value sizes: pebble and RocksDB, both
// profiles, puts into a store that was filled before.
func Sweep(c Config) (record.Manifest, []record.Trial) {
	m := manifest(c, "sweep-values")
	m.PlanYAML = phase2Plan
	rng := rand.New(rand.NewPCG(c.Seed, 4))
	var trials []record.Trial
	for _, engine := range []string{"pebble", "rocksdb"} {
		for _, profile := range []string{"default", "tuned"} {
			for _, size := range []int{64, 1024, 16384} {
				cell := cell2("values", fmt.Sprintf("put50-v%d", size), "engine="+engine, "engine-profile="+profile)
				m.Cells = append(m.Cells, cell)
				for b := range c.Blocks {
					t := trial2(rng, cell, b, c.Samples)
					t.Workload.ValueBytes, t.Workload.PreloadKeys, t.Order = size, 10_000, len(trials)
					t.Preload = &record.Preload{DurationNS: 40e6, Mechanism: &record.Mechanism{StorageWrittenBytes: 1000, StorageFlushedBytes: 1500}}
					trials = append(trials, t)
				}
			}
		}
	}
	return m, trials
}

// cell2 is a cell of full phase 1 with these options over it.
func cell2(group, workload string, options ...string) record.Cell {
	opts := map[string]string{
		"propose": "batch", "codec": "protobuf", "apply": "batch", "rpc": "tuned", "wal": "perready", "index": "hash",
		"engine": "memory", "engine-profile": "default", "api": "unary", "disk": "native",
	}
	for _, o := range options {
		axis, value, _ := strings.Cut(o, "=")
		opts[axis] = value
	}
	id := []string{group, workload}
	for _, axis := range slices.Sorted(maps.Keys(opts)) {
		id = append(id, opts[axis])
	}
	return record.Cell{ID: strings.Join(id, "/"), Group: group, Workload: workload, Target: "metastore", Options: opts}
}

// phase2Cells lists the cells.
func phase2Cells() []record.Cell {
	var cells []record.Cell
	factorial := func(group, workload string, items []string, base ...string) {
		for set := range 1 << len(items) {
			options := slices.Clone(base)
			for i, item := range items {
				if set>>i&1 == 1 {
					options = append(options, item)
				}
			}
			cells = append(cells, cell2(group, workload, options...))
		}
	}
	memory, persistent := []string{"wal=group", "index=btree", "api=batch"}, []string{"wal=group", "api=batch", "engine-profile=tuned"}
	for _, w := range []string{"put50", "read-zipf", "range10", "mixed"} {
		factorial("memory", w, memory)
	}
	factorial("memory-plan-disk", "put50", memory, "disk=plan")
	for _, engine := range []string{"pebble", "rocksdb"} {
		factorial("engines", "put50", persistent, "engine="+engine)
		factorial("engines", "read-zipf", persistent, "engine="+engine)
	}
	for _, disk := range []string{"disk=native", "disk=plan"} {
		for _, w := range []string{"put1", "put100c"} {
			for _, wal := range []string{"perentry", "perready", "group", "async"} {
				cells = append(cells, cell2("sync", w, disk, "wal="+wal))
			}
		}
		cells = append(cells, cell2("phase1-baseline", "put50", disk, "propose=perop", "codec=json", "apply=perop", "rpc=default", "wal=perentry"))
	}
	for _, size := range []int{1, 10, 100} {
		cells = append(cells, cell2("batch-sizes", fmt.Sprintf("put50-b%d", size), "wal=group", "index=btree", "api=batch"))
	}
	cells = append(cells, cell2("batch-sizes-unary", "put50", "wal=group", "index=btree"))
	for _, index := range []string{"hash", "btree", "ranked", "sharded"} {
		cells = append(cells, cell2("indexes", "range10", "wal=group", "api=batch", "index="+index))
	}
	factorial("stages", "put50", []string{"wal=group"}, "stage-sample=16")
	return append(cells, cell2("ceiling", "put100", "wal=group", "index=btree", "api=batch"))
}

// loads2 are the operation shares of the workloads, put alone for the others.
var loads2 = map[string]map[string]float64{
	"read-zipf": {record.OpGet: 1}, "read50": {record.OpGet: 1}, "range10": {record.OpRange: 1}, "mixed": mixes["mixed"], "large-scale": mixes["large-scale"],
}

// clients2 are their clients, 50 for the others.
var clients2 = map[string]int{"put1": 1, "put100": 100, "put100c": 100, "mixed": 30, "sustained": 20, "put500": 500, "put1000": 1000, "stream1000": 1000}

// model2 gives what one cell does: writes wait for syncs that they share by
// policy, reads cost CPU time alone, and a batch saves calls.
type model2 struct {
	rate           map[string]float64 // operations per second, by type, each alone
	perSync, batch float64
	syncSeconds    float64
	tier           string
}

func modelOf(c record.Cell, clients, batch float64) model2 {
	m := model2{batch: batch, tier: record.TierSynced, syncSeconds: map[string]float64{"native": 110e-6, "plan": 3.5e-3}[c.Options["disk"]]}
	m.perSync = map[string]float64{"perentry": clients / 2, "perready": clients / 2, "group": clients, "async": 64 * clients}[c.Options["wal"]]
	if c.Options["propose"] == "perop" {
		m.perSync = 1
	}
	m.perSync = math.Max(1, m.perSync) * batch
	if c.Options["wal"] == "async" {
		m.tier = record.TierUnsafe
	}
	cpu := 4e-6 + 24e-6/batch
	put := cpu + map[string]float64{"memory": 1e-6, "pebble": 6e-6, "rocksdb": 7e-6}[c.Options["engine"]]
	scan := map[string]float64{"hash": 900e-6, "sharded": 950e-6}[c.Options["index"]]
	if c.Options["index"] == "btree" {
		put *= 1.05
	}
	if c.Options["engine-profile"] == "tuned" {
		put *= 0.9
	}
	write := 1 / (put + m.syncSeconds/m.perSync)
	m.rate = map[string]float64{record.OpPut: write, record.OpDelete: write, record.OpGet: 1 / cpu, record.OpRange: 1 / (40e-6 + scan)}
	return m
}

// trial2 runs the model for one cell and block.
func trial2(rng *rand.Rand, c record.Cell, block, samples int) record.Trial {
	n, mix := clients2[c.Workload], loads2[c.Workload]
	if n == 0 {
		n = 50
	}
	if mix == nil {
		mix = map[string]float64{record.OpPut: 1}
	}
	api, batchOps := "grpc", 0
	if c.Options["api"] == "batch" {
		api, batchOps = "batch", 100
		if _, size, sized := strings.Cut(c.Workload, "-b"); sized {
			if _, err := fmt.Sscan(size, &batchOps); err != nil {
				panic(err) // the names are those of phase2Cells
			}
		}
	}
	m := modelOf(c, float64(n), math.Max(1, float64(batchOps)))
	const seconds = 2
	t := record.Trial{
		Schema: record.Schema, Cell: c.ID, Block: block, Seed: rng.Uint64(), WarmupNS: 1e8, MeasureNS: seconds * 1e9, Durability: m.tier, Effective: c.Options,
		Workload: record.Workload{
			Name: c.Workload, Type: "put", Loop: "closed", Clients: n, Conns: 1, KeyBytes: 8, ValueBytes: 256, Keys: 10_000,
			Distribution: "uniform", Mix: mix, API: api, BatchOps: batchOps,
		},
		Checks: []record.Check{{Name: "end-state", OK: true, Detail: "synthetic"}},
	}
	noise := math.Exp(0.04 * rng.NormFloat64())
	var total, writes int64
	for _, op := range []string{record.OpPut, record.OpGet, record.OpRange, record.OpDelete} {
		if mix[op] == 0 {
			continue
		}
		rate := m.rate[op] * mix[op] * noise
		count := int64(rate * seconds)
		total += count
		if op == record.OpPut || op == record.OpDelete {
			writes += count
		}
		t.Ops = append(t.Ops, record.OpStats{Op: op, Count: count, ServiceHDR: latencies(rng, float64(n)*mix[op]*m.batch/rate*1e9, samples)})
	}
	t.Store = record.Process{CPUUserSeconds: 15e-6 * float64(total), PeakRSSBytes: 90 << 20, HeapAllocs: 90 * total, HeapAllocBytes: 8000 * total}
	t.Client = record.Process{CPUUserSeconds: 9e-6 * float64(total), PeakRSSBytes: 40 << 20, HeapAllocs: -1, HeapAllocBytes: -1}
	t.Machine = machine(&t)
	t.Mechanism = m.mechanism(c, writes)
	if c.Options["stage-sample"] != "" {
		t.Stages = stages(writes/16, float64(n)/m.rate[record.OpPut]*1e9)
	}
	return t
}

// mechanism has the counters of so many writes.
func (m model2) mechanism(c record.Cell, writes int64) *record.Mechanism {
	syncs := int64(float64(writes) / m.perSync)
	out := &record.Mechanism{
		AppliedOps: writes, Proposals: syncs, ProposedOps: writes, Readys: syncs, ReadyEntries: syncs,
		Fsyncs: syncs, FsyncNS: int64(float64(syncs) * m.syncSeconds * 1e9), WALBytes: 350 * writes, TotalAppliedOps: writes,
	}
	if c.Options["engine"] != "memory" {
		out.StorageWrittenBytes, out.StorageFlushedBytes, out.StorageCompactedBytes = 300*writes, 320*writes, 450*writes
		out.StorageTableBytes, out.StorageLiveBytes = 4<<20, 3<<20
	}
	return out
}
