package report

import (
	"fmt"

	"metastorebench/harness/claims"
	"metastorebench/harness/stats"
)

// onLadder reports whether a claim is judged phase by phase: a target, what a phase
// brings (M1) and what all bring (M2), in a run that has the phases.
func (b *builder) onLadder(c claims.Claim) bool {
	return b.Run.Manifest.Plan == planLadder && (c.Kind == claims.KindTarget || c.ID == "M1" || c.ID == "M2")
}

// ladderRows judges a claim on each ladder of the claim's engine, a row for each
// phase that it is about.
func (b *builder) ladderRows(c claims.Claim) ([]ledgerRow, error) {
	var rows []ledgerRow
	for _, l := range b.Run.Ladders() {
		if c.Engine != "" && c.Engine != l.Options["engine"] {
			continue
		}
		found, err := b.judgeLadder(c, l)
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			row.claim, row.place = c, l.Stratum
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (b *builder) judgeLadder(c claims.Claim, l stats.Ladder) ([]ledgerRow, error) {
	if c.ID == "M2" {
		return b.judgeAllPhases(c, l)
	}
	var rows []ledgerRow
	for i, phase := range l.Phases {
		if phase == 0 {
			continue
		}
		row, err := b.judgePhaseOf(c, l, i)
		if err != nil {
			return nil, err
		}
		if row != nil {
			row.phase = phase
			row.what = stats.PhaseName(phase) + ": " + row.what
			rows = append(rows, *row)
		}
	}
	return rows, nil
}

// judgePhaseOf judges a target on row i of a ladder or, for M1, the step that leads
// there.
func (b *builder) judgePhaseOf(c claims.Claim, l stats.Ladder, i int) (*ledgerRow, error) {
	at := rung{l.Stratum, l.Rows[i].Cell, l.Phases[i]}
	if _, set := c.Quantity(at.goal()); !set {
		return nil, nil // the plan expects nothing of this phase
	}
	if c.ID != "M1" {
		return b.judgeTargetAt(c, at)
	}
	if !l.Complete() || !l.WritesOnly() {
		return nil, nil
	}
	below := l.Rows[i-1].Cell
	row, err := b.effectRow(c, at.goal(), at.full, below, puts)
	if row != nil {
		row.what = fmt.Sprintf("put throughput / %s", stats.PhaseName(l.Phases[i-1]))
	}
	return row, err
}

// judgeAllPhases judges the whole ladder by what the plan expects in practice, and
// says whether the layers multiply, as it has them do.
func (b *builder) judgeAllPhases(c claims.Claim, l stats.Ladder) ([]ledgerRow, error) {
	if !l.Complete() || !l.WritesOnly() {
		return nil, nil
	}
	row, err := b.effectRow(c, "practice", l.Full(), l.Baseline(), puts)
	if row == nil || err != nil {
		return nil, err
	}
	row.what = "put throughput, phase 3 / the plan's baseline"
	row.predicted += " in practice, 122 in theory"
	for _, s := range b.study {
		p, _, err := multiply(s, singles(s.All()), puts)
		if err != nil {
			return nil, err
		}
		if p != nil && s.Options["disk"] == l.Options["disk"] && s.Options["engine"] == l.Options["engine"] {
			row.reason += fmt.Sprintf("; layers, %s: alone they multiply to %s, together they make %s", place(s), b.settled(comparison(p.Product)), b.settled(comparison(p.Total)))
		}
	}
	return []ledgerRow{*row}, nil
}
