package facts

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"metastorebench/harness/attrib"
	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/stats"
)

// minAttributed is the fewest blocks that are attributed.
const minAttributed = 2

// Columns of attributions.
const (
	colAlone   = "alone"
	colLadder  = "ladder"
	colLast    = "last"
	colAverage = "average"
	colShapley = "shapley"
	colShare   = "share"
)

const attributionCaption = "Ratio that each item makes. Alone: to none. Ladder: in the plan's order, to the items before it. Last: all to all but it. Average: over all settings of the others. Shapley: over all orders; these multiply to the total, and the share is the part of its logarithm, in percent (n/a where the total is not told from 1). " + infer.Legend

const interactionsCaption = "Interactions: the ratio by which one item changes the other's effect, averaged over the settings of the rest. 1: the two multiply; of throughput, below 1 they stand in each other's way, above 1 they help each other; of a cost it is the other way round. " + infer.Legend

// division is the change of one response, divided among a study's items.
type division struct {
	response
	settings []stats.Setting // measured
	blocks   [][]float64     // logarithms, by block
	left     int             // blocks that are not complete
	parts    []part
	shared   string       // the column that shares are made of
	whole    infer.Effect // what they are shares of
	totals   []total
	pairs    []pair
	facts    map[string][]int // by column, of the items
	total    int              // the fact of whole
}

// part is a column: an effect for each item, and the cells that it is made of.
type part struct {
	column  string
	effects []infer.Effect
	cells   func(item int) []stats.Setting
}

// total is a row under the items.
type total struct {
	key     string
	effect  infer.Effect
	columns []string // that show it
	better  metric.Direction
	cells   []stats.Setting
	whole   bool // what shares are of
}

// pair is an interaction of two items.
type pair struct {
	key, title string
	effect     infer.Effect
}

// attributionView divides the total change of each full or fractional factorial among
// its items, and says for every study that has the cells whether their effects multiply.
func (b *builder) attributionView(v plan.View) (View, error) {
	metrics, _, err := metricsOf(v)
	if err != nil {
		return View{}, err
	}
	metrics = throughputAlone(metrics)
	studies, names := b.studies(v, func(s *study) bool {
		_, fraction := s.design()
		return len(s.Factors) > 1 && (fraction || s.has(s.ends()...))
	})
	var made View
	for _, s := range studies {
		var divided []division
		for _, m := range metrics {
			for _, r := range responsesOf(m, s.places[0], v.Ops) {
				d, note, err := b.divide(s, r)
				if err != nil {
					return View{}, fmt.Errorf("%s, %s: %w", s.label, r, err)
				}
				if d != nil {
					divided = append(divided, *d)
				}
				if note != "" {
					made.Notes = append(made.Notes, note)
				}
			}
		}
		if err := b.attributed(&made, v, s, metrics[0], divided); err != nil {
			return View{}, err
		}
	}
	products, err := b.products(v, studies, names, metrics[0])
	if err != nil {
		return View{}, err
	}
	if len(products.Rows) > 0 {
		made.Tables = append(made.Tables, products)
	}
	return made, nil
}

// attributed adds a study's tables and its waterfalls: the main metric, the others in a
// table of their own, the pairs.
func (b *builder) attributed(made *View, v plan.View, s *study, main metric.Metric, divided []division) error {
	first := slices.IndexFunc(divided, func(d division) bool { return d.metric.Name != main.Name })
	if first < 0 {
		first = len(divided)
	}
	if first == 0 {
		return nil // without the main metric, the others explain nothing
	}
	made.Tables = append(made.Tables, b.divisionTable(v, s, "", divided[:first], first > 1))
	if first < len(divided) {
		made.Tables = append(made.Tables, b.divisionTable(v, s, ", costs", divided[first:], true))
	}
	if len(divided[0].pairs) > 0 {
		made.Tables = append(made.Tables, b.pairsTable(v, s, divided))
	}
	for i := range divided[:first] {
		if slices.Contains(divided[i].facts[divided[i].shared], 0) {
			continue // a smoke run compares nothing
		}
		f, err := b.waterfall(v, s, &divided[i], first > 1)
		if err != nil {
			return err
		}
		made.Figures = append(made.Figures, f)
	}
	return nil
}

