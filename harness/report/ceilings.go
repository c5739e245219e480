package report

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// bounds say what a probe bounds.
var bounds = map[string]string{
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

// paramOrder is the order in which conditions are written; others follow by name.
var paramOrder = []string{
	record.ParamPercentile, record.ParamCodec, record.ParamClients, record.ParamConns, record.ParamBatch, record.ParamWindow,
	record.ParamPerMessage, record.ParamBytes, record.ParamKeyBytes, record.ParamValueBytes,
}

// Ceilings writes the probes as a Markdown table that reads as a plain one too.
// A nil argument, or one without probes, is empty text.
func Ceilings(c *record.Ceilings) string {
	if c == nil {
		return ""
	}
	t := table{
		caption: "What this machine did at best, without a store; a run measures it just before its first trial. n repeats, and the range of them. gRPC: closed loop, against a server that does nothing.",
		head:    []column{text("ceiling"), text("conditions"), text("unit"), num("median"), num("range"), num("n"), text("bounds")},
	}
	for _, p := range c.Probes {
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
		between := none
		if s.N > 1 {
			between = format.Number(s.Min) + " to " + format.Number(s.Max)
		}
		t.add(p.Name, conditions(p), unit, median(s), between, fmt.Sprint(s.N), bounds[p.Name])
	}
	return t.markdown(nil, "")
}

// conditions writes a probe's parameters.
func conditions(p record.Probe) string {
	keys := make([]string, 0, len(p.Params))
	for k := range p.Params {
		keys = append(keys, k)
	}
	rank := func(key string) int {
		if i := slices.Index(paramOrder, key); i >= 0 {
			return i
		}
		return len(paramOrder)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k + "=" + p.Params[k]
	}
	return strings.Join(parts, " ")
}
