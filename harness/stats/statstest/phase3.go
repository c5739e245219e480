package statstest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"metastorebench/harness/record"
)

// phase3Plan is the part of plan phase3 that analysis reads.
const phase3Plan = `name: phase3
baseline: {propose: batch, codec: protobuf, apply: batch, rpc: tuned, wal: group, index: btree, engine: memory, engine-profile: default, pipeline: "off", pool: "off", api: unary, conns: "1", members: "1", disk: native}
factors:
  - {id: P3.1, axis: pipeline, value: "on"}
  - {id: P3.2, axis: index, value: hybrid}
  - {id: P3.3, axis: conns, value: "8"}
  - {id: P3.4, axis: codec, value: wire, with: {pool: "on"}}
`

// ladderPlan is that of plan ladder.
const ladderPlan = `name: ladder
baseline: {propose: perop, codec: json, apply: perop, rpc: default, wal: perentry, index: hash, engine: memory, engine-profile: default, pipeline: "off", pool: "off", api: unary, conns: "1", disk: native}
factors:
  - {id: consensus, axis: propose, value: batch, with: {wal: group, pipeline: "on"}}
  - {id: protocol, axis: codec, value: wire, with: {pool: "on"}}
  - {id: storage, axis: apply, value: batch, with: {index: hybrid}}
  - {id: network, axis: rpc, value: tuned, with: {conns: "8"}}
`

// items3 are the items of phase 3, each with all of its axes.
var items3 = []string{"pipeline=on", "index=hybrid", "conns=8", "codec=wire,pool=on"}

// Phase3 returns a synthetic phase 3 run: the factorial on one member and on three,
// single puts, gets and the mix; ends in batches, on streams and on the engines on
// disk; the plan's first baseline.
func Phase3(c Config) (record.Manifest, []record.Trial) {
	var cells []record.Cell
	factorial := func(group, workload string, items []string, base ...string) {
		for set := range 1 << len(items) {
			options := strings.Join(base, ",")
			for i, item := range items {
				if set>>i&1 == 1 {
					options += "," + item
				}
			}
			cells = append(cells, cell3(group, workload, options))
		}
	}
	full := []string{strings.Join(items3, ",")}
	for _, w := range []string{"put50", "read50", "mixed"} {
		factorial("memory", w, items3)
	}
	factorial("three-members", "put50", items3, "members=3")
	factorial("memory-plan-disk", "put50", items3, "disk=plan")
	for _, engine := range []string{"pebble", "rocksdb"} {
		factorial("engines", "put50", []string{"pipeline=on,conns=8,codec=wire,pool=on"}, "index=btree,engine-profile=tuned,engine="+engine)
	}
	factorial("clients", "put1000", full)
	factorial("batch", "put50", full, "api=batch")
	factorial("stream", "put1000", full, "api=stream")
	cells = append(cells, cell3("phase1-baseline", "put50", "propose=perop,codec=json,apply=perop,rpc=default,wal=perentry,index=hash"))
	return run3(c, "phase3", phase3Plan, cells)
}

// Pipelining returns a synthetic run of one member and of three, links with and
// without a delay, with and without batching.
func Pipelining(c Config) (record.Manifest, []record.Trial) {
	var cells []record.Cell
	for _, place := range []string{"members=1,link-delay=0s", "members=3,link-delay=0s", "members=3,link-delay=10ms"} {
		for _, w := range []string{"put1", "put50", "put500"} {
			for _, propose := range []string{"perop", "batch"} {
				for _, pipeline := range []string{"off", "on"} {
					cells = append(cells, cell3("cluster", w, place+",propose="+propose+",pipeline="+pipeline))
				}
			}
		}
	}
	return run3(c, "pipelining", "baseline: {pipeline: \"off\"}\n", cells)
}