// divide attributes a response of a full factorial or a fraction; nil for any other
// study, and where fewer than two blocks are complete.
func (b *builder) divide(s *study, r response) (*division, string, error) {
	if !s.full() {
		return b.divideFraction(s, r)
	}
	k := len(s.Factors)
	blocks, left, complete := s.LogFactorial(b.read(r.metric, r.op))
	if !complete || len(blocks) < minAttributed {
		return nil, "", nil
	}
	a, err := attrib.Factorial(k, blocks)
	if err != nil {
		return nil, "", err
	}
	all := s.All()
	bit := func(i int) stats.Setting { return 1 << i }
	every := func(int) []stats.Setting { return s.settings() }
	d := &division{
		response: r, settings: s.settings(), blocks: blocks, left: left, shared: colShapley, whole: a.Total,
		parts: []part{
			{colAlone, a.Alone, func(i int) []stats.Setting { return []stats.Setting{bit(i), 0} }},
			{colLadder, a.Ladder, func(i int) []stats.Setting { return []stats.Setting{2*bit(i) - 1, bit(i) - 1} }},
			{colLast, a.Last, func(i int) []stats.Setting { return []stats.Setting{all, all &^ bit(i)} }},
			{colAverage, a.Main, every},
			{colShapley, a.Shapley, every},
		},
		totals: []total{{itemsAll, a.Total, []string{colLadder, colShapley}, r.metric.Better, []stats.Setting{all, 0}, true}},
	}
	for i, f := range s.Factors {
		for j := i + 1; j < k; j++ {
			g := s.Factors[j]
			d.pairs = append(d.pairs, pair{f.ID + " x " + g.ID, f.Name() + " x " + g.Name(), a.Interaction[i][j]})
		}
	}
	return d, s.leftOut(r, left), nil
}

// divisionTable has a row for each item and total; lead says that rows name the response,
// what ends the table's name.
func (b *builder) divisionTable(v plan.View, s *study, what string, divided []division, lead bool) Table {
	id := s.label + what
	t := newTable(id, attributionCaption)
	if divided[0].fractional() {
		t.Caption = fractionCaption
	}
	t.Title, t.Notes = s.title+what, s.designNotes()
	if lead {
		t.Columns = append(t.Columns, textColumn("response"))
	}
	t.Columns = append(t.Columns, textColumn("item"), Column{Key: "n", Title: "n"})
	for _, p := range divided[0].parts {
		t.Columns = append(t.Columns, Column{Key: p.column, Title: p.column})
	}
	t.Columns = append(t.Columns, Column{Key: colShare, Title: "share, %"})
	for i := range divided {
		b.divisionRows(t, v.ID+"."+id, s, &divided[i], lead)
	}
	return t.Table
}

// divisionRows adds the rows of one response.
func (b *builder) divisionRows(t *table, family string, s *study, d *division, lead bool) {
	row := func(key, title string, n int) (string, []Value) {
		cells := []Value{word(title), word(format.Count(int64(n)))}
		if lead {
			return d.String() + ", " + key, append([]Value{word(d.heading())}, cells...)
		}
		return key, cells
	}
	d.facts = map[string][]int{}
	var rows [][]Value
	for i, f := range s.Factors {
		key, cells := row(f.ID, itemTitle(f), d.whole.N)
		for _, p := range d.parts {
			if p.effects == nil {
				cells = append(cells, word(none))
				continue
			}
			id := b.askOf(p.effects[i], d.response, d.metric.Better, family, s, p.cells(i)...)
			cells = append(cells, known(id))
			d.facts[p.column] = append(d.facts[p.column], id)
		}
		cells = append(cells, word(none))
		t.add(key, cells...)
		rows = append(rows, cells)
	}
	for _, all := range d.totals {
		key, cells := row(all.key, all.key, d.whole.N)
		id := b.askOf(all.effect, d.response, all.better, family, s, all.cells...)
		for _, p := range d.parts {
			if slices.Contains(all.columns, p.column) {
				cells = append(cells, known(id))
			} else {
				cells = append(cells, word(none))
			}
		}
		cells = append(cells, word(none))
		t.add(key, cells...)
		if all.whole {
			d.total, rows = id, append(rows, cells)
		}
	}
	b.later = append(b.later, func() error { b.shares(d.facts[d.shared], d.total, rows); return nil })
}

