package plots

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/stats"
)

// All returns the figures of a run in the order in which a report shows them:
// for each stratum of puts alone, throughput; the waterfall and the interactions
// where the settings are a factorial or a fraction of one; latency where the disk
// is the native one; the mechanism where clients can share a sync. For each stratum
// of another operation type alone, throughput and waterfall; where there are only two
// cells, throughput and latency by percentile. Then the sync policies, the sizes of
// batches and the ends by clients, if the run compares them, and for each traced stratum
// where writes spend their time. A stratum without the data for a figure does not
// get it.
func All(r *stats.Run, factors []stats.Factor) ([]*Figure, error) {
	var figs []*Figure
	named := map[string]int{}
	for _, s := range r.Study(factors) {
		for _, fn := range drawings(s) {
			f, err := fn(s)
			if errors.Is(err, ErrNoData) {
				continue
			}
			if err != nil {
				return nil, err
			}
			// Strata may differ in an option that the name does not tell.
			if named[f.Name]++; named[f.Name] > 1 {
				f.Name = fmt.Sprintf("%s-%d", f.Name, named[f.Name])
			}
			figs = append(figs, f)
		}
	}
	for _, fn := range []func(*stats.Run) ([]*Figure, error){SyncPolicies, BatchSizes, Clients} {
		more, err := fn(r)
		if err != nil {
			return nil, err
		}
		figs = append(figs, more...)
	}
	traced, err := TracedStages(r, factors)
	return append(figs, traced...), err
}

// drawings are the figures that a stratum may have.
func drawings(s *stats.Stratum) []func(*stats.Stratum) (*Figure, error) {
	switch {
	case s.Op() == "":
		return nil // types of a mix are never added up
	case !s.WritesOnly():
		return []func(*stats.Stratum) (*Figure, error){Throughput, Waterfall}
	case s.Group == stats.GroupClients:
		return nil // one figure for all of them
	case len(s.Rows) == 2:
		return []func(*stats.Stratum) (*Figure, error){Throughput, LatencyByPercentile}
	}
	draw := []func(*stats.Stratum) (*Figure, error){Throughput, Waterfall, Interactions}
	if s.Options["disk"] == "native" {
		draw = append(draw, LatencyByPercentile, LatencyHistogram)
	}
	if s.Clients() > 1 {
		draw = append(draw, Mechanism)
	}
	return draw
}

// capital writes a word with a capital.
func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// describe names a stratum as titles do: "put50, memory engine, 50 clients, native
// disk, n=10".
func describe(s *stats.Stratum) string {
	blocks := 0
	for _, r := range s.Rows {
		blocks = max(blocks, len(r.Cell.Trials))
	}
	clients := "1 client"
	if n := s.Clients(); n != 1 {
		clients = fmt.Sprintf("%d clients", n)
	}
	parts := []string{s.Load()}
	if store := s.Store(); store != "" { // else the engine is a factor
		parts = append(parts, strings.Replace(store, s.Options["engine"], s.Options["engine"]+" engine", 1))
	}
	parts = append(parts, clients)
	if disk := s.Options["disk"]; disk != "" {
		parts = append(parts, disk+" disk")
	}
	return strings.Join(append(parts, fmt.Sprintf("n=%d", blocks)), ", ")
}

// captionTail ends every caption with the circumstances.
func captionTail(s *stats.Stratum) string { return "Closed loop; " + describe(s) + " blocks." }

// slug names a stratum in file names.
func slug(s *stats.Stratum) string {
	parts := []string{s.Group, s.Store(), s.Workload, s.Options["disk"]}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	return strings.ToLower(strings.NewReplacer(", ", "-", " ", "-").Replace(strings.Join(parts, "-")))
}
