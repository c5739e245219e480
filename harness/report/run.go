package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

// whatRan is the table of circumstances.
func (b *builder) whatRan() {
	m, e := b.Run.Manifest, b.Run.Manifest.Env
	b.printf("### What was run\n\n")
	t := table{
		caption: strings.TrimSpace("The run. " + b.loops()),
		head:    []column{text("what"), text("value")},
	}
	t.add("plan, level", m.Plan+", "+m.Level)
	t.add("command", "`"+command(m.Command)+"`")
	if len(m.Only) > 0 {
		t.add("only", strings.Join(m.Only, ", "))
	}
	t.add("commit", commit(e))
	if h := e.Harness; h != nil {
		t.add("harness", harnessText(*h))
	}
	t.add("seed", fmt.Sprint(m.Seed))
	t.add("blocks", format.Count(int64(m.Blocks)))
	t.add("cells", fmt.Sprintf("%d, of which %d measured", len(b.Run.Cells), b.measured()))
	t.add("skipped", plural(len(m.Skipped), "cell"))
	t.add("trials", fmt.Sprintf("%s, of which %d void", format.Count(int64(b.Run.Trials)), len(b.Run.Voids)))
	t.add("dates (UTC)", dates(m))
	t.add("machine", fmt.Sprintf("%s, %d CPUs, %s", e.CPUModel, e.CPUs, memoryText(e)))
	t.add("system", fmt.Sprintf("%s/%s, kernel %s, %s", e.OS, e.Arch, e.Kernel, e.GoVersion))
	t.add("filesystem", e.Filesystem)
	t.add("sync latency", syncText(e))
	for _, w := range b.workloads() {
		t.add("workload "+w.Name, workloadText(w))
	}
	t.add("durability", b.tiers())
	b.WriteString(t.markdown(nil, ""))
}

// memoryText and syncText write what was measured of the machine, if it was.
func memoryText(e record.Environment) string {
	if e.MemoryBytes == 0 {
		return "memory n/a"
	}
	return format.Number(float64(e.MemoryBytes)/(1<<30)) + " GiB memory"
}

func syncText(e record.Environment) string {
	if e.SyncSamples == 0 {
		return none
	}
	return fmt.Sprintf("fdatasync of a 4 KiB append: p50 %s us, p99 %s us, n=%s",
		format.Number(float64(e.SyncLatencyP50NS)/1e3), format.Number(float64(e.SyncLatencyP99NS)/1e3), format.Count(int64(e.SyncSamples)))
}

func (b *builder) measured() int {
	n := 0
	for _, c := range b.Run.Cells {
		if c.Measured() {
			n++
		}
	}
	return n
}

// workloads are the effective workloads, in the order of the cells.
func (b *builder) workloads() []record.Workload {
	var ws []record.Workload
	for _, c := range b.Run.Cells {
		if !c.Measured() {
			continue
		}
		v := c.Trials[0].Workload
		if !slices.ContainsFunc(ws, func(w record.Workload) bool { return w.Name == v.Name && w.API == v.API && w.BatchOps == v.BatchOps }) {
			ws = append(ws, v)
		}
	}
	return ws
}

// loops says what the loops that were run are.
func (b *builder) loops() string {
	said := map[string]string{
		record.LoopClosed: "Closed loop: every client sends its next operation when the last one is answered.",
		record.LoopOpen:   "Open loop: operations are due at a given rate, whatever the answers; clients bound how many are under way.",
	}
	var parts []string
	for _, w := range b.workloads() {
		if text := said[w.Loop]; !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " ")
}

// loopText names a workload's loop, with the pace of an open one.
func loopText(w record.Workload) string {
	if w.Loop != record.LoopOpen {
		return w.Loop + " loop"
	}
	return fmt.Sprintf("%s loop, %s arrivals at %s/s", w.Loop, w.Arrivals, format.Number(w.OfferedOpsPerSecond))
}

