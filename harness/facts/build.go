package facts

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// none stands for a number that was not measured.
const none = "n/a"

// levelSmoke is the level that proves that all works, and compares nothing.
const levelSmoke = "smoke"

// builder makes one Document.
type builder struct {
	run     *stats.Run
	asked   plan.Asked
	factors []stats.Factor
	machine metric.Machine
	doc     *Document

	places []*place // in the order of Document.Cells
	// axes are those of the store that cells name, in the plan's order; ofItems those
	// that an item switches.
	axes    []string
	ofItems map[string]bool

	levels  map[levelKey]int
	ratios  map[ratioKey]int
	effects []*effect // to be judged
	topic   string    // of the claim that is asked
	later   []func() error

	figureIDs map[string]bool
	reading   reading
}

type levelKey struct {
	place      *place
	metric, op string
}

type ratioKey struct {
	num, den   *place
	metric, op string
}

// effect is a ratio that waits for its family to be judged.
type effect struct {
	fact   *Fact
	better metric.Direction
	family string
	margin float64
	e      infer.Effect
}

// Of makes the facts of a run out of what its plan asks. Errors: those of package stats
// for records that contradict themselves; a view that cannot be answered names itself.
func Of(run *stats.Run, asked plan.Asked) (*Document, error) {
	factors, err := run.Factors()
	if err != nil {
		return nil, err
	}
	b := &builder{
		run: run, asked: asked, factors: factors, machine: machineOf(run),
		doc: &Document{Schema: Schema}, levels: map[levelKey]int{}, ratios: map[ratioKey]int{}, ofItems: map[string]bool{}, figureIDs: map[string]bool{}, reading: newReading(),
	}
	b.places = placesOf(run, factors, asked.Rungs)
	b.axes = axesOf(run, asked.Axes)
	for _, f := range factors {
		for _, axis := range f.Axes() {
			b.ofItems[axis] = true
		}
	}
	// Claims ask first: their intervals do not depend on what else is shown.
	if err := b.claims(); err != nil {
		return nil, err
	}
	if err := b.views(); err != nil {
		return nil, err
	}
	answer, err := b.askAnswer()
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if err := b.settle(); err != nil {
		return nil, err
	}
	b.fill()
	if err := b.describe(); err != nil {
		return nil, err
	}
	b.doc.Answer, err = b.answerLines(answer)
	return b.doc, err
}

// machineOf is what shares of the machine are shares of.
func machineOf(run *stats.Run) metric.Machine {
	return metric.Machine{CPUs: run.Manifest.Env.CPUs, LoopbackBytesPerSecond: run.LoopbackBandwidth()}
}

// axesOf are the store's axes that the cells name: first those of order, then others by
// name.
func axesOf(run *stats.Run, order []string) []string {
	named := map[string]bool{}
	for _, c := range run.Cells {
		for axis := range c.Options {
			named[axis] = true
		}
	}
	axes := slices.DeleteFunc(slices.Clone(order), func(a string) bool { return !named[a] })
	for _, axis := range slices.Sorted(maps.Keys(named)) {
		if !slices.Contains(axes, axis) {
			axes = append(axes, axis)
		}
	}
	return axes
}

// add gives a fact its id.
func (b *builder) add(f *Fact) int {
	f.ID = len(b.doc.Facts) + 1
	b.doc.Facts = append(b.doc.Facts, f)
	return f.ID
}

// fact returns the fact with an id; nil for 0, which is no fact.
func (b *builder) fact(id int) *Fact {
	if id == 0 {
		return nil
	}
	return b.doc.Facts[id-1]
}

// level is the fact of a metric in a cell; 0 if the cell does not have it.
func (b *builder) level(p *place, m metric.Metric, op string) (int, error) {
	if !m.PerOp {
		op = ""
	}
	key := levelKey{p, m.Name, op}
	if id, known := b.levels[key]; known {
		return id, nil
	}
	s, err := stats.LevelOf(p.cell, m, b.read(m, op), op)
	if err != nil {
		return 0, err
	}
	if s.N == 0 {
		b.levels[key] = 0
		return 0, nil
	}
	f := &Fact{Kind: Level, Metric: m.Name, Op: op, Unit: m.Unit, Cells: []int{p.index}, Blocks: ranges(blocksOf(p.cell))}
	f.estimate(s.Estimate)
	f.Min, f.Max = number(s.Min), number(s.Max)
	if m.Summary == metric.Merged && s.Value >= record.Infinite/1e6 {
		f.Text = "> " + format.Number(record.Infinite/1e6)
	}
	b.levels[key] = b.add(f)
	return f.ID, nil
}

