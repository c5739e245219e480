// Package statstest makes synthetic runs for the tests of the analysis side:
// records of the shape that a real phase 1 run has, from a small closed-loop
// model with seeded noise. No figure in it is a measurement, and nothing outside
// tests may import it.
package statstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"metastorebench/harness/record"
)

// Config says how large a synthetic run is.
type Config struct {
	Seed   uint64
	Blocks int
	// Level is the manifest's level: smoke, default or full.
	Level string
	// Samples is the number of latencies in each histogram; the counts of
	// operations do not depend on it.
	Samples int
}

// Phase1 returns a synthetic phase 1 run: the factorial on three engines, the
// corner cells of two more workloads, a ladder on the plan's disk, sync
// policies and the ceiling. RocksDB's 1-client cells are skipped, and one trial
// is void.
func Phase1(c Config) (record.Manifest, []record.Trial) {
	cells := matrix()
	m := manifest(c, "phase1")
	m.PlanYAML = phase1Plan
	rng := rand.New(rand.NewPCG(c.Seed, 1))
	var trials []record.Trial
	for _, cell := range cells {
		m.Cells = append(m.Cells, cell)
		if cell.Options["engine"] == "rocksdb" && cell.Workload == "put1" {
			m.Skipped = append(m.Skipped, record.Skipped{Cell: cell.ID, Reason: "synthetic: RocksDB is not linked in"})
			continue
		}
		for b := range c.Blocks {
			t := trial(rng, cell, b, c.Samples)
			t.Order = len(trials)
			if cell.ID == "factorial/memory/put50/native/perentry/batch-json-perop-default" && b == 1 {
				t.Void = "check end-state failed: synthetic"
			}
			trials = append(trials, t)
		}
	}
	return m, trials
}

// phase1Plan is the part of plan phase1 that analysis reads.
const phase1Plan = `name: phase1
baseline: {propose: perop, codec: json, apply: perop, rpc: default, wal: perentry, index: hash, engine: memory, disk: native}
factors:
  - {id: P1.1, axis: propose, value: batch}
  - {id: P1.2, axis: codec, value: protobuf}
  - {id: P1.3, axis: apply, value: batch}
  - {id: P1.4, axis: rpc, value: tuned}
`

// manifest describes the run of a plan, without cells.
func manifest(c Config, plan string) record.Manifest {
	return record.Manifest{
		Schema: record.Schema, Plan: plan, Level: c.Level, Seed: c.Seed, Blocks: c.Blocks,
		Started:  time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		Finished: time.Date(2026, 3, 1, 11, 30, 0, 0, time.UTC),
		Command:  []string{"bin/metabench", "run", plan, "--seed", fmt.Sprint(c.Seed)},
		Env: record.Environment{
			Commit: "0123456789abcdef0123456789abcdef01234567", GoVersion: "go1.26.0",
			OS: "linux", Arch: "amd64", Kernel: "6.1.0", CPUModel: "Synthetic CPU", CPUs: cpus,
			MemoryBytes: 8 << 30, Filesystem: "ext4",
			SyncLatencyP50NS: 110_000, SyncLatencyP99NS: 240_000, SyncSamples: 1000,
		},
		Ceilings: ceilings(),
	}
}

var axes = []string{"propose", "codec", "apply", "rpc"}

var levels = map[string][2]string{
	"propose": {"perop", "batch"}, "codec": {"json", "protobuf"},
	"apply": {"perop", "batch"}, "rpc": {"default", "tuned"},
}

