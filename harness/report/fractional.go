package report

import (
	"fmt"
	"strings"

	"metastorebench/harness/attrib"
	"metastorebench/harness/fraction"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// estimated is one response's attribution from a fraction.
type estimated struct {
	response
	*attrib.Fraction
}

// fractionTables are the tables of a stratum that holds a standard fraction, in
// two or more complete blocks; "" for any other.
func (b *builder) fractionTables(s *stats.Stratum) (string, error) {
	d, ok := fraction.Measured(len(s.Factors), func(w fraction.Word) bool { return s.At(stats.Setting(w)) != nil })
	if !ok {
		return "", nil
	}
	settings := make([]stats.Setting, 0, len(s.Rows))
	for _, point := range append(d.Points(), d.All()) {
		settings = append(settings, stats.Setting(point))
	}
	speed := speedOf(record.OpPut)
	var notes []string
	var found []estimated
	for _, r := range append([]response{speed}, costsOf(record.OpPut)...) {
		blocks, left, complete := s.LogSettings(r.metric, settings)
		if !complete || len(blocks) < 2 {
			continue
		}
		f, err := attrib.Fractional(d, blocks)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.name, err)
		}
		notes = append(notes, leftOut(r, left)...)
		found = append(found, estimated{r, f})
	}
	if len(found) == 0 || found[0].name != speed.name {
		return "", nil
	}
	t := fractionShares(s, found)
	t.note(notes...)
	return designText(s, d) + b.tables(s, t, fractionPairs(s, found)), nil
}

// designText states the design and what it cannot tell apart.
func designText(s *stats.Stratum, d fraction.Design) string {
	names := make([]string, len(s.Factors))
	for i, f := range s.Factors {
		names[i] = f.ID + " " + f.Name()
	}
	return "Design: " + strings.Join(d.Lines(names), "; ") + ". Higher orders are not listed. An estimate is that of its whole alias set; tables name it after the first.\n\n"
}

// fractionShares has, by response, a row per item, then the totals.
func fractionShares(s *stats.Stratum, found []estimated) *table {
	t := &table{
		caption: "Ratio that each item makes, from a fraction of the settings: throughput of puts (above 1 is faster), service time of puts, each block's percentile out of its own trial, and the store's CPU time per operation (below 1 is cheaper). Closed loop, n blocks. Model-based: effects of three or more items are taken to be nil. Average: over the settings of the others; under the model it is the Shapley share too, which without the model would need all settings. Alone and last: against the baseline, and on top of all others, as the model has them. The averages multiply to the model's total; measured / model is the lack of fit, and where it is told from 1, the model is wrong. " + ratioLegend,
		head:    []column{text("response"), num("n"), text("item"), num("average = Shapley"), num("share of model, %"), num("alone, by the model"), num("last, by the model")},
	}
	for _, a := range found {
		lead := []string{a.name, fmt.Sprint(a.Total.N)}
		for i, f := range s.Factors {
			r := t.row(lead...).text(f.ID + " " + f.Name()).ratio(comparison(a.Main[i])).text(share(a.Main[i], a.Model))
			if a.Alone == nil {
				r.text(none, none)
				continue
			}
			r.ratio(comparison(a.Alone[i])).ratio(comparison(a.Last[i]))
		}
		t.row(lead...).text("all, by the model").ratio(comparison(a.Model)).text("100", none, none)
		t.row(lead...).text("all, measured").ratio(comparison(a.Total)).text(none, none, none)
		t.row(lead...).text("measured / model").ratio(comparison(a.LackOfFit)).text(none, none, none)
	}
	return t
}

// fractionPairs has a row per interaction, or sum of aliased interactions, and a
// column per response.
func fractionPairs(s *stats.Stratum, found []estimated) *table {
	t := &table{
		caption: "Interactions of two items: the ratio by which one changes the other's effect. Pairs in one row cannot be told apart: the estimate is of their sum. For throughput, below 1 they stand in each other's way and above 1 they help each other; for service time and CPU it is the other way round. Closed loop. " + ratioLegend,
		head:    []column{text("pair"), text("items")},
	}
	for _, a := range found {
		t.head = append(t.head, num(fmt.Sprintf("%s (n=%d)", a.name, a.Total.N)))
	}
	for i, set := range found[0].Design.Pairs(2) {
		r := t.row(set.String(), pairNames(s, set))
		for _, a := range found {
			r.ratio(comparison(a.Pairs[i]))
		}
	}
	return t
}

// pairNames writes a set of pairs with the items' axes.
func pairNames(s *stats.Stratum, set fraction.AliasSet) string {
	var pairs []string
	for _, term := range set {
		var axes []string
		for i, f := range s.Factors {
			if stats.Setting(term.Effect).Has(i) {
				axes = append(axes, f.Name())
			}
		}
		pairs = append(pairs, strings.Join(axes, " x "))
	}
	return strings.Join(pairs, ", ")
}
