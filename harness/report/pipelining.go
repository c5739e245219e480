package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// pipelined is one append in flight for each follower against many.
var pipelined = stats.Factor{ID: itemPipeline, Axis: "pipeline", Off: "off", On: "on"}

// axisLink is the delay of the links between members.
const axisLink = "link-delay"

// pipelineTables is the section of plan pipelining.
func (b *builder) pipelineTables() error {
	for _, part := range []func() error{b.pipelineRatios, b.pipelineWithBatching, b.pipelineMechanism, b.machineCeilings, b.cellBounds} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// pipelineStrata are the pairs of a run that compares pipelining, by cluster size,
// delay, clients and the size of proposals.
func pipelineStrata(r *stats.Run) []*stats.Stratum {
	all := slices.DeleteFunc(r.Strata([]stats.Factor{pipelined}), func(s *stats.Stratum) bool {
		off, on := s.Baseline(), s.Full()
		return off == nil || on == nil || !off.Measured() || !on.Measured()
	})
	slices.SortStableFunc(all, func(x, y *stats.Stratum) int {
		return cmp.Or(cmp.Compare(x.Members(), y.Members()), cmp.Compare(linkDelay(x.Options), linkDelay(y.Options)),
			cmp.Compare(x.Clients(), y.Clients()), -strings.Compare(x.Options[axisPropose], y.Options[axisPropose]))
	})
	return all
}

// linkDelay is the one-way delay of the links that options ask for; a text that is
// no duration has none.
func linkDelay(options map[string]string) time.Duration {
	d, err := time.ParseDuration(options[axisLink])
	if err != nil {
		return 0
	}
	return d
}

// linkText names a delay; one member has no links.
func linkText(s *stats.Stratum) string {
	switch delay := linkDelay(s.Options); {
	case s.Members() == 1:
		return "no links"
	case delay == 0:
		return "no delay"
	default:
		return delay.String()
	}
}

// pipelinePlace is a row's place: members, delay, clients and proposals.
func pipelinePlace(s *stats.Stratum) []string {
	return []string{fmt.Sprint(s.Members()), linkText(s), format.Count(int64(s.Clients())), s.Options[axisPropose]}
}

// pipelineHead are the columns of pipelinePlace.
func pipelineHead() []column {
	return []column{num("members"), num("link delay, one way"), num("clients"), text("proposals")}
}

// pipelineRatios has a row per pair.
func (b *builder) pipelineRatios() error {
	t := table{
		caption: "Put throughput with many appends in flight for each follower (on) against one (off). Latency: service time, histograms of all blocks merged. Closed loop: with one client there is never more than one entry to send. " + ratioLegend,
		head:    append(pipelineHead(), num("n"), num("off, puts/s"), num("on, puts/s"), num("ratio on/off"), num("off p50, ms"), num("on p50, ms"), num("off p99, ms"), num("on p99, ms")),
	}
	for _, s := range pipelineStrata(b.Run) {
		off, on := s.Baseline(), s.Full()
		r, err := against(on, off, puts)
		if err != nil {
			return err
		}
		lf, err := putLatency(off)
		if err != nil {
			return err
		}
		ln, err := putLatency(on)
		if err != nil {
			return err
		}
		t.row(pipelinePlace(s)...).text(fmt.Sprint(r.N), spread(over(off, puts)), spread(over(on, puts))).ratio(r).
			text(millis(lf, 50), millis(ln, 50), millis(lf, 99), millis(ln, 99))
		b.doubt(&t, "`"+off.ID+"`", off)
		b.doubt(&t, "`"+on.ID+"`", on)
	}
	b.part("Many appends in flight against one", &t)
	return nil
}

// pipelineWithBatching asks whether the two gains add up, for each place that has
// all four cells.
func (b *builder) pipelineWithBatching() error {
	t := table{
		caption: "Batching alone, pipelining alone, and both, against neither, in put throughput; and what pipelining adds to batching. Closed loop. " + ratioLegend,
		head:    []column{num("members"), num("link delay, one way"), num("clients"), num("n"), num("batching alone"), num("pipelining alone"), num("both"), num("pipelining on top of batching")},
	}
	strata := pipelineStrata(b.Run)
	for _, perop := range strata {
		i := slices.IndexFunc(strata, func(s *stats.Stratum) bool {
			return s.Options[axisPropose] == "batch" && s.Members() == perop.Members() && s.Clients() == perop.Clients() && linkDelay(s.Options) == linkDelay(perop.Options)
		})
		if perop.Options[axisPropose] != "perop" || i < 0 {
			continue
		}
		batch := strata[i]
		row := t.row(fmt.Sprint(perop.Members()), linkText(perop), format.Count(int64(perop.Clients())), fmt.Sprint(len(batch.Full().Trials)))
		for _, pair := range [][2]*stats.Cell{
			{batch.Baseline(), perop.Baseline()}, {perop.Full(), perop.Baseline()}, {batch.Full(), perop.Baseline()}, {batch.Full(), batch.Baseline()},
		} {
			r, err := against(pair[0], pair[1], puts)
			if err != nil {
				return err
			}
			row.ratio(r)
		}
	}
	b.part("Does pipelining add to batching?", &t)
	return nil
}

// pipelineMechanism shows what the leader did, off and on side by side.
func (b *builder) pipelineMechanism() error {
	columns := []struct {
		name   string
		metric stats.Metric
	}{
		{"operations/proposal", stats.OpsPerProposal}, {"entries/Ready", stats.EntriesPerReady},
		{"entries/append", stats.EntriesPerAppend}, {"appends in flight", stats.AppendsInFlight},
		{"writes/fsync", stats.WritesPerFsync}, {"store CPU, us/op", stats.StoreCPU},
	}
	t := table{
		caption: "What the leader did, off / on: medians of the blocks. Entries/Ready: log entries that Raft hands over at once; entries/append: those in a message to a follower, n/a for a single member; appends in flight: to the same follower when one more was sent, that one included; the CPU time is that of all members.",
		head:    pipelineHead(),
	}
	for _, c := range columns {
		t.head = append(t.head, num(c.name))
	}
	for _, s := range pipelineStrata(b.Run) {
		row := t.row(pipelinePlace(s)...)
		for _, c := range columns {
			row.text(median(over(s.Baseline(), c.metric)) + " / " + median(over(s.Full(), c.metric)))
		}
	}
	b.part("How it comes about", &t)
	return nil
}

// pipelineFigures draws the ratio over the clients, a figure for each size of a
// cluster and a curve for each delay and kind of proposal.
func pipelineFigures(r *stats.Run) ([]*plots.Figure, error) {
	var figs []*plots.Figure
	for members, strata := range byMembers(pipelineStrata(r)) {
		var curves []plots.Curve
		for _, s := range strata {
			c, err := against(s.Full(), s.Baseline(), stats.Throughput(record.OpPut))
			if err != nil {
				return nil, err
			}
			if c.N == 0 {
				continue
			}
			name := fmt.Sprintf("propose=%s, %s", s.Options[axisPropose], linkText(s))
			i := slices.IndexFunc(curves, func(have plots.Curve) bool { return have.Name == name })
			if i < 0 {
				i = len(curves)
				curves = append(curves, plots.Curve{Name: name})
			}
			r.Questions.Answer(infer.Margin, &c.Effect)
			curves[i].AddRatio(float64(s.Clients()), c)
		}
		f, err := plots.Curves(plots.CurvesText{
			Name:   fmt.Sprintf("pipelining-members-%d", members),
			Title:  fmt.Sprintf("What pipelining adds: %s, n=%d", plural(members, "member"), r.Manifest.Blocks),
			XLabel: "clients", YLabel: "put throughput, on / off",
			Caption: fmt.Sprintf("Put throughput with many appends in flight for each follower against one, %s, by clients, size of proposals and one-way delay of the links: 1 means that pipelining changes nothing. Geometric means of the ratios per block with their 95 %% interval, or their range where the blocks are too few. Closed loop, memory engine, n=%d blocks.", plural(members, "member"), r.Manifest.Blocks),
		}, curves)
		if err != nil {
			return nil, err
		}
		figs = append(figs, f)
	}
	return figs, nil
}

// byMembers iterates over the sizes of clusters with their strata, in order.
func byMembers(strata []*stats.Stratum) func(func(int, []*stats.Stratum) bool) {
	return func(yield func(int, []*stats.Stratum) bool) {
		for len(strata) > 0 {
			n := strata[0].Members()
			end := slices.IndexFunc(strata, func(s *stats.Stratum) bool { return s.Members() != n })
			if end < 0 {
				end = len(strata)
			}
			if !yield(n, strata[:end]) {
				return
			}
			strata = strata[end:]
		}
	}
}
