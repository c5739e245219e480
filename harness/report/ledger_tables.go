package report

import (
	"fmt"
)

// ledgerTables prints the claims: one row each for the plan's own environment,
// then every environment.
func (b *builder) ledgerTables() error {
	rows, err := b.ledger()
	if err != nil {
		return err
	}
	b.printf("### Claims ledger\n\n")
	head := table{
		caption: fmt.Sprintf("Every claim, judged in the environment nearest to the plan's own: puts alone, one member (pipelining: a cluster), single calls, the disk with syncs of 2 to 5 ms where the run has it, the memory engine unless the claim names another, the most clients. Closed loop. Records: `%s`; %s. Measured: value [95 %% interval] over n blocks. Verdicts follow from the interval by one rule, written down in harness/verdict: `confirmed`: the predicted sign, and the interval meets the predicted size; `partly`: the predicted sign, but the interval leaves out the size; `refuted`: no effect, or the wrong sign; `inconclusive`: the interval leaves both open, or there is none. The last column counts the verdicts in the other environments, which the next table lists; nothing is averaged over environments. Each interval stands for itself: of a hundred, about five miss.",
			b.RunPath, runText(b)),
		head: []column{text("claim"), text("quantity"), text("plan"), text("measured"), num("n"), text("environment"), text("verdict"), text("why"), text("elsewhere")},
	}
	for _, r := range rows {
		if r.headline && (r.place != nil || b.Run.Manifest.Plan != planLadder) {
			head.add(r.claim.ID, r.what, r.predicted, r.value(), r.n(), r.environment(), string(r.verdict), r.reason, tally(rows, r))
		}
	}
	b.WriteString(head.markdown(nil, ""))
	b.printf("#### Every environment\n\n")
	every := table{
		caption: fmt.Sprintf("The same rule in each environment of the run, the headline of the table above first. Closed loop; n blocks; records: the cells of `%s` that are named in the last column, all their valid blocks.", b.RunPath),
		head:    []column{text("claim"), text("environment"), text("plan"), text("measured"), num("n"), text("verdict"), text("why"), text("cells")},
	}
	for _, r := range rows {
		if r.place != nil {
			every.add(r.claim.ID, r.environment(), r.predicted, r.value(), r.n(), string(r.verdict), r.reason, r.cellIDs())
		}
	}
	b.WriteString(every.markdown(nil, ""))
	return nil
}

// runText names commit and machine.
func runText(b *builder) string {
	e := b.Run.Manifest.Env
	return fmt.Sprintf("commit %s, %s, %d CPUs, %s", commit(e), e.CPUModel, e.CPUs, e.Filesystem)
}

// lasts shows what the attribution does not: each item's effect on top of all
// others, where the stratum is no full factorial.
func (b *builder) lasts() error {
	t := table{
		caption: "Ratio of put throughput, all items on against all but this one, where the run has no full factorial to attribute. Closed loop. " + ratioLegend,
		head:    []column{text("item"), text("engine"), text("workload"), num("clients"), text("disk"), num("last"), num("n")},
	}
	for _, f := range b.factors {
		for _, s := range b.study {
			i := s.Index(f.ID)
			if i < 0 || !s.WritesOnly() || len(s.Rows) == 1<<len(s.Factors) {
				continue
			}
			last, err := against(s.Full(), s.At(s.All()&^(1<<i)), puts)
			if err != nil {
				return err
			}
			if last.N > 0 {
				t.row(f.ID+" "+f.Name(), s.Store(), s.Load(), fmt.Sprint(s.Clients()), s.Options["disk"]).ratio(last).text(fmt.Sprint(last.N))
			}
		}
	}
	b.part("Each item last", &t)
	return nil
}
