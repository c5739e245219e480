package facts

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Ceilings is a document of the probes alone: one view with one table, of what the
// machine did at best without a store. Without probes the table is empty.
func Ceilings(c *record.Ceilings) *Document {
	b := &builder{doc: &Document{Schema: Schema}}
	b.doc.Views = []View{{ID: "ceilings", Kind: "bounds", Title: "Ceilings of this machine", Tables: []Table{b.ceilings(c).Table}}}
	return b.doc
}

// limits say what a probe bounds.
var limits = map[string]string{
	record.ProbeUnary:             "operations of as many clients, one per call",
	record.ProbeBatch:             "operations sent in batches",
	record.ProbeStream:            "operations sent on streams",
	record.ProbeSyncLatency:       "log syncs, one after another",
	record.ProbeSyncBandwidth:     "log and snapshot bytes",
	record.ProbeLoopbackLatency:   "one client's operations",
	record.ProbeLoopbackBandwidth: "bytes between client and store",
	record.ProbeCodecEncode:       "proposals, by the core that encodes",
	record.ProbeCodecDecode:       "applying, by the core that decodes",
}

// probeOrder is the order in which conditions are written; others follow by name.
var probeOrder = []string{
	record.ParamPercentile, record.ParamCodec, record.ParamClients, record.ParamConns, record.ParamBatch, record.ParamWindow,
	record.ParamPerMessage, record.ParamBytes, record.ParamKeyBytes, record.ParamValueBytes,
}

// ceilings is the table of what this machine did at best.
func (b *builder) ceilings(of *record.Ceilings) *table {
	t := newTable("ceilings", "What this machine did at best, without a store, just before the first trial: means of n repeats. gRPC: closed loop, against a server that does nothing.",
		Column{Key: "ceiling", Title: "ceiling", Text: true}, Column{Key: "conditions", Title: "conditions", Text: true},
		Column{Key: "value", Title: "value"}, Column{Key: "unit", Title: "unit", Text: true}, Column{Key: "n", Title: "n"}, Column{Key: "bounds", Title: "bounds", Text: true})
	if of == nil {
		return t
	}
	for _, p := range of.Probes {
		id, unit := b.probe(p)
		t.add(strings.TrimSpace(p.Name+" "+conditions(p)), word(p.Name), word(conditions(p)), known(id), word(unit), word(format.Count(int64(len(p.Samples)))), word(limits[p.Name]))
	}
	return t
}

// probe is the fact of a probe's mean, in a unit that people read.
func (b *builder) probe(p record.Probe) (id int, unit string) {
	factor, unit := 1.0, p.Unit
	switch p.Unit {
	case record.UnitNS:
		factor, unit = 1e-3, "us"
	case record.UnitBytes:
		factor, unit = 1.0/(1<<20), "MiB/s"
	}
	values := make([]float64, len(p.Samples))
	for i, v := range p.Samples {
		values[i] = v * factor
	}
	s := stats.Summarize(values)
	if s.N == 0 {
		return 0, unit
	}
	f := &Fact{Kind: Level, Unit: unit, Min: number(s.Min), Max: number(s.Max)}
	f.estimate(s.Estimate)
	return b.add(f), unit
}

// conditions writes a probe's parameters.
func conditions(p record.Probe) string {
	rank := func(key string) int {
		if i := slices.Index(probeOrder, key); i >= 0 {
			return i
		}
		return len(probeOrder)
	}
	keys := slices.SortedFunc(maps.Keys(p.Params), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k + "=" + p.Params[k]
	}
	return strings.Join(parts, " ")
}
