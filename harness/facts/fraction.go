package facts

import (
	"strings"

	"metastorebench/harness/attrib"
	"metastorebench/harness/fraction"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/stats"
)

const fractionCaption = "Ratio that each item makes, from a fraction of the settings, under a model: effects of three or more items are nil. Average: over the settings of the others; under the model it is the Shapley share too. Alone and last: to none, and on top of all others, as the model has them. The averages multiply to the model's total, and the share is the part of its logarithm, in percent. Measured / model is the lack of fit: where it is told from 1, the model is wrong. " + infer.Legend

// divideFraction attributes a response of a study that holds a standard fraction; nil for
// any other.
func (b *builder) divideFraction(s *study, r response) (*division, string, error) {
	design, ok := s.design()
	if !ok {
		return nil, "", nil
	}
	settings := make([]stats.Setting, 0, len(s.places))
	for _, point := range append(design.Points(), design.All()) {
		settings = append(settings, stats.Setting(point))
	}
	blocks, left, complete := s.LogSettings(b.read(r.metric, r.op), settings)
	if !complete || len(blocks) < minAttributed {
		return nil, "", nil
	}
	a, err := attrib.Fractional(design, blocks)
	if err != nil {
		return nil, "", err
	}
	every := func(int) []stats.Setting { return settings }
	d := &division{
		response: r, blocks: blocks, shared: colAverage, whole: a.Model, settings: settings,
		parts: []part{{colAverage, a.Main, every}, {colAlone, a.Alone, every}, {colLast, a.Last, every}},
		totals: []total{
			{"model", a.Model, []string{colAverage}, r.metric.Better, settings, true},
			{itemsAll, a.Total, []string{colAverage}, r.metric.Better, []stats.Setting{s.All(), 0}, false},
			{"measured / model", a.LackOfFit, []string{colAverage}, metric.Neither, settings, false},
		},
	}
	for i, set := range design.Pairs(2) {
		key, title := s.pairNames(set)
		d.pairs = append(d.pairs, pair{key, title, a.Pairs[i]})
	}
	return d, s.leftOut(r, left), nil
}

// design is the largest standard fraction that the view has of the study.
func (s *study) design() (fraction.Design, bool) {
	d, ok := fraction.Measured(len(s.Factors), func(w fraction.Word) bool { return s.at(stats.Setting(w)) != nil })
	return d, ok && s.at(s.All()) != nil
}

// pairNames writes the pairs that a design cannot tell apart, by the items' ids and by
// their axes: "P1.1 x P1.2 + P1.3 x P1.4".
func (s *study) pairNames(set fraction.AliasSet) (key, title string) {
	for i, term := range set {
		var ids, axes []string
		for k, f := range s.Factors {
			if stats.Setting(term.Effect).Has(k) {
				ids, axes = append(ids, f.ID), append(axes, f.Name())
			}
		}
		sign := ""
		switch {
		case i > 0 && term.Sign < 0:
			sign = " - "
		case i > 0:
			sign = " + "
		}
		key += sign + strings.Join(ids, " x ")
		title += sign + strings.Join(axes, " x ")
	}
	return key, title
}

// designNotes state a fraction's design, and what it cannot tell apart.
func (s *study) designNotes() []string {
	design, ok := s.design()
	if s.full() || !ok {
		return nil
	}
	titles := make([]string, len(s.Factors))
	for i, f := range s.Factors {
		titles[i] = itemTitle(f)
	}
	return append(design.Lines(titles), "an estimate is that of its whole alias set, named by the first; higher orders are not listed")
}