// estimate fills in a value with its interval.
func (f *Fact) estimate(e infer.Estimate) {
	f.Value, f.N, f.Text = Number(e.Value), e.N, e.String()
	if e.Interval {
		f.Lo, f.Hi = number(e.Lo), number(e.Hi)
	}
}

// ratio is the fact of num's metric against den's, paired by block, as part of a
// family; 0 if there is no block that has both, and in a smoke run.
func (b *builder) ratio(num, den *place, m metric.Metric, op, family string) (int, error) {
	if num == nil || den == nil || !num.cell.Measured() || !den.cell.Measured() {
		return 0, nil
	}
	if !m.PerOp {
		op = ""
	}
	key := ratioKey{num, den, m.Name, op}
	if id, known := b.ratios[key]; known {
		return id, nil
	}
	c, err := stats.CompareAny(num.cell, den.cell, b.read(m, op))
	if errors.Is(err, stats.ErrNoPairs) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	id := b.ask(c.Effect, m.Better, family, &Fact{Metric: m.Name, Op: op, Cells: []int{num.index, den.index},
		Blocks: ranges(common(blocksOf(num.cell), blocksOf(den.cell)))})
	b.ratios[key] = id
	return id, nil
}

// ask makes a fact of an effect, to be judged with its family; 0 in a smoke run.
func (b *builder) ask(e infer.Effect, better metric.Direction, family string, f *Fact) int {
	if e.N == 0 || b.run.Manifest.Level == levelSmoke {
		return 0
	}
	f.Kind, f.N = Ratio, e.N
	b.effects = append(b.effects, &effect{fact: f, better: better, family: family, margin: infer.Margin, e: e})
	return b.add(f)
}

// settle judges all families and fills in what depends on it.
func (b *builder) settle() error {
	questions := infer.NewQuestions()
	for _, w := range b.effects {
		questions.Ask(w.family, w.margin, w.e)
	}
	questions.Judge()
	for _, w := range b.effects {
		w.e, w.fact.Family, w.fact.FamilySize = questions.Answer(w.e)
		w.fact.settle(w.e, w.better)
	}
	for _, then := range b.later {
		if err := then(); err != nil {
			return err
		}
	}
	return nil
}

// settle fills in a judged effect.
func (f *Fact) settle(e infer.Effect, better metric.Direction) {
	f.Value, f.N, f.Text = Number(e.Ratio), e.N, e.String()
	f.Min, f.Max, f.Word = number(e.Min), number(e.Max), string(e.Word)
	if e.Interval {
		f.Lo, f.Hi, f.Found = number(e.Lo), number(e.Hi), number(e.Found)
	}
	if e.Word != infer.Different {
		return
	}
	switch {
	case better == metric.Neither:
		f.Better = "neither"
	case (better == metric.Higher) == (e.Ratio > 1):
		f.Better = "better"
	default:
		f.Better = "worse"
	}
}

// estimateOf is a fact as package infer takes it.
func (f *Fact) estimateOf() infer.Estimate {
	if f == nil {
		return infer.Estimate{}
	}
	e := infer.Estimate{Value: float64(f.Value), N: f.N, Interval: f.Lo != nil && f.Hi != nil}
	if e.Interval {
		e.Lo, e.Hi = float64(*f.Lo), float64(*f.Hi)
	} else if f.Kind == Ratio {
		e.Hi = math.Inf(1)
	}
	return e
}

// blocksOf are the blocks of a cell's valid trials, rising.
func blocksOf(c *stats.Cell) []int {
	blocks := make([]int, len(c.Trials))
	for i, t := range c.Trials {
		blocks[i] = t.Block
	}
	return blocks
}

func common(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(x int) bool { return !slices.Contains(b, x) })
}

// ranges writes rising numbers: "0-4,6".
func ranges(ns []int) string {
	var parts []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(ns[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", ns[i], ns[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}