// matrix lists the cells.
func matrix() []record.Cell {
	var cells []record.Cell
	add := func(group, engine, workload, disk, wal string, sets ...int) {
		for _, s := range sets {
			cells = append(cells, cell(group, engine, workload, disk, wal, s))
		}
	}
	every := make([]int, 16)
	for i := range every {
		every[i] = i
	}
	corners := []int{0, 1, 2, 4, 8, 7, 11, 13, 14, 15}
	for _, engine := range []string{"memory", "pebble", "rocksdb"} {
		add("factorial", engine, "put50", "native", "perentry", every...)
		add("factorial", engine, "put1", "native", "perentry", every...)
		add("corners", engine, "large-scale", "native", "perentry", corners...)
		add("corners", engine, "mixed", "native", "perentry", corners...)
	}
	add("ladder", "memory", "put50", "plan", "perentry", corners...)
	for _, disk := range []string{"native", "plan"} {
		for _, wal := range []string{"perentry", "perready"} {
			add("sync", "memory", "put50", disk, wal, 14, 15)
		}
	}
	add("ceiling", "memory", "put100", "native", "perready", 15)
	cells = append(cells, record.Cell{ID: "noop/put100", Group: "ceiling-noop", Workload: "put100", Target: "noop", Options: map[string]string{"rpc": "tuned"}})
	for _, disk := range []string{"native", "plan"} {
		for _, set := range []int{0, 15} {
			c := cell("stages", "memory", "put50", disk, "perentry", set)
			c.Options["stage-sample"] = "16"
			cells = append(cells, c)
		}
	}
	return cells
}

// cell builds one cell; bit i of set turns axis i on.
func cell(group, engine, workload, disk, wal string, set int) record.Cell {
	opts := map[string]string{"engine": engine, "disk": disk, "wal": wal, "index": "hash"}
	id := ""
	for i, a := range axes {
		opts[a] = levels[a][set>>i&1]
		id += "-" + opts[a]
	}
	return record.Cell{
		ID:    fmt.Sprintf("%s/%s/%s/%s/%s/%s", group, engine, workload, disk, wal, id[1:]),
		Group: group, Workload: workload, Target: "metastore", Options: opts,
	}
}

var mixes = map[string]map[string]float64{
	"put50": {record.OpPut: 1}, "put1": {record.OpPut: 1}, "put100": {record.OpPut: 1},
	"large-scale": {record.OpPut: 0.5, record.OpGet: 0.5},
	"mixed":       {record.OpPut: 0.4, record.OpGet: 0.4, record.OpRange: 0.1, record.OpDelete: 0.1},
}

var clients = map[string]int{"put50": 50, "put1": 1, "put100": 100, "large-scale": 50, "mixed": 30}

// trial runs the model: one sync stage shared by all clients, one CPU stage,
// and reads that never touch the log.
func trial(rng *rand.Rand, c record.Cell, block, samples int) record.Trial {
	n := clients[c.Workload]
	m := model(c, n)
	noise := math.Exp(0.04 * rng.NormFloat64())
	writes := m.writesPerSecond * noise
	const seconds = 3
	t := record.Trial{
		Schema: record.Schema, Cell: c.ID, Block: block, Seed: rng.Uint64(),
		Started:  time.Date(2026, 3, 1, 10, 0, block, 0, time.UTC),
		WarmupNS: 1e9, MeasureNS: seconds * 1e9, Durability: m.tier, Effective: c.Options,
		Workload: record.Workload{
			Name: c.Workload, Loop: "closed", Clients: n, Conns: min(n, 10), KeyBytes: 8, ValueBytes: 256,
			Keys: 10_000, Distribution: "uniform", API: "grpc", Mix: mixes[c.Workload],
		},
		Checks: []record.Check{{Name: "end-state", OK: true, Detail: "synthetic"}},
	}
	var total int64
	for _, op := range []string{record.OpPut, record.OpGet, record.OpRange, record.OpDelete} {
		share := mixes[c.Workload][op]
		if share == 0 {
			continue
		}
		rate, mean := writes*share, float64(n)/writes
		if op == record.OpGet || op == record.OpRange {
			rate, mean = 15_000*share*noise, float64(n)/40_000
			if c.Workload == "large-scale" {
				rate = writes * share
			}
		}
		count := int64(rate * seconds)
		total += count
		t.Ops = append(t.Ops, record.OpStats{Op: op, Count: count, ServiceHDR: latencies(rng, mean*1e9, samples)})
	}
	t.Store = record.Process{
		CPUUserSeconds: m.storeCPU * float64(total), CPUSystemSeconds: m.storeCPU * float64(total) / 4,
		PeakRSSBytes: 60 << 20, HeapAllocs: m.allocs * total, HeapAllocBytes: 90 * m.allocs * total,
	}
	t.Client = record.Process{CPUUserSeconds: 20e-6 * float64(total), PeakRSSBytes: 40 << 20, HeapAllocs: -1, HeapAllocBytes: -1}
	t.Machine = machine(&t)
	if c.Target == "metastore" {
		t.Mechanism = mechanism(m, int64(writes*seconds))
	}
	if c.Options["stage-sample"] != "" {
		t.Stages = stages(int64(writes*seconds)/16, float64(n)/writes*1e9)
	}
	return t
}

