package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// planPeer is the plan that compares the store with etcd, targetEtcd the
// target of the peer's cells.
const (
	planPeer   = "peer"
	targetEtcd = "etcd"
)

// peerGoals are the ratios of throughput to the peer's that were set before
// anything was measured, by our cell.
var peerGoals = map[string]float64{
	"memory/range10-of-100k/index=ranked":      15,
	"memory/put50/index=ranked":                1.8,
	"memory/members=3/put50":                   1.5,
	"pebble/range10-of-100k/key-index=ranked":  5,
	"rocksdb/range10-of-100k/key-index=ranked": 5,
}

// peerDifferences is what the numbers do not show: the two do not do the same.
const peerDifferences = `Both acknowledge a write when it is in the synced log and applied, and confirm every read here by Raft (linearizable). Beyond that they differ, and part of what a ratio shows is the price of what etcd does more:

- etcd keeps every version of every key until it is told to compact. A put adds a revision to its index and a record to its storage; ours replaces the pair.
- etcd serves leases, watches, users and roles, and looks for each in every request. Ours has none.
- etcd writes its state to bbolt (a B+tree on disk) in commits of their own, each synced. Our memory engine keeps the state in memory: a restart reads the last snapshot and the log behind it. Our pebble and RocksDB engines persist it too, in the background, without a sync of its own for each batch.
- Of a cluster of three all members run on this machine, on the same CPUs and disk, and clients talk to its leader.
- etcd answers the count of a limited range by walking all keys of the range. Our index ` + "`ranked`" + ` keeps counts in its tree, ` + "`btree`" + ` and the engines on disk walk as well, but for those whose keys are in memory, counted (` + "`key-index=ranked`" + `).

`

// peerTables is the section of plan peer.
func (b *builder) peerTables() error {
	b.printf("### The two stores\n\n%s", peerDifferences)
	b.peerBuild()
	pairs := b.peerPairs()
	for _, part := range []func([]peerPair) error{b.peerSpeed, b.peerLatency, b.peerCosts} {
		if err := part(pairs); err != nil {
			return err
		}
	}
	return b.machineCeilings()
}

// peerBuild says which builds with which settings were compared.
func (b *builder) peerBuild() {
	for _, p := range b.Run.Manifest.Peers {
		var libraries []string
		for _, path := range slices.Sorted(maps.Keys(p.Modules)) {
			libraries = append(libraries, path+" "+p.Modules[path])
		}
		b.printf("The peer: %s %s, built with %s and %s; SHA-256 of the executable %.12s.\n\n", p.Target, p.Version, p.GoVersion, strings.Join(libraries, ", "), p.SHA256)
	}
	for _, c := range b.Run.Cells {
		if c.Target == targetEtcd && c.Measured() {
			b.printf("Its settings, all its defaults: %s.\n\n", optionsText(c.Trials[0].Effective))
			break
		}
	}
}

// optionsText lists options by name.
func optionsText(options map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(options)) {
		parts = append(parts, "`"+name+"="+options[name]+"`")
	}
	return strings.Join(parts, ", ")
}

// peerPair is a cell of ours beside the peer's of the same workload, for one
// operation type.
type peerPair struct {
	ours, peer *stats.Cell
	op         string
}

// name is how our side is called: its cell's id without the workload.
func (p peerPair) name() string {
	parts := slices.DeleteFunc(strings.Split(p.ours.ID, "/"), func(part string) bool { return part == p.ours.Workload })
	return strings.Join(parts, ", ")
}

// peerPairs lists the pairs that were measured, by workload in the plan's order.
func (b *builder) peerPairs() []peerPair {
	var pairs []peerPair
	for _, peer := range b.Run.Cells {
		if peer.Target != targetEtcd || !peer.Measured() {
			continue
		}
		for _, op := range peer.Ops() {
			for _, ours := range b.Run.Cells {
				if ours.Target == "metastore" && ours.Workload == peer.Workload && ours.Options["members"] == peer.Options["members"] && ours.Measured() {
					pairs = append(pairs, peerPair{ours, peer, op})
				}
			}
		}
	}
	return pairs
}

