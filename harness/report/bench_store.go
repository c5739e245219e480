package report

import (
	"fmt"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Goals of a restart and of group commit, and the policies that they are about.
const (
	restartEntries = "1000000"
	restartGoal    = 300_000 // entries/s
	oneClientGoal  = 1.05    // group's time of a put by a lone client, to perready's
	policyPerReady = "perready"
	policyGroup    = "group"
	policyAsync    = "async"
)

// policyTier is the durability of what a policy acknowledges.
func policyTier(wal string) string {
	if wal == policyAsync {
		return record.TierUnsafe
	}
	return record.TierSynced
}

// powerCuts shows BenchmarkPowerCuts: what each policy loses when the power fails
// (claim M4).
func (b *benchBuilder) powerCuts(f *benchFile) error {
	t := &table{
		caption: "Simulated power cuts at random acknowledgements; of what was not synced a random part is lost, up to all of it. Acknowledged and lost: writes, summed over the cuts.",
		head:    []column{text("--wal"), text("tier"), num("cuts"), num("with a loss"), num("acknowledged"), num("lost")},
	}
	cuts, lost, unsafe := int64(0), int64(0), ""
	for _, s := range f.samples {
		wal, tier := s.keys["wal"], policyTier(s.keys["wal"])
		texts := []string{wal, tier}
		for _, unit := range []string{"cuts", "cuts-with-loss", "acknowledged", "lost"} {
			texts = append(texts, format.Count(s.count(unit)))
		}
		t.add(texts...)
		if tier == record.TierUnsafe {
			unsafe += fmt.Sprintf(" %s, which is %s, lost %s of %s, in %s of %s cuts.", wal, tier, texts[5], texts[4], texts[3], texts[2])
			continue
		}
		cuts += s.count("cuts")
		lost += s.count("lost")
	}
	b.printf("Of the writes that they had acknowledged, the %s policies lost %s in %s cuts.%s\n\n%s", record.TierSynced, format.Count(lost), format.Count(cuts), unsafe, t.markdown(nil, ""))
	return nil
}

// count is the sum of a unit that counts something, over the repeats.
func (s *benchSample) count(unit string) (sum int64) {
	for _, v := range s.values[unit] {
		sum += int64(v)
	}
	return sum
}

// restart shows BenchmarkRestart: how fast a store reads its log.
func (b *benchBuilder) restart(f *benchFile) error {
	if rate := stats.Summarize(f.find("entries/s", "entries", restartEntries)); rate.N > 0 {
		b.printf("A log of %s entries is read and applied at %s entries/s. Goal of at least %s: %s.\n\n", format.Separate(restartEntries), interval(rate), format.Count(restartGoal), medianRange(rate).atLeast(restartGoal))
	}
	t := &table{
		caption: "From opening the store to the last entry applied; memory engine, puts of 256 B, no snapshot. entries: one put in each; puts: in entries as batching makes them.",
		head:    []column{text("log of"), num("n"), num("log, MB"), num("start, s"), num("entries/s"), num("puts/s")},
	}
	for _, s := range f.samples {
		content := format.Separate(s.keys["entries"]) + " entries"
		if puts, ok := s.keys["puts"]; ok {
			content = format.Separate(puts) + " puts"
		}
		t.add(content, fmt.Sprint(len(s.values["ns/op"])), interval(scaled(stats.Summarize(s.values["log-bytes"]), 1e-6)), interval(scaled(stats.Summarize(s.values["ns/op"]), 1e-9)),
			interval(stats.Summarize(s.values["entries/s"])), interval(stats.Summarize(s.values["puts/s"])))
	}
	b.WriteString(t.markdown(nil, ""))
	return nil
}

// policies shows BenchmarkWALPolicy: puts per second of each policy.
func (b *benchBuilder) policies(f *benchFile) error {
	names := f.all("wal")
	t := &table{
		caption: "Puts/s of the best selection without gRPC, memory engine; group-linger is group with a linger. Ratios are paired by repeat, with their 95 % interval.",
		head:    []column{text("disk"), num("clients"), num("n")},
	}
	for _, name := range names {
		t.head = append(t.head, num(name))
	}
	t.head = append(t.head, num(policyGroup+"/"+policyPerReady))
	for _, disk := range f.all("disk") {
		for _, clients := range f.all("clients") {
			rates := func(wal string) []float64 {
				return f.find("puts/s", "disk", disk, "clients", clients, "wal", wal)
			}
			row := t.row(disk, format.Separate(clients), fmt.Sprint(len(rates(policyGroup))))
			for _, name := range names {
				row.text(interval(stats.Summarize(rates(name))))
			}
			row.text(estimate(repeats(rates(policyGroup), rates(policyPerReady))))
		}
	}
	b.WriteString(t.markdown(nil, ""))
	return nil
}

// oneClient shows BenchmarkOneClient: what group commit costs a client that has
// nobody to share a sync with.
func (b *benchBuilder) oneClient(f *benchFile) error {
	var parts []string
	for _, s := range f.samples {
		c := repeats(s.values[policyGroup+"-p50-ns"], s.values[policyPerReady+"-p50-ns"])
		if c.N > 0 {
			parts = append(parts, fmt.Sprintf("On the %s disk a put's median under %s is %s of %s's. Goal of at most %s: %s.", s.keys["disk"], policyGroup, estimate(c), policyPerReady, format.Number(oneClientGoal), ratioRange(c).atMost(oneClientGoal)))
		}
	}
	b.printf("%s\n\n%s", strings.Join(parts, " "), f.table("Geometric means of the puts of one client to one store after the other.").markdown(nil, ""))
	return nil
}
