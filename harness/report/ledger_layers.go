package report

import (
	"metastorebench/harness/claims"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/verdict"
)

// layerStages maps a layer of the plan's table to the stages of the trace. The
// two do not cut a write at the same places, so a layer lies between what is
// surely its own and what may be.
type layerStages struct {
	least, most []string
	// outside adds what is not in the store at all: client, kernel and network.
	outside bool
	note    string
}

var layers = map[string]layerStages{
	"B1": {least: []string{record.StageAppend}, most: []string{record.StageAppend}, note: "the stage append, with the wait for other clients' syncs"},
	"B2": {least: []string{record.StageEncode}, most: []string{record.StageEncode, record.StageApply}, note: "at least the stage encode, at most apply too, which decodes"},
	"B3": {most: []string{record.StageApply}, note: "at most the stage apply, which decodes too"},
	"B4": {least: []string{record.StageDecode, record.StageReply}, most: []string{record.StageDecode, record.StageReply}, outside: true,
		note: "at least the stages decode and reply, at most all that is outside the store too"},
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
	p := verdict.RangeOf(q)
	v, reason := verdict.Judge(verdict.Case{Kind: verdict.Share, Predicted: p, Measured: measured})
	return &ledgerRow{
		what: what, predicted: p.String() + " %", measured: measured, unit: "%",
		verdict: v, reason: reason + "; " + note, cells: []*stats.Cell{base},
	}, nil
}

// layerShare measures a layer, in percent. B5 needs no trace: the store has no
// interceptors, and it counts the waits for its storage lock.
func layerShare(c claims.Claim, base *stats.Cell) (e verdict.Estimate, what, note string) {
	m, traced := layers[c.ID]
	if !traced {
		return estimateOf(over(base, lockShare)), "waits for the storage lock, share of a put", "this store has no interceptors"
	}
	most := estimateOf(over(base, stageShare(m.most, m.outside)))
	least := verdict.Estimate{Interval: most.Interval}
	if len(m.least) > 0 {
		least = estimateOf(over(base, stageShare(m.least, false)))
	}
	e = most
	e.Lo = least.Lo
	return e, "share of a put", m.note
}

// stageShare is the mean time of the stages, and outside the store, in percent
// of the mean service time of puts.
func stageShare(stages []string, outside bool) stats.Metric {
	return func(t *record.Trial) (float64, bool) {
		service, ok := serviceMean(t)
		if !ok || t.Stages == nil || t.Stages.Samples == 0 {
			return 0, false
		}
		var sum int64
		for _, s := range stages {
			sum += t.Stages.SumNS[s]
		}
		share := float64(sum) / float64(t.Stages.Samples) / service
		if outside {
			share += 1 - float64(t.Stages.TotalNS)/float64(t.Stages.Samples)/service
		}
		return 100 * share, true
	}
}

// lockShare is the mean wait for the storage lock per write, in percent of the
// mean service time of puts.
func lockShare(t *record.Trial) (float64, bool) {
	service, ok := serviceMean(t)
	if !ok || t.Mechanism == nil || t.Mechanism.AppliedOps == 0 {
		return 0, false
	}
	return 100 * float64(t.Mechanism.LockWaitNS) / float64(t.Mechanism.AppliedOps) / service, true
}
