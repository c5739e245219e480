package report

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"metastorebench/harness/capacity"
	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// levelSmoke is the level that proves that all works, and nothing more.
const levelSmoke = "smoke"

// Input is all that a section is made of.
type Input struct {
	Run *stats.Run
	// RunPath is the run's folder relative to the document, with slashes.
	RunPath  string
	Document string // the document's name, for the command that makes it
	Section  string
	// Figures are embedded in this order; their files are in RunPath/figures.
	Figures []*plots.Figure
}

// builder writes one section.
type builder struct {
	Input
	strings.Builder
	factors []stats.Factor
	study   []*stats.Stratum
	judged  []ledgerRow // by ledger
}

// Section returns the section's Markdown, without markers. It is a pure
// function of its input.
func Section(in Input) (string, error) {
	b, err := newBuilder(in)
	if err != nil {
		return "", err
	}
	return b.section()
}

// newBuilder returns the builder of a section, with the run's questions asked and
// judged. Which question a comparison belongs to does not depend on what is printed:
// attributions ask first, place by place, then the tables in their order.
func newBuilder(in Input) (*builder, error) {
	factors, err := in.Run.Factors()
	if err != nil {
		return nil, err
	}
	b := &builder{Input: in, factors: factors, study: in.Run.Study(factors)}
	if in.Run.Manifest.Level == levelSmoke || in.Run.Questions.Judged() {
		return b, nil
	}
	asker := &builder{Input: in, factors: factors, study: b.study}
	asker.Figures = nil
	if err := asker.attribution(); err != nil {
		return nil, err
	}
	if _, err := asker.section(); err != nil {
		return nil, err
	}
	in.Run.Questions.Judge()
	return b, nil
}

func (b *builder) section() (string, error) {
	b.intro()
	if b.Run.Manifest.Level == levelSmoke {
		b.smoke()
		return b.String(), nil
	}
	if err := kindOf(b.Run.Manifest.Plan).write(b); err != nil {
		return "", err
	}
	if err := b.figures(); err != nil {
		return "", err
	}
	return b.String(), nil
}

// kind is how the runs of one plan are reported.
type kind struct {
	// write writes the section's tables.
	write   func(*builder) error
	figures func(*stats.Run) ([]*plots.Figure, error)
}

// kinds are the plans that ask a question of their own, by name.
var kinds = map[string]kind{
	"aa":              {(*builder).aaTables, aaFigures},
	"stall":           {(*builder).stall, func(*stats.Run) ([]*plots.Figure, error) { return nil, nil }},
	planStages:        {(*builder).stageTables, stageFigures},
	capacity.PlanName: {(*builder).capacity, capacityFigures},
	"scaling":         {(*builder).scaling, scalingFigures},
	"sweep-clients":   {(*builder).scaling, scalingFigures},
	"sweep-values":    {(*builder).sweepTables, sweepFigures},
	"sweep-keys":      {(*builder).sweepTables, sweepFigures},
	"large":           {(*builder).sweepTables, sweepFigures},
	"batch":           {(*builder).sweepTables, sweepFigures},
	"indexes":         {(*builder).blendTables, sweepFigures},
	"reads":           {(*builder).blendTables, sweepFigures},
	planPeer:          {(*builder).peerTables, peerFigures},
	planLadder:        {(*builder).ladderTables, ladderFigures},
	"pipelining":      {(*builder).pipelineTables, pipelineFigures},
}

// kindOf returns how a plan's runs are reported: like a phase, unless the plan
// asks a question of its own.
func kindOf(plan string) kind {
	if k, ok := kinds[plan]; ok {
		return k
	}
	return kind{(*builder).phaseTables, phaseFigures}
}

// phaseFigures are the figures of a phase.
func phaseFigures(r *stats.Run) ([]*plots.Figure, error) {
	factors, err := r.Factors()
	if err != nil {
		return nil, err
	}
	return plots.All(r, factors)
}

