package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"metastorebench/harness/attrib"
	"metastorebench/harness/claims"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// partition divides factors into parts whose effects the plan multiplies.
type partition struct {
	name  string // e.g. "items of phase 1"
	parts []stats.Setting
	// product is the product of the parts' predicted effects, together the
	// plan's own figure for all of them (M1), as texts.
	product, together string
}

// partitions are those that the factors allow: the items of each phase, the
// layers where one holds more than one item (M2), the phases where there is more
// than one (M1).
func partitions(factors []stats.Factor) []partition {
	var out []partition
	phases, layers := map[string]stats.Setting{}, map[string]stats.Setting{}
	items := 0
	for i, f := range factors {
		c, known := claims.ByID(f.ID)
		if !known {
			continue // the plan predicts nothing of it
		}
		items++
		phases[fmt.Sprint("phase", c.Phase)] |= 1 << i
		layers[c.Layer] |= 1 << i
	}
	m1, _ := claims.ByID("M1")
	phase := []float64{1, 1}
	for _, name := range slices.Sorted(maps.Keys(phases)) {
		parts := singles(phases[name])
		q, _ := m1.Quantity(name)
		phase = times(phase, q)
		out = append(out, partition{"items of " + strings.Replace(name, "phase", "phase ", 1), parts, predictedProduct(factors, parts), predicted("M1", name)})
	}
	if len(layers) < items {
		parts := byName(layers)
		out = append(out, partition{"layers: " + strings.Join(slices.Sorted(maps.Keys(layers)), ", "), parts, predictedProduct(factors, parts), none})
	}
	if len(phases) > 1 {
		out = append(out, partition{"phases", byName(phases), rangeText(phase), none})
	}
	return out
}

// multiply compares the product of the parts' effects on m with the measured
// effect of all of them, over the blocks that have every cell. It returns nil
// where there are fewer than two such blocks, and how many were left out.
func multiply(s *stats.Stratum, parts []stats.Setting, m stats.Metric) (*attrib.Product, int, error) {
	settings := []stats.Setting{0}
	var all stats.Setting
	for _, p := range parts {
		settings = append(settings, p)
		all |= p
	}
	blocks, left, complete := s.LogSettings(m, append(settings, all))
	if !complete || len(blocks) < 2 {
		return nil, left, nil
	}
	p, err := attrib.Multiplicativity(blocks)
	if err != nil {
		return nil, left, fmt.Errorf("%s: %w", place(s), err)
	}
	return p, left, nil
}

// multiplicativity asks whether effects multiply, for each stratum of puts that
// has the baseline, each part alone, and all parts.
func (b *builder) multiplicativity() error {
	t := table{
		caption: "Put throughput, closed loop. Product: of the ratios that each part makes alone against the baseline. Together: all parts against the baseline. The last column is together / product: 1 if effects multiply, below 1 they stand in each other's way, above 1 they help each other. " + ratioLegend + " The plan multiplies what it predicts of the items (M2: 1.5 x 2.5 x 7.5 x 2.5 x 1.75 = 122 over all layers of all phases), and states the phases' totals apart (M1).",
		head: []column{text("parts"), text("engine"), text("workload"), num("clients"), text("disk"), num("n"), num("plan: product"), num("plan: together"),
			num("measured: product"), num("measured: together"), num("together / product")},
	}
	for _, s := range b.study {
		if !s.WritesOnly() || !s.ClosedLoop() {
			continue
		}
		for _, part := range partitions(s.Factors) {
			p, left, err := multiply(s, part.parts, puts)
			if err != nil {
				return err
			}
			if p == nil {
				continue
			}
			t.row(part.name, s.Store(), s.Load(), fmt.Sprint(s.Clients()), s.Options["disk"], fmt.Sprint(p.Total.N), part.product, part.together).
				ratio(comparison(p.Product)).ratio(comparison(p.Total)).ratio(comparison(p.Residual))
			if left > 0 {
				t.note(fmt.Sprintf("%s: %s left out as incomplete", place(s), plural(left, "block")))
			}
		}
	}
	b.part("Do the effects multiply?", &t)
	return nil
}

// predictedProduct multiplies the predicted effects of all items in parts that the
// plan expects to speed up puts.
func predictedProduct(factors []stats.Factor, parts []stats.Setting) string {
	product := []float64{1, 1}
	for i, f := range factors {
		if slices.ContainsFunc(parts, func(p stats.Setting) bool { return p.Has(i) }) {
			c, _ := claims.ByID(f.ID)
			if q, _ := c.Quantity(claims.Effect); c.About(record.OpPut) {
				product = times(product, q)
			}
		}
	}
	return rangeText(product)
}

// times multiplies a range by a predicted one; an open bound makes it unknown.
func times(r []float64, q claims.Quantity) []float64 {
	if q.Min == nil || q.Max == nil {
		return []float64{math.NaN(), math.NaN()}
	}
	return []float64{r[0] * *q.Min, r[1] * *q.Max}
}

// rangeText writes a predicted range.
func rangeText(r []float64) string {
	if format.Number(r[0]) == format.Number(r[1]) {
		return format.Number(r[0])
	}
	return format.Number(r[0]) + " to " + format.Number(r[1])
}

// singles are the items of a set, each a part of its own.
func singles(set stats.Setting) []stats.Setting {
	var parts []stats.Setting
	for bit := stats.Setting(1); bit <= set; bit <<= 1 {
		if set&bit != 0 {
			parts = append(parts, bit)
		}
	}
	return parts
}

// byName returns a map's values in the order of their names.
func byName(m map[string]stats.Setting) []stats.Setting {
	var out []stats.Setting
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[name])
	}
	return out
}
