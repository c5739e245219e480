package report

import (
	"fmt"
	"strings"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Goals of a restart and of group commit, and the policies that they are about.
const (
	restartGoal    = 300_000 // entries/s
	oneClientGoal  = 1.05    // group's time of a put by a lone client, to perready's
	policyPerReady = "perready"
	policyGroup    = "group"
	policyAsync    = "async"
)

// policyName marks the policy that may lose what it acknowledged.
func policyName(wal string) string {
	if wal == policyAsync {
		return wal + " (" + record.TierUnsafe + ")"
	}
	return wal
}

// powerCuts shows BenchmarkPowerCuts: what each policy loses when the power fails
// (claim M4).
func (b *benchBuilder) powerCuts(f *benchFile) error {
	t := &table{
		caption: "Simulated power cuts at random acknowledgements; what was not synced is lost, wholly or in part. Acknowledged and lost: writes, summed over the cuts.",
		head:    []column{text("--wal"), text("tier"), num("cuts"), num("with a loss"), num("acknowledged"), num("lost")},
	}
	safeCuts, safeLost, unsafe := 0.0, 0.0, ""
	for _, s := range f.samples {
		m := s.medians()
		t.add(s.keys["wal"], s.keys["tier"], stats.Count(int64(m["cuts"])), stats.Count(int64(m["cuts-with-loss"])),
			stats.Count(int64(m["acknowledged-writes"])), stats.Count(int64(m["lost-writes"])))
		if s.keys["tier"] == record.TierUnsafe {
			unsafe += fmt.Sprintf(" %s, which is %s, lost %s of %s acknowledged writes, in %s of %s cuts.", s.keys["wal"], record.TierUnsafe,
				stats.Count(int64(m["lost-writes"])), stats.Count(int64(m["acknowledged-writes"])), stats.Count(int64(m["cuts-with-loss"])), stats.Count(int64(m["cuts"])))
			continue
		}
		safeCuts += m["cuts"]
		safeLost += m["lost-writes"]
	}
	b.printf("The safe policies lost %s acknowledged writes in %s cuts.%s\n\n%s", stats.Count(int64(safeLost)), stats.Count(int64(safeCuts)), unsafe, t)
	return nil
}

// medians has one value for each unit.
func (s *benchSample) medians() map[string]float64 {
	m := make(map[string]float64)
	for unit, values := range s.values {
		m[unit] = stats.Summarize(values).Median
	}
	return m
}

// restart shows BenchmarkRestart: how fast a store reads its log.
func (b *benchBuilder) restart(f *benchFile) error {
	var parts []string
	for _, s := range f.samples {
		rate := stats.Summarize(s.values["entries/s"])
		if s.keys["entries"] == "1000000" && rate.N > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s entries/s, %s", strings.TrimPrefix(s.name, s.keys["pkg"]+" "), interval(rate), medianRange(rate).atLeast(restartGoal)))
		}
	}
	if len(parts) > 0 {
		b.printf("A restart from a log of a million entries: %s.\n\n", strings.Join(parts, "; "))
	}
	b.printf("%s", f.table("From opening the log to the last entry applied."))
	return nil
}

// policies shows BenchmarkSync: puts per second of each policy.
func (b *benchBuilder) policies(f *benchFile) error {
	names := f.all("wal")
	t := &table{
		caption: "Puts/s of the best selection without gRPC, memory engine. Ratios are paired by repeat, with their 95 % interval.",
		head:    []column{text("disk"), num("clients"), num("n")},
	}
	for _, name := range names {
		t.head = append(t.head, num(policyName(name)))
	}
	t.head = append(t.head, num(policyGroup+"/"+policyPerReady))
	for _, disk := range f.all("disk") {
		for _, clients := range f.all("clients") {
			rates := func(wal string) []float64 {
				return f.find("puts/s", "disk", disk, "clients", clients, "wal", wal)
			}
			row := t.row(disk, stats.Separate(clients), fmt.Sprint(len(rates(policyGroup))))
			for _, name := range names {
				row.text(interval(stats.Summarize(rates(name))))
			}
			row.text(estimate(repeats(rates(policyGroup), rates(policyPerReady))))
		}
	}
	b.printf("%s", t)
	return nil
}

// oneClient shows BenchmarkOneClient: what group commit costs a client that has
// nobody to share a sync with.
func (b *benchBuilder) oneClient(f *benchFile) error {
	var parts []string
	for _, s := range f.samples {
		c := repeats(s.values[policyGroup+"-p50-ns"], s.values[policyPerReady+"-p50-ns"])
		if c.N > 0 {
			parts = append(parts, fmt.Sprintf("On the %s disk a put's median under %s is %s of %s's: %s.", s.keys["disk"], policyGroup, estimate(c), policyPerReady, ratioRange(c).atMost(oneClientGoal)))
		}
	}
	b.printf("%s\n\n%s", strings.Join(parts, " "), f.table("Medians of the puts of one client to one store after the other."))
	return nil
}