// rates is what the model says of one cell.
type rates struct {
	writesPerSecond     float64
	batch, ready, fsync float64 // operations per proposal, entries per Ready, entries per sync
	syncSeconds         float64 // of one sync
	storeCPU            float64 // seconds per operation
	bytes               float64 // log bytes per entry operation
	allocs              int64
	tier                string
}

func model(c record.Cell, n int) rates {
	if c.Target == "noop" {
		return rates{writesPerSecond: 62_000, storeCPU: 11e-6, allocs: 40, tier: record.TierNone}
	}
	sync := map[string]float64{"native": 110e-6, "plan": 3.5e-3}[c.Options["disk"]]
	r := rates{syncSeconds: sync, batch: 1, ready: math.Max(1, float64(n)/4), fsync: 1, bytes: 300, allocs: 120, tier: record.TierSynced, storeCPU: 22e-6}
	apply := map[string]float64{"memory": 6e-6, "pebble": 14e-6, "rocksdb": 16e-6}[c.Options["engine"]]
	if c.Options["propose"] == "batch" {
		r.batch = math.Max(1, float64(n)/2)
		r.ready = 1
	}
	if c.Options["wal"] == "perready" {
		r.fsync = r.ready
	}
	if c.Options["codec"] == "json" {
		r.storeCPU, r.bytes, r.allocs = r.storeCPU+8e-6, 520, r.allocs+60
	}
	if c.Options["apply"] == "batch" {
		apply /= math.Max(1, math.Min(3, r.batch))
	}
	if c.Options["rpc"] == "tuned" {
		r.storeCPU *= 0.94
	}
	r.storeCPU += apply
	r.writesPerSecond = 1 / (sync/(r.batch*r.fsync) + r.storeCPU)
	return r
}

func mechanism(r rates, writes int64) *record.Mechanism {
	proposals := int64(float64(writes) / r.batch)
	syncs := int64(float64(proposals) / r.fsync)
	return &record.Mechanism{
		AppliedOps: writes, Proposals: proposals, ProposedOps: writes,
		Readys: int64(float64(proposals) / r.ready), ReadyEntries: proposals,
		Fsyncs: syncs, FsyncNS: int64(float64(syncs) * r.syncSeconds * 1e9), WALBytes: int64(r.bytes * float64(writes)),
		TotalAppliedOps: writes,
	}
}

// stages divides four fifths of a write's time in ns, a tenth to each stage but
// append, which gets two.
func stages(samples int64, write float64) *record.Stages {
	s := &record.Stages{SampleEvery: 16, Samples: samples, SumNS: map[string]int64{}}
	for _, name := range record.StageNames() {
		part := 0.1
		if name == record.StageAppend {
			part = 0.2
		}
		s.SumNS[name] = int64(part * write * float64(samples))
		s.TotalNS += s.SumNS[name]
	}
	return s
}

// latencies encodes a log-normal sample with this mean in ns.
func latencies(rng *rand.Rand, mean float64, samples int) string {
	h := record.NewHistogram()
	for range samples {
		const sigma = 0.35
		v := mean * math.Exp(sigma*rng.NormFloat64()-sigma*sigma/2)
		if rng.Float64() < 0.002 {
			v *= 4 // the tail that a busy machine has
		}
		if err := h.RecordValue(int64(v)); err != nil {
			panic(err) // the model left the histogram's range: a bug of this file
		}
	}
	return encode(h)
}