// Ladder returns a synthetic run of the whole ladder on memory and RocksDB, in puts,
// a mix, batches and streams, with the layers' factorial and the unsafe log.
func Ladder(c Config) (record.Manifest, []record.Trial) {
	const phase0 = "propose=perop,codec=json,apply=perop,rpc=default,wal=perentry,index=hash"
	phases := []string{phase0, "wal=perentry,index=hash", "", strings.Join(items3, ",")}
	var cells []record.Cell
	for _, engine := range []string{"memory", "rocksdb"} {
		for _, disk := range []string{"native", "plan"} {
			place := ",engine=" + engine + ",disk=" + disk
			for phase, options := range phases {
				for _, w := range []string{"put100", "mixed"} {
					cells = append(cells, cell3("ladder-"+engine, w, options+place))
				}
				if phase > 0 {
					cells = append(cells, cell3("ladder-batch-"+engine, "put50", options+place+",api=batch"))
				}
				if phase > 1 {
					cells = append(cells, cell3("ladder-stream-"+engine, "stream1000", options+place+",api=stream"))
				}
			}
		}
	}
	for _, disk := range []string{"native", "plan"} {
		for set := range 16 {
			options := phase0 + ",disk=" + disk
			for i, layer := range []string{"propose=batch,wal=group,pipeline=on", "codec=wire,pool=on", "apply=batch,index=hybrid", "rpc=tuned,conns=8"} {
				if set>>i&1 == 1 {
					options += "," + layer
				}
			}
			cells = append(cells, cell3("layers", "put50", options))
		}
		for _, wal := range []string{"group", "async"} {
			cells = append(cells, cell3("sync", "put50", phases[3]+",disk="+disk+",wal="+wal))
		}
	}
	return run3(c, "ladder", ladderPlan, cells)
}

// cell3 is a cell of full phase 2, with options over it as "axis=value,...".
func cell3(group, workload, options string) record.Cell {
	base := []string{"wal=group", "index=btree", "pipeline=off", "pool=off", "conns=1", "members=1"}
	for o := range strings.SplitSeq(options, ",") {
		if o != "" {
			base = append(base, o)
		}
	}
	return cell2(group, workload, base...)
}

// run3 measures the cells by the model.
func run3(c Config, name, text string, cells []record.Cell) (record.Manifest, []record.Trial) {
	m := manifest(c, name)
	m.PlanYAML, m.Cells = text, cells
	rng := rand.New(rand.NewPCG(c.Seed, 5))
	var trials []record.Trial
	for _, cell := range cells {
		for b := range c.Blocks {
			t := trial3(rng, cell, b, c.Samples)
			t.Order = len(trials)
			trials = append(trials, t)
		}
	}
	return m, trials
}

// gains3 are what values of axes make of the throughput of phase 2's model.
var gains3 = map[string]float64{"codec=json": 0.7, "rpc=default": 0.8, "apply=perop": 0.9, "codec=wire": 1.2, "conns=8": 1.3, "index=hybrid": 1.1}

// trial3 is trial2 with the axes of phase 3: pipelining pays where there are links
// and operations are not batched.
func trial3(rng *rand.Rand, c record.Cell, block, samples int) record.Trial {
	conns, err := strconv.Atoi(c.Options["conns"])
	if err != nil {
		panic(err) // the options are this file's
	}
	gain := 1.0
	for axis, value := range maps.All(c.Options) {
		if g := gains3[axis+"="+value]; g > 0 {
			gain *= g
		}
	}
	if c.Options["members"] != "1" {
		gain *= 0.4
		if c.Options["pipeline"] == "on" && c.Options["propose"] == "perop" && c.Options["link-delay"] == "10ms" {
			gain *= 3
		}
	}
	t := trial2(rng, c, block, samples)
	t.Workload.Conns = min(conns, t.Workload.Clients)
	if c.Options["api"] == "stream" {
		t.Workload.API = "stream"
		gain *= 4
	}
	for i := range t.Ops {
		t.Ops[i].Count = int64(math.Round(gain * float64(t.Ops[i].Count)))
	}
	if c.Options["members"] != "1" {
		t.Mechanism.Appends = t.Mechanism.Proposals
		t.Mechanism.AppendEntries, t.Mechanism.AppendsInFlight = 2*t.Mechanism.Appends, t.Mechanism.Appends
		if c.Options["pipeline"] == "on" {
			t.Mechanism.AppendEntries, t.Mechanism.AppendsInFlight = t.Mechanism.Appends, 5*t.Mechanism.Appends
		}
	}
	t.Checks[0].Detail = fmt.Sprintf("synthetic, gain %.3g", gain)
	return t
}
