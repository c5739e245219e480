package gate

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// AcceptTrailer is the trailer by which a commit accepts a loss:
//
//	Gate-accept: allocs - pooled buffers removed, see #12
//	Gate-accept: p99@put50 - the queue is bounded now
//	Gate-accept: metastore_wal_bytes_total - nobody read it
//
// A counter that is gone is accepted by its name.
// It holds for the revisions between base and head; the summary repeats it.
const AcceptTrailer = "Gate-accept"

// counterPrefix begins the names of the store's counters.
const counterPrefix = "metastore_"

// ParseTrailers returns what a commit's message accepts. A trailer that names no
// known metric, or gives no reason, is ErrTrailer: it would silently accept
// nothing.
func ParseTrailers(commit, message string) ([]record.Accepted, error) {
	var all []record.Accepted
	for line := range strings.Lines(message) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), AcceptTrailer+":")
		if !ok {
			continue
		}
		what, reason, _ := strings.Cut(strings.TrimSpace(value), " - ")
		name, load, _ := strings.Cut(strings.TrimSpace(what), "@")
		a := record.Accepted{Metric: name, Load: load, Reason: strings.TrimSpace(reason), Commit: commit}
		known := slices.Contains(metric.Names(), name) || strings.HasPrefix(what, counterPrefix)
		if !known || a.Reason == "" {
			return nil, fmt.Errorf("%w of commit %.12s: %q; accepted: \"%s: METRIC[@LOAD] - REASON\" with METRIC the name of a lost counter, or one of %s",
				ErrTrailer, commit, strings.TrimSpace(line), AcceptTrailer, strings.Join(metric.Names(), ", "))
		}
		all = append(all, a)
	}
	return all, nil
}

// accepts returns the trailer that accepts a gate's loss, or nil.
func accepts(all []record.Accepted, g Gate) *record.Accepted {
	for i, a := range all {
		if a.Metric == g.Metric.Name && (a.Load == "" || a.Load == g.Load) {
			return &all[i]
		}
	}
	return nil
}
