package report

import (
	"fmt"
	"slices"

	"metastorebench/harness/attrib"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// response is a quantity whose change is attributed to the items.
type response struct {
	name   string
	metric stats.Metric
}

// speed is what the items are for; costs are what they change beside it.
var (
	speed = response{"puts/s", puts}
	costs = []response{
		{"p50 service time", stats.ServicePercentile(record.OpPut, 50)},
		{"p99 service time", stats.ServicePercentile(record.OpPut, 99)},
		{"store CPU/op", stats.StoreCPU},
	}
)

// attributed is one response's attribution in a stratum.
type attributed struct {
	response
	*attrib.Result
}

// attribution divides the total change of each full factorial among the items.
func (b *builder) attribution() error {
	headed := false
	for _, s := range b.study {
		if !s.WritesOnly() || !closed(s) {
			continue
		}
		var notes []string
		var found []attributed
		for _, r := range append([]response{speed}, costs...) {
			a, left, err := attribute(s, r.metric)
			if err != nil {
				return err
			}
			if left > 0 {
				notes = append(notes, fmt.Sprintf("%s: %s left out, because a trial is void or has too few operations", r.name, plural(left, "block")))
			}
			if a != nil {
				found = append(found, attributed{r, a})
			}
		}
		if len(found) == 0 || found[0].name != speed.name {
			continue
		}
		if !headed {
			b.printf("### Attribution: which item made it fast\n\n")
			headed = true
		}
		b.printf("#### %s\n\n", place(s))
		t := shares(s, found[0])
		t.note(notes...)
		b.printf("%s%s%s", t, costShares(s, found[1:]), interactions(s, found))
	}
	return nil
}

// attribute attributes the change of m, nil where the stratum is no full
// factorial of two or more complete blocks; left counts the incomplete ones.
func attribute(s *stats.Stratum, m stats.Metric) (r *attrib.Result, left int, err error) {
	blocks, left, complete := s.LogFactorial(m)
	if !complete || len(blocks) < 2 {
		return nil, left, nil
	}
	if r, err = attrib.Factorial(len(s.Factors), blocks, stats.Confidence); err != nil {
		return nil, left, fmt.Errorf("%s: %w", place(s), err)
	}
	return r, left, nil
}

// views explains the columns of shares and costShares.
const views = "Alone: against the baseline. Ladder: in the plan's order, on top of the items before it. Last: all against all but it. Average: over all settings of the others. Shapley: over all orders; these multiply to the total exactly, and the share is the part of the total's logarithm (n/a where the total's interval contains 1). Geometric mean over the blocks [95 % t interval]; ~ marks a ratio that is not told from 1 at 5 % after Holm's correction over the table."

// shares is a row per item in the classical views and as a Shapley share, then
// the total.
func shares(s *stats.Stratum, a attributed) *table {
	t := &table{
		caption: fmt.Sprintf("Ratio of put throughput that each item makes, closed loop, n=%d blocks; above 1 is faster. %s", a.Total.N, views),
		head:    []column{text("item"), num("alone"), num("ladder"), num("last"), num("average"), num("Shapley"), num("share, %")},
	}
	itemRows(t, s, a, judged(estimates(a.Result)), nil)
	return t
}

// costShares is the same for latency and CPU time, one table for all.
func costShares(s *stats.Stratum, found []attributed) *table {
	t := &table{
		caption: "The same for what a put costs: service time of puts, each block's percentile out of its own trial, and the store's CPU time per operation. Lower is better. Closed loop. Columns and marks as above.",
		head: []column{text("response"), num("n"), text("item"), num("alone"), num("ladder"), num("last"), num("average"), num("Shapley"),
			num("share, %")},
	}
	var all []attrib.Estimate
	for _, a := range found {
		all = append(all, estimates(a.Result)...)
	}
	marked := judged(all)
	for _, a := range found {
		n := len(estimates(a.Result))
		itemRows(t, s, a, marked[:n], []string{a.name, fmt.Sprint(a.Total.N)})
		marked = marked[n:]
	}
	return t
}

// itemRows adds a row per item and one of the total, each behind the cells of
// lead; marked are the texts of estimates(a).
func itemRows(t *table, s *stats.Stratum, a attributed, marked, lead []string) {
	for i, f := range s.Factors {
		share := none // parts of a total that may be nothing say nothing
		if a.Total.Excludes(0) {
			share = stats.Number(100 * a.Shapley[i].Log / a.Total.Log)
		}
		cells := append(slices.Clone(lead), f.ID+" "+f.Axis)
		t.add(append(append(cells, marked[5*i:5*i+5]...), share)...)
	}
	t.add(append(slices.Clone(lead), "all, measured", none, none, none, none, marked[5*len(s.Factors)], "100")...)
}

// estimates lists, item by item, the five views, then the total.
func estimates(r *attrib.Result) []attrib.Estimate {
	var out []attrib.Estimate
	for i := range r.Alone {
		out = append(out, r.Alone[i], r.Ladder[i], r.Last[i], r.Main[i], r.Shapley[i])
	}
	return append(out, r.Total)
}

// interactions has a row per pair of items and a column per response.
func interactions(s *stats.Stratum, found []attributed) *table {
	t := &table{
		caption: "Interactions: the ratio by which one item of the pair changes the other's effect, averaged over the settings of the rest. 1: the two multiply. For throughput, below 1 they stand in each other's way and above 1 they help each other; for service time and CPU, below 1 they help. Closed loop; intervals and marks as above.",
		head:    []column{text("pair")},
	}
	var pairs []attrib.Estimate
	for _, a := range found {
		t.head = append(t.head, num(fmt.Sprintf("%s (n=%d)", a.name, a.Total.N)))
		pairs = append(pairs, a.Pairs()...)
	}
	marked := judged(pairs)
	perResponse := len(pairs) / len(found)
	row := 0
	for i, f := range s.Factors {
		for _, g := range s.Factors[i+1:] {
			cells := []string{f.Axis + " x " + g.Axis}
			for r := range found {
				cells = append(cells, marked[r*perResponse+row])
			}
			t.add(cells...)
			row++
		}
	}
	return t
}

// judged writes the estimates of one table as "ratio [lo, hi]", with ~ behind
// those that are not told from 1 after Holm's correction over all of them.
func judged(es []attrib.Estimate) []string {
	p := make([]float64, len(es))
	for i, e := range es {
		p[i] = e.P
	}
	adjusted := stats.Holm(p)
	texts := make([]string, len(es))
	for i, e := range es {
		ratio, lo, hi := e.Ratio()
		texts[i] = fmt.Sprintf("%s [%s, %s]", stats.Number(ratio), stats.Number(lo), stats.Number(hi))
		if adjusted[i] > 1-stats.Confidence {
			texts[i] += " ~"
		}
	}
	return texts
}

// closed reports whether the stratum's clients wait for their answers. Where they
// do not, throughput is what was offered, and no item makes it.
func closed(s *stats.Stratum) bool {
	return s.Baseline().Trials[0].Workload.Loop == record.LoopClosed
}