// phaseTables are the tables of a phase: its items compared, alone and together.
func (b *builder) phaseTables() error {
	for _, part := range []func() error{
		b.headline, b.planBaseline, b.ledgerTables, b.lasts,
		b.attribution, b.multiplicativity, b.ladders,
		b.syncPolicies, b.groupCommit, b.batchSizes, b.indexes, b.storage,
		b.machineCeilings, b.cellBounds, b.ceiling,
		b.oneClient, b.openLoop,
		b.stages,
		b.cellTables,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// printf adds formatted text.
func (b *builder) printf(format string, args ...any) { fmt.Fprintf(b, format, args...) }

// part adds a table under a heading, or nothing if the table has no rows.
func (b *builder) part(heading string, t *table) {
	if len(t.rows) > 0 {
		b.printf("### %s\n\n%s", heading, t.markdown(b.Run.Questions, heading))
	}
}

// intro says how the section was made.
func (b *builder) intro() {
	b.printf("Made by `bin/metabench report %s --experiments %s --section %s`; do not edit between the markers.\n\n", b.RunPath, b.Document, b.Section)
	b.whatRan()
	b.skipped()
	b.voids()
}

// smoke is the whole verdict on a smoke run.
func (b *builder) smoke() {
	measured := 0
	for _, c := range b.Run.Cells {
		if c.Measured() {
			measured++
		}
	}
	b.printf("This was a smoke run: %d of %d cells ran and passed their checks. Its trials are too short for any comparison, so none is printed.\n",
		measured, len(b.Run.Cells))
}

// figures embeds the figures with their captions.
func (b *builder) figures() error {
	if len(b.Figures) == 0 {
		return nil
	}
	b.printf("### Figures\n\n")
	for _, f := range b.Figures {
		b.WriteString(embed(b.RunPath, f))
	}
	return nil
}

// embed shows a figure of the folder dir with its caption.
func embed(dir string, f *plots.Figure) string {
	base := path.Join(dir, FiguresDir, f.Name)
	return fmt.Sprintf("![%s](%s.png)\n\n*%s* ([SVG](%s.svg))\n\n", f.Name, base, f.Caption, base)
}

// Axes and items of the plan that have tables or reasons of their own.
const (
	axisPropose  = "propose"
	axisWAL      = "wal"
	itemBatching = "P1.1"
	itemGroup    = "P2.1"
	itemBatchAPI = "P2.3"
	itemPipeline = "P3.1"
)

// puts is the metric that most claims are about.
var puts = stats.Throughput(record.OpPut)

// against is stats.Compare for a table: cells that are absent or share no block
// give an empty Comparison, not an error; a cell is 1 times itself, without a
// test.
func against(num, den *stats.Cell, m stats.Metric) (stats.Comparison, error) {
	switch {
	case num == nil || den == nil || !num.Measured() || !den.Measured():
		return stats.Comparison{}, nil
	case num == den:
		return stats.Comparison{Effect: infer.Effect{N: 1, Ratio: 1}}, nil
	}
	c, err := stats.Compare(num, den, m)
	if errors.Is(err, stats.ErrNoPairs) {
		return stats.Comparison{}, nil
	}
	return c, err
}

// doubt adds the warnings of a cell's put throughput to a table; a cell that is
// absent has none.
func (b *builder) doubt(t *table, where string, c *stats.Cell) {
	if c != nil && c.Measured() {
		t.warn(where, b.Run.Warnings(c, puts)...)
	}
}

// latency is stats.LatencyOf, empty for a cell that is absent.
func latency(c *stats.Cell, op string) (stats.Latency, error) {
	if c == nil {
		return stats.Latency{}, nil
	}
	return stats.LatencyOf(c, op)
}

// putLatency is the latency of puts.
func putLatency(c *stats.Cell) (stats.Latency, error) { return latency(c, record.OpPut) }

// over is stats.Over, empty for a cell that is absent.
func over(c *stats.Cell, m stats.Metric) stats.Summary {
	if c == nil {
		return stats.Summary{}
	}
	return stats.Over(c, m)
}

// place names a stratum in headings: "memory, put50 (50 clients), native disk".
// An option that is a factor of the stratum has no place in it.
func place(s *stats.Stratum) string {
	var parts []string
	if store := s.Store(); store != "" {
		parts = append(parts, store)
	}
	parts = append(parts, fmt.Sprintf("%s (%s)", s.Load(), clients(s.Clients())))
	if disk := s.Options["disk"]; disk != "" {
		parts = append(parts, disk+" disk")
	}
	if wal := s.Options["wal"]; wal != "" {
		parts = append(parts, "wal "+wal)
	}
	return strings.Join(parts, ", ")
}

func clients(n int) string { return plural(n, "client") }

// plural writes a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return format.Count(int64(n)) + " " + noun + "s"
}