func workloadText(w record.Workload) string {
	var mix []string
	for _, op := range []string{record.OpPut, record.OpGet, record.OpRange, record.OpDelete} {
		if share := w.Mix[op]; share > 0 {
			mix = append(mix, fmt.Sprintf("%s %s %%", op, format.Number(100*share)))
		}
	}
	if w.RangeKeys > 0 {
		mix = append(mix, spanText(w))
	}
	if w.BatchOps > 0 {
		mix = append(mix, fmt.Sprintf("in batches of %d, each operation counted with the time of its batch", w.BatchOps))
	}
	return fmt.Sprintf("%s on %s, %s; keys of %d bytes, values of %d bytes, %s keys, %s; %s",
		clients(w.Clients), plural(w.Conns, "connection"), strings.Join(mix, ", "), w.KeyBytes, w.ValueBytes, format.Count(int64(w.Keys)), w.Distribution, loopText(w))
}

// spanText says what a range reads, where that is not a whole prefix.
func spanText(w record.Workload) string {
	text := fmt.Sprintf("a range spans %s", plural(w.RangeKeys, "key"))
	if w.RangeLimit > 0 {
		text += fmt.Sprintf(" and is answered with %s of them and the count of all", format.Count(w.RangeLimit))
	}
	return text
}

// tiers names the durability of what was measured.
func (b *builder) tiers() string {
	count := map[string]int{}
	for _, c := range b.Run.Cells {
		if c.Measured() {
			count[c.Durability]++
		}
	}
	var parts []string
	for _, tier := range []string{record.TierSynced, record.TierUnsafe, record.TierNone, record.TierUnstated} {
		if count[tier] > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", tier, plural(count[tier], "cell")))
		}
	}
	return strings.Join(parts, "; ")
}

// skipped lists skipped cells by reason.
func (b *builder) skipped() {
	byReason := map[string][]string{}
	var reasons []string
	for _, s := range b.Run.Manifest.Skipped {
		if byReason[s.Reason] == nil {
			reasons = append(reasons, s.Reason)
		}
		byReason[s.Reason] = append(byReason[s.Reason], "`"+s.Cell+"`")
	}
	for _, r := range reasons {
		b.printf("Skipped, because %s: %s: %s.\n\n", strings.TrimSuffix(inline(r), "."), plural(len(byReason[r]), "cell"), strings.Join(byReason[r], ", "))
	}
}

// voids lists the trials that were taken out.
func (b *builder) voids() {
	for _, v := range b.Run.Voids {
		b.printf("Void, taken out of every number: `%s`, block %d: %s.\n\n", v.Cell, v.Block, strings.TrimSuffix(inline(v.Reason), "."))
	}
}

// unchecked says what of the trials was not checked.
func (b *builder) unchecked() {
	trials := make([]record.Trial, len(b.Run.Recorded))
	for i, t := range b.Run.Recorded {
		trials[i] = *t
	}
	for _, line := range record.Unchecked(trials) {
		b.printf("Not checked: %s.\n\n", strings.TrimSuffix(inline(line), "."))
	}
}

func commit(e record.Environment) string {
	switch {
	case e.Commit == "":
		return "not a git checkout"
	case e.Dirty:
		return e.Commit + ", with uncommitted changes"
	}
	return e.Commit
}

// harnessText names the build that measured.
func harnessText(h record.Build) string {
	text := cmp.Or(h.Revision, "of unknown sources")
	if h.Modified {
		text += ", with uncommitted changes"
	}
	return fmt.Sprintf("%s, %s, SHA-256 %.12s", text, h.GoVersion, h.SHA256)
}

func dates(m record.Manifest) string {
	from := m.Started.UTC().Format(time.DateTime)
	if m.Finished.IsZero() {
		return from + ", not finished"
	}
	return from + " to " + m.Finished.UTC().Format(time.DateTime)
}

// command writes argv for a shell. A program that was started by its absolute
// path is named by its last part, which is what a reader elsewhere has.
func command(argv []string) string {
	parts := slices.Clone(argv)
	for i, a := range parts {
		if i == 0 && path.IsAbs(a) {
			parts[i] = path.Base(a)
		} else if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`*?[]{}()<>|&;#~") {
			parts[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(parts, " ")
}