// peerSpeed compares throughput.
func (b *builder) peerSpeed(pairs []peerPair) error {
	t := table{
		caption: "Throughput of the store and of etcd, with as many members each, in the same blocks: median (min to max); ratio: store to etcd. Goal: the least ratio that was asked for, met if the whole interval is at or above it, missed if it is below. Closed loop. " + ratioLegend,
		head:    []column{text("workload"), text("store"), num("n"), num("store, ops/s"), num("etcd, ops/s"), num("ratio"), text("goal")},
	}
	for _, p := range pairs {
		m := stats.Throughput(p.op)
		c, err := against(p.ours, p.peer, m)
		if err != nil {
			return err
		}
		where := p.ours.Workload + ", " + p.name()
		t.row(p.ours.Workload+", "+p.op+"s", p.name(), presence(p.ours), spread(stats.Over(p.ours, m)), spread(stats.Over(p.peer, m))).
			ratio(c).text(goalText(peerGoals[p.ours.ID], b.settled(c)))
		t.warn(where, b.Run.Warnings(p.ours, m)...)
		t.warn(p.peer.ID, b.Run.Warnings(p.peer, m)...)
	}
	b.part("Throughput against etcd", &t)
	return nil
}

// goalText judges a ratio by its goal; 0 is none.
func goalText(goal float64, c infer.Estimate) string {
	switch text := format.Number(goal); {
	case goal == 0:
		return ""
	case !c.Interval:
		return text + ": not judged, without an interval"
	case c.Lo >= goal:
		return text + ": met"
	case c.Hi < goal:
		return text + ": missed"
	default:
		return text + ": open, it lies in the interval"
	}
}

// peerLatency puts service times side by side.
func (b *builder) peerLatency(pairs []peerPair) error {
	t := table{
		caption: "Service time, histograms of all blocks merged, in milliseconds. Closed loop: the faster store is offered more.",
		head: []column{text("workload"), text("store"), num("store p50"), num("etcd p50"), num("store p99"), num("etcd p99"),
			num("store p99.9"), num("etcd p99.9")},
	}
	for _, p := range pairs {
		ours, err := stats.LatencyOf(p.ours, p.op)
		if err != nil {
			return err
		}
		peer, err := stats.LatencyOf(p.peer, p.op)
		if err != nil {
			return err
		}
		row := t.row(p.ours.Workload+", "+p.op+"s", p.name())
		for _, percentile := range []float64{50, 99, 99.9} {
			row.text(millis(ours, percentile), millis(peer, percentile))
		}
	}
	b.part("Latency beside etcd", &t)
	return nil
}

// peerCosts compares what an operation costs.
func (b *builder) peerCosts(pairs []peerPair) error {
	t := table{
		caption: "What an operation costs: medians of the blocks, store / etcd; CPU ratio: store to etcd. Syncs are of the log; C allocations (RocksDB) are not counted. " + ratioLegend,
		head: []column{text("workload"), text("store"), num("CPU, us/op"), num("CPU ratio"), num("log syncs/write"), num("log bytes/write"),
			num("allocs/op"), num("peak RSS, MB")},
	}
	both := func(p peerPair, m stats.Metric) string {
		return median(stats.Over(p.ours, m)) + " / " + median(stats.Over(p.peer, m))
	}
	for _, p := range pairs {
		c, err := against(p.ours, p.peer, stats.StoreCPU)
		if err != nil {
			return err
		}
		t.row(p.ours.Workload, p.name(), both(p, stats.StoreCPU)).ratio(c).
			text(both(p, stats.FsyncsPerWrite), both(p, stats.WALBytesPerWrite), both(p, stats.Allocs), both(p, stats.Scale(stats.PeakRSS, 1e-6)))
		b.noteCommits(&t, p.peer)
	}
	b.part("Cost beside etcd", &t)
	return nil
}

// noteCommits says what the peer syncs beside its log.
func (b *builder) noteCommits(t *table, peer *stats.Cell) {
	rate, length := stats.Over(peer, stats.StorageCommitRate), stats.Over(peer, stats.Scale(stats.StorageCommitMean, 1e-6))
	if rate.N > 0 && slices.Contains(peer.Ops(), record.OpPut) {
		t.note(fmt.Sprintf("under %s etcd's storage made %s commits/s of %s ms, each with syncs of its own, which are not in the column", peer.Workload, format.Number(rate.Median), median(length)))
	}
}

// peerFigures draws nothing: the tables are small.
func peerFigures(*stats.Run) ([]*plots.Figure, error) { return nil, nil }
