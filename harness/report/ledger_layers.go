package report

import (
	"slices"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// layerTimes maps a layer of the plan's table to times of the trace. The two do
// not cut a write at the same places, so a layer lies between what is surely its
// own and what may be.
type layerTimes struct {
	least stats.Metric // nil: nothing is surely its own
	most  stats.Metric
	note  string
}

var layers = map[string]layerTimes{
	"B1": {stats.StageTime(record.StageAppend), stats.StageTime(record.StageAppend), "the stage append, with the wait for other clients' syncs"},
	"B2": {stats.StageTime(record.StageEncode), stats.StageTime(record.StageEncode, record.StageApply), "at least the stage encode; at most apply too, which decodes"},
	"B3": {nil, stats.StageTime(record.StageApply), "at most the stage apply, which decodes too"},
	"B4": {stats.StageTime(record.StageDecode, record.StageReply), stats.B4Time, "at least the stages decode and reply; at most all that is outside the store too"},
}

// judgeLayer measures a layer's share of the baseline's mean service time of a
// put.
func (b *builder) judgeLayer(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	base := s.Baseline()
	measured, what, note := layerShare(c, base)
	if measured.N == 0 {
		return nil, nil
	}
	q, _ := c.Quantity(claims.Share)
	p := q.Range()
	v, reason := infer.JudgeClaim(infer.Case{Kind: infer.KindShare, Predicted: p, Measured: measured})
	return &ledgerRow{
		what: what, predicted: p.String() + " %", measured: measured, unit: "%",
		verdict: v, reason: reason + "; " + note, cells: []*stats.Cell{base},
	}, nil
}

// layerShare measures a layer, in percent. B5 needs no trace: the store has no
// interceptors, and it counts the waits for its storage lock.
func layerShare(c claims.Claim, base *stats.Cell) (e infer.Estimate, what, note string) {
	m, traced := layers[c.ID]
	if !traced {
		return over(base, shareOfWrite(stats.LockWait)).Estimate, "waits for the storage lock, share of a put", "this store has no interceptors"
	}
	e = over(base, shareOfWrite(m.most)).Estimate
	e.Lo = 0
	if m.least != nil {
		e.Lo = over(base, shareOfWrite(m.least)).Lo
	}
	return e, "share of a put", m.note
}

// shareOfWrite is a time per write in percent of the client's mean service time.
func shareOfWrite(m stats.Metric) stats.Metric {
	return func(t *record.Trial) (float64, bool) {
		part, ok := m(t)
		all, measured := stats.WriteTime(t)
		return 100 * part / all, ok && measured && all > 0
	}
}

// tracedStrata are the strata whose baseline traced its stages. They are no part
// of the study, because a traced store is a little slower.
func (b *builder) tracedStrata() []*stats.Stratum {
	return slices.DeleteFunc(b.Run.Strata(b.factors), func(s *stats.Stratum) bool {
		base := s.Baseline()
		return !stats.Traced(s.Options) || base == nil || !base.Measured()
	})
}