// shares fills in, at the end of each part's row, which part of the whole's logarithm it
// is; the last row is the whole's. Parts of a whole that may be nothing say nothing.
func (b *builder) shares(parts []int, whole int, rows [][]Value) {
	all := b.fact(whole)
	if all == nil || all.Lo == nil || *all.Lo <= 1 && *all.Hi >= 1 {
		return
	}
	for i, id := range parts {
		p := b.fact(id)
		share := 100 * math.Log(float64(p.Value)) / math.Log(float64(all.Value))
		f := &Fact{Kind: Share, Metric: p.Metric, Op: p.Op, Unit: "%", Value: Number(share), N: p.N, Cells: p.Cells, Blocks: p.Blocks, Text: format.Number(share)}
		rows[i][len(rows[i])-1] = known(b.add(f))
	}
	last := rows[len(parts)]
	last[len(last)-1] = word("100")
}

// pairsTable has a row for each pair of items, and a column for each response.
func (b *builder) pairsTable(v plan.View, s *study, divided []division) Table {
	id := s.label + ", interactions"
	t := newTable(id, interactionsCaption, textColumn("pair"))
	t.Title = s.title + ", interactions"
	for _, d := range divided {
		t.Columns = append(t.Columns, Column{Key: d.String(), Title: fmt.Sprintf("%s (n=%d)", d.heading(), d.whole.N)})
	}
	for i, p := range divided[0].pairs {
		cells := []Value{word(p.title)}
		for _, d := range divided {
			cells = append(cells, known(b.askOf(d.pairs[i].effect, d.response, d.metric.Better, v.ID+"."+id, s, d.settings...)))
		}
		t.add(p.key, cells...)
	}
	return t.Table
}

// products says for each study that has the cells whether the items' effects multiply.
func (b *builder) products(v plan.View, studies []*study, names []string, m metric.Metric) (Table, error) {
	t := newTable("product", "Do the effects multiply? Product: of the ratios that each item makes alone. Together: all to none. Together / product: 1 if they multiply, below 1 they stand in each other's way, above 1 they help each other; of a cost it is the other way round. "+infer.Legend)
	t.Title = "Product of the effects"
	t.studyColumns(names)
	t.Columns = append(t.Columns, textColumn("items"),
		Column{Key: "product", Title: "product"}, Column{Key: "together", Title: "together"}, Column{Key: "rest", Title: "together / product"})
	for _, s := range studies {
		responses := responsesOf(m, s.places[0], v.Ops)
		for _, r := range responses {
			if err := b.product(t, v.ID+".product", s, r, len(responses) > 1); err != nil {
				return Table{}, fmt.Errorf("%s: %w", s.label, err)
			}
		}
	}
	return t.Table, nil
}

