package report

import (
	"fmt"
	"strings"

	"metastorebench/harness/attrib"
	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
)

// response is a quantity whose change is attributed to the items.
type response struct {
	name   string
	metric stats.Metric
}

// speedOf is what the items are for, of one operation type.
func speedOf(op string) response { return response{op + "s/s", stats.Throughput(op)} }

// costsOf is what they change beside it.
func costsOf(op string) []response {
	return []response{
		{"p50 service time", stats.ServicePercentile(op, 50)},
		{"p99 service time", stats.ServicePercentile(op, 99)},
		{"store CPU/op", stats.StoreCPU},
	}
}

// attributed is one response's attribution in a stratum.
type attributed struct {
	response
	*attrib.Result
}

// attribution divides the total change of each stratum among its items.
func (b *builder) attribution() error {
	headed := false
	for _, s := range b.study {
		if !s.ClosedLoop() {
			continue
		}
		tables, err := b.stratumAttribution(s)
		if err != nil {
			return fmt.Errorf("%s: %w", place(s), err)
		}
		if tables == "" {
			continue
		}
		if !headed {
			b.printf("### Attribution: which item made it fast\n\n%s\n\n", attributionLegend)
			headed = true
		}
		b.printf("#### %s\n\n%s", place(s), tables)
	}
	return nil
}

// stratumAttribution has a stratum's tables: of a full factorial, of one operation
// type or several, or of a fraction of one in puts; "" for any other.
func (b *builder) stratumAttribution(s *stats.Stratum) (string, error) {
	if s.Op() == "" {
		return b.mixTables(s)
	}
	tables, err := b.factorialTables(s)
	if err == nil && tables == "" && s.WritesOnly() {
		return b.fractionTables(s)
	}
	return tables, err
}

// attribute attributes the responses of a full factorial; those without two
// complete blocks are left out.
func attribute(s *stats.Stratum, responses []response) (found []attributed, notes []string, err error) {
	for _, r := range responses {
		blocks, left, complete := s.LogFactorial(r.metric)
		if !complete || len(blocks) < 2 {
			continue
		}
		a, err := attrib.Factorial(len(s.Factors), blocks)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", r.name, err)
		}
		notes = append(notes, leftOut(r, left)...)
		found = append(found, attributed{r, a})
	}
	return found, notes, nil
}

// factorialTables are the tables of a full factorial of one operation type; "" for
// any other stratum.
func (b *builder) factorialTables(s *stats.Stratum) (string, error) {
	speed := speedOf(s.Op())
	found, notes, err := attribute(s, append([]response{speed}, costsOf(s.Op())...))
	if err != nil || len(found) == 0 || found[0].name != speed.name {
		return "", err
	}
	t := shares(s, found[0])
	t.note(notes...)
	return b.tables(s, t, costShares(s, found[1:]), interactions(s, found)), nil
}

// mixTables is the table of a full factorial of several operation types, each of
// which has clients of its own.
func (b *builder) mixTables(s *stats.Stratum) (string, error) {
	var responses []response
	for _, op := range s.Ops() {
		responses = append(responses, speedOf(op))
	}
	found, notes, err := attribute(s, append(responses, response{"store CPU/op", stats.StoreCPU}))
	if err != nil || len(found) == 0 {
		return "", err
	}
	t := responseTable(s, found, "Throughput by operation type, above 1 is faster, and the store's CPU time per operation of any type, below 1 is better: the ratio that each item makes. A type's clients compete with the others for the machine, so that a faster type can slow another. Closed loop.")
	t.note(notes...)
	return b.tables(s, t), nil
}

// leftOut says how many blocks a response does without, and why.
func leftOut(r response, left int) []string {
	if left == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s left out, because a trial is void or too short for it", r.name, plural(left, "block"))}
}

// tables writes the tables of a stratum's attribution.
func (b *builder) tables(s *stats.Stratum, ts ...*table) string {
	var out strings.Builder
	for _, t := range ts {
		out.WriteString(t.markdown(b.Run.Questions, place(s)))
	}
	return out.String()
}

// attributionLegend explains the columns of all tables of full factorials.
const attributionLegend = "Full factorials: each item in the classical views and as a Shapley share. Alone: against the baseline. Ladder: in the plan's order, on top of the items before it. Last: all against all but it. Average: over all settings of the others. Shapley: over all orders; these multiply to the total exactly, and the share is the part of the total's logarithm (n/a where the total's interval contains 1). Interaction: the ratio by which one item of a pair changes the other's effect, averaged over the settings of the rest; 1 if the two multiply. " + ratioLegend

// shares is a row per item in the classical views and as a Shapley share, then
// the total.
func shares(s *stats.Stratum, a attributed) *table {
	t := &table{
		caption: fmt.Sprintf("%s throughput: the ratio that each item makes, closed loop, n=%d blocks; above 1 is faster.", capital(s.Op()), a.Total.N),
		head:    []column{text("item"), num("alone"), num("ladder"), num("last"), num("average"), num("Shapley"), num("share, %")},
	}
	itemRows(t, s, a)
	return t
}

// costShares is the same for latency and CPU time, one table for all.
func costShares(s *stats.Stratum, found []attributed) *table {
	return responseTable(s, found, fmt.Sprintf("What a %[1]s costs: the ratio that each item makes of the service time of %[1]ss, each block's percentile out of its own trial, and of the store's CPU time per operation. Closed loop; below 1 is better.", s.Op()))
}

// responseTable has the rows of shares for several responses.
func responseTable(s *stats.Stratum, found []attributed, caption string) *table {
	t := &table{
		caption: caption,
		head: []column{text("response"), num("n"), text("item"), num("alone"), num("ladder"), num("last"), num("average"), num("Shapley"),
			num("share, %")},
	}
	for _, a := range found {
		itemRows(t, s, a, a.name, fmt.Sprint(a.Total.N))
	}
	return t
}

// capital writes a word with a capital.
func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// itemRows adds a row per item and one of the total, each behind the cells of
// lead.
func itemRows(t *table, s *stats.Stratum, a attributed, lead ...string) {
	for i, f := range s.Factors {
		r := t.row(lead...).text(f.ID + " " + f.Name())
		for _, view := range [][]infer.Effect{a.Alone, a.Ladder, a.Last, a.Main, a.Shapley} {
			r.ratio(comparison(view[i]))
		}
		r.text(share(a.Shapley[i], a.Total))
	}
	t.row(lead...).text("all, measured", none, none, none, none).ratio(comparison(a.Total)).text("100")
}

// share is a part of a total's logarithm in percent. Parts of a total that may be
// nothing say nothing.
func share(part, total infer.Effect) string {
	if !total.Excludes(0) {
		return none
	}
	return format.Number(100 * part.Log / total.Log)
}

// interactions has a row per pair of items and a column per response.
func interactions(s *stats.Stratum, found []attributed) *table {
	t := &table{
		caption: "Interactions. Closed loop. For throughput, below 1 the two stand in each other's way and above 1 they help each other; for service time and CPU it is the other way round.",
		head:    []column{text("pair")},
	}
	for _, a := range found {
		t.head = append(t.head, num(fmt.Sprintf("%s (n=%d)", a.name, a.Total.N)))
	}
	for i, f := range s.Factors {
		for j := i + 1; j < len(s.Factors); j++ {
			r := t.row(f.Name() + " x " + s.Factors[j].Name())
			for _, a := range found {
				r.ratio(comparison(a.Interaction[i][j]))
			}
		}
	}
	return t
}

// comparison is an effect as tables take it.
func comparison(e infer.Effect) stats.Comparison { return stats.Comparison{Effect: e} }
