package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/stats"
)

// BenchmarkCommitLog's name for the store, with which its other values' names begin
// too, and the beginning of the names of logs without consensus; the units of what
// systems are compared by; and the goal: the store's CPU for a put, as a share of the
// best peer's.
const (
	ownSystem = "metastore"
	bareLogs  = "tidwall"
	cpuUnit   = "CPU-ns/put"
	rateUnit  = "puts/s"
	cpuGoal   = 0.6
)

// commitLog shows BenchmarkCommitLog: the store in process, beside its peers.
func (b *benchBuilder) commitLog(f *benchFile) error {
	without := func(systems []string, prefix string) []string {
		return slices.DeleteFunc(slices.Clone(systems), func(s string) bool { return strings.HasPrefix(s, prefix) })
	}
	systems := leading(f.all("system"), ownSystem)
	peers := without(systems, ownSystem)
	for _, of := range []struct {
		what  string
		peers []string
	}{{"the best peer's, a bare log included", peers}, {"that of the best peer with consensus", without(peers, bareLogs)}} {
		if answer := cpuAnswer(f, of.peers); answer != "" {
			b.printf("CPU of a synced put as a share of %s, by the number of callers, and the goal of at most %s: %s.\n\n", of.what, format.Number(cpuGoal), answer)
		}
	}
	b.WriteString(commitLogTable(f, systems).markdown(nil, ""))
	return nil
}

func systemValues(f *benchFile, unit, callers, system string) []float64 {
	return f.find(unit, "callers", callers, "system", system)
}

// callerCounts are those of the file, the least first.
func callerCounts(f *benchFile) []string {
	return slices.SortedFunc(slices.Values(f.all("callers")), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

// cpuAnswer holds the store's CPU for a put against the goal, by number of callers:
// the best peer is the one that takes the least there.
func cpuAnswer(f *benchFile, peers []string) string {
	var parts []string
	for _, callers := range callerCounts(f) {
		cpu := func(system string) []float64 { return systemValues(f, cpuUnit, callers, system) }
		measured := slices.DeleteFunc(slices.Clone(peers), func(s string) bool { return len(cpu(s)) == 0 })
		if len(measured) == 0 || len(cpu(ownSystem)) == 0 {
			continue
		}
		best := slices.MinFunc(measured, func(x, y string) int {
			return cmp.Compare(stats.Summarize(cpu(x)).Value, stats.Summarize(cpu(y)).Value)
		})
		c := repeats(cpu(ownSystem), cpu(best))
		parts = append(parts, fmt.Sprintf("%s: %s of %s, %s", format.Separate(callers), estimate(c), best, ratioRange(c).atMost(cpuGoal)))
	}
	return strings.Join(parts, "; ")
}

// commitLogTable has a row for each system and number of callers, the systems of one
// number side by side.
func commitLogTable(f *benchFile, systems []string) *table {
	t := &table{
		caption: "Puts of 256 B in process, each acknowledged when it is committed, synced and applied; every system is stopped and opened again, and holds what it acknowledged. The peers' state machine is a Go map; metastore's is an ordered index, metastore-hash's a Go map too. tidwall is a bare log without consensus: -group behind a group commit of the benchmark's, -each with a sync for each put. " +
			"The last two columns are the store's CPU for a put and its rate as shares of the row's, paired by repeat, with their 95 % interval: below 1 in the first and above 1 in the second, the store is better.",
		head: []column{num("callers"), text("system"), num("n"), num(rateUnit), num("p99, ms"), num("CPU, us/put"), num("fsyncs/put"), num("allocs/put"),
			num("store's CPU/its"), num("store's puts/s/its")},
	}
	for _, callers := range callerCounts(f) {
		for _, system := range systems {
			values := func(unit string) []float64 { return systemValues(f, unit, callers, system) }
			rates := values(rateUnit)
			if len(rates) == 0 {
				continue
			}
			row := t.row(format.Separate(callers), system, fmt.Sprint(len(rates)), interval(stats.Summarize(rates)),
				interval(scaled(stats.Summarize(values("p99-ns")), 1e-6)), interval(scaled(stats.Summarize(values(cpuUnit)), 1e-3)),
				interval(stats.Summarize(values("fsyncs/put"))), interval(stats.Summarize(values("allocs/op"))))
			for _, unit := range []string{cpuUnit, rateUnit} {
				share := "1"
				if system != ownSystem {
					share = estimate(repeats(systemValues(f, unit, callers, ownSystem), values(unit)))
				}
				row.text(share)
			}
		}
	}
	return t
}
