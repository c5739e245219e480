package stats

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"metastorebench/harness/record"
)

// comparable refuses cells that must not be put into one comparison.
func comparable(a, b *Cell) error {
	if !a.Measured() || !b.Measured() {
		return nil // there is nothing to mix
	}
	if a.Durability != b.Durability {
		return fmt.Errorf("%w: %q is %q, %q is %q", ErrTier, a.ID, a.Durability, b.ID, b.Durability)
	}
	if d := workloadDifferences(a, b); len(d) > 0 {
		return fmt.Errorf("%w: %q and %q: %s", ErrWorkload, a.ID, b.ID, strings.Join(d, "; "))
	}
	return nil
}

// difference is one property with its two values, as "clients 50 and 100".
func difference(name string, a, b any) string { return fmt.Sprintf("%s %v and %v", name, a, b) }

// workloadDifferences names what differs between any trials of the two cells. A
// property that is an axis of the cells' options is what is compared, so it may
// differ; the workload's name is only a name.
func workloadDifferences(a, b *Cell) []string {
	first := &a.Trials[0].Workload
	for _, t := range append(a.Trials[1:len(a.Trials):len(a.Trials)], b.Trials...) {
		if d := workloadDiff(first, &t.Workload, a.Options); len(d) > 0 {
			return d
		}
	}
	return nil
}

func workloadDiff(a, b *record.Workload, axes map[string]string) []string {
	var all []string
	for _, p := range []struct {
		name string
		a, b any
	}{
		{"type", a.Type, b.Type}, {"loop", a.Loop, b.Loop}, {"arrivals", a.Arrivals, b.Arrivals},
		{"offered rate", a.OfferedOpsPerSecond, b.OfferedOpsPerSecond}, {"clients", a.Clients, b.Clients},
		{"conns", a.Conns, b.Conns}, {"key bytes", a.KeyBytes, b.KeyBytes}, {"value bytes", a.ValueBytes, b.ValueBytes},
		{"keys", a.Keys, b.Keys}, {"distribution", a.Distribution, b.Distribution}, {"zipf theta", a.ZipfTheta, b.ZipfTheta},
		{"preloaded keys", a.PreloadKeys, b.PreloadKeys}, {"keys of a range", a.RangeKeys, b.RangeKeys}, {"range limit", a.RangeLimit, b.RangeLimit}, {"api", a.API, b.API}, {"client", cmp.Or(a.Client, record.ClientGRPC), cmp.Or(b.Client, record.ClientGRPC)},
		{"operations", a.Operations, b.Operations},
	} {
		if _, axis := axes[p.name]; p.a != p.b && !axis {
			all = append(all, difference(p.name, p.a, p.b))
		}
	}
	if a.API == b.API && a.BatchOps != b.BatchOps {
		all = append(all, difference("batch size", a.BatchOps, b.BatchOps))
	}
	if !maps.Equal(a.Mix, b.Mix) {
		all = append(all, difference("mix", a.Mix, b.Mix))
	}
	return all
}