// product adds a row if the study has a cell for none, for each item alone, and for all.
func (b *builder) product(t *table, family string, s *study, r response, several bool) error {
	sets := s.ends()
	if !s.has(sets...) {
		return nil
	}
	blocks, _, complete := s.LogSettings(b.read(r.metric, r.op), sets)
	if !complete || len(blocks) < minAttributed {
		return nil
	}
	p, err := attrib.Multiplicativity(blocks)
	if err != nil {
		return err
	}
	of := make([]*place, len(sets))
	for i, set := range sets {
		of[i] = s.at(set)
	}
	key, cells := s.row(r.op, several, of...)
	ids := make([]string, len(s.Factors))
	for i, f := range s.Factors {
		ids[i] = f.ID
	}
	cells = append(cells, word(strings.Join(ids, ", ")),
		known(b.askOf(p.Product, r, r.metric.Better, family, s, sets...)),
		known(b.askOf(p.Total, r, r.metric.Better, family, s, s.All(), 0)),
		known(b.askOf(p.Residual, r, r.metric.Better, family, s, sets...)))
	t.add(key, cells...)
	return nil
}

// waterfall draws a division: what each item makes of the response on top of those before
// it, from the level of none to that of all, and what every subset of the items makes. A
// fraction's goes from 1 to the model's total.
func (b *builder) waterfall(v plan.View, s *study, d *division, several bool) (Figure, error) {
	f := Figure{
		ID: slug(v.ID + " " + s.label), Kind: FigureWaterfall, Title: fmt.Sprintf("From none to all items: %s, %s", d.heading(), s.title),
		Caption: fmt.Sprintf("From none of the items to all in the plan's order, n=%d blocks: the ratio that each item makes on top of those before it. Lines are intervals.", d.whole.N),
		X:       Scale{Categories: []string{itemsNone}}, Y: Scale{Label: d.heading() + ", " + d.metric.Unit, Log: true}, Subsets: d.subsets(),
	}
	if several {
		f.ID += "-" + d.op
	}
	for _, item := range s.Factors {
		f.X.Categories = append(f.X.Categories, itemTitle(item))
	}
	f.X.Categories = append(f.X.Categories, itemsAll)
	steps, start, end := d.facts[colLadder], 0, d.total
	switch {
	case d.fractional():
		steps = d.facts[colAverage]
		f.Caption = fmt.Sprintf("From none of the items to all, by the model of a fraction, n=%d blocks: each item's average effect, which is its Shapley share where effects of three or more items are nil. Lines are intervals.", d.whole.N)
	case d.metric.Summary == metric.Blocks && d.left == 0: // else levels and ratios are not of the same trials
		var err error
		if start, err = b.level(s.at(0), d.metric, d.op); err != nil {
			return Figure{}, err
		}
		if end, err = b.level(s.at(s.All()), d.metric, d.op); err != nil {
			return Figure{}, err
		}
	}
	if start == 0 {
		f.Y.Label, f.Y.One = d.heading()+", ratio to none", true
	}
	f.Series = []Series{b.steps(slices.Concat([]int{start}, steps, []int{end}))}
	return f, nil
}

// steps has a point for each fact, filled in when all are judged; without a fact, 1.
func (b *builder) steps(ids []int) Series {
	s := Series{Name: "in the plan's order", Points: make([]Point, len(ids))}
	b.later = append(b.later, func() error {
		for i, id := range ids {
			s.Points[i] = Point{X: Number(i), Y: 1}
			if f := b.fact(id); f != nil {
				s.Points[i] = Point{X: Number(i), Y: f.Value, Lo: f.Lo, Hi: f.Hi, Word: f.Word, Better: f.Better, Fact: id}
			}
		}
		return nil
	})
	return s
}

// fractional says that the division rests on a model.
func (d *division) fractional() bool { return d.shared == colAverage }

// subsets are, of a full factorial, the mean logarithms of what each subset of the items
// makes of the response.
func (d *division) subsets() []Number {
	if d.fractional() {
		return nil
	}
	mean := make([]Number, len(d.blocks[0]))
	for _, y := range d.blocks {
		for set := range mean {
			mean[set] += Number((y[set] - y[0]) / float64(len(d.blocks)))
		}
	}
	return mean
}
