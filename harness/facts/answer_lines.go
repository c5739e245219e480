package facts

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/template"

	"gopkg.in/yaml.v3"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

//go:embed answer.tmpl
var answerText string

// answerLines writes the answer, one sentence or two a line: what all makes, what made
// it, what did nothing or is not resolved, the verdicts, and what was checked. Lines
// about which the run says nothing are left out.
func (b *builder) answerLines(a *answer) ([]string, error) {
	texts, err := template.New("answer").Funcs(b.answerFuncs()).Parse(answerText)
	if err != nil {
		return nil, err
	}
	var lines []string
	say := func(name string, data any) {
		var text strings.Builder
		if e := texts.ExecuteTemplate(&text, name, data); e != nil {
			err = fmt.Errorf("answer, %s: %w", name, e)
		}
		if line := strings.TrimSpace(text.String()); line != "" {
			lines = append(lines, strings.ToUpper(line[:1])+line[1:])
		}
	}
	if len(a.items)+len(a.rungs) > 0 {
		say("together", map[string]any{"Op": a.op, "Items": a.items, "Rungs": a.rungs})
	}
	if slices.ContainsFunc(a.items, func(e end) bool { return len(e.Steps) > 1 }) { // of one item, all has been said
		say("made", b.made(a.items))
	}
	if len(a.items) > 0 {
		say("nothing", map[string]any{
			"Margin": 100 * infer.Margin, "Nothing": b.named(a.items, infer.Equivalent), "Open": b.named(a.items, infer.Unresolved),
		})
	}
	if a.extreme != nil {
		say("range", a.extreme)
	}
	if len(b.doc.Claims) > 0 {
		say("verdicts", Verdicts(b.doc.Claims))
	}
	say("checked", b.checked())
	return lines, err
}

func (b *builder) answerFuncs() template.FuncMap {
	return template.FuncMap{
		"times": func(id int) string { return times(b.fact(id)) },
		"doubt": func(id int) string { return doubt(b.fact(id)) },
		"value": func(id int) string { return format.Number(float64(b.fact(id).Value)) },
		"count": plural,
		"join":  func(names []string) string { return strings.Join(names, ", ") },
		"bound": func(e extreme) string {
			if e.Bound == stats.BoundNone {
				return ""
			}
			return "; bound by the " + string(e.Bound)
		},
	}
}

// times writes a ratio with its interval.
func times(f *Fact) string {
	if f.Lo == nil {
		return f.Text + " times"
	}
	return f.estimateOf().String() + " times"
}

// doubt says of a ratio that it is not different from 1; "" if it is.
func doubt(f *Fact) string {
	switch {
	case f.Lo == nil:
		return "no interval"
	case f.Word == string(infer.Equivalent):
		return "no change"
	case f.Word == string(infer.Unresolved):
		return "not resolved"
	}
	return ""
}

// maker is what made the change in one environment.
type maker struct {
	Name      string
	Different []made
}

type made struct {
	Name  string
	Ratio int
	Share *Fact
}

// made are the steps that differ from no change, the largest first, of the environments
// that have any.
func (b *builder) made(ends []end) (makers []maker) {
	for _, e := range ends {
		m := maker{Name: e.Name}
		steps := b.withWord(e, infer.Different)
		slices.SortStableFunc(steps, func(x, y step) int { return cmp.Compare(b.reach(y), b.reach(x)) })
		for _, s := range steps[:min(len(steps), mostNamed)] {
			f := b.fact(s.Ratio)
			_, share := b.credit(e.ends, s.id, metric.Must(f.Metric), f.Op)
			m.Different = append(m.Different, made{s.Name, s.Ratio, b.fact(share)})
		}
		if len(m.Different) > 0 {
			makers = append(makers, m)
		}
	}
	return makers
}

// reach is how far a step's ratio is from 1, either way.
func (b *builder) reach(s step) float64 { return math.Abs(math.Log(float64(b.fact(s.Ratio).Value))) }

func (b *builder) withWord(e end, word infer.Word) (steps []step) {
	for _, s := range e.Steps {
		if b.fact(s.Ratio).Word == string(word) {
			steps = append(steps, s)
		}
	}
	return steps
}

// group are the steps of one word in one environment. Found is the greatest of the
// ratios that would have been found, More what another level would find: "" where that
// is not the question.
type group struct {
	Names                    []string
	Environment, Found, More string
}

func (b *builder) named(ends []end, word infer.Word) (groups []group) {
	for _, e := range ends {
		g, found, n := group{Environment: e.Name}, 0.0, 0
		for _, s := range b.withWord(e, word) {
			g.Names = append(g.Names, s.Name)
			if f := b.fact(s.Ratio); f.Found != nil {
				found, n = max(found, float64(*f.Found)), f.N
			}
		}
		if word == infer.Unresolved && found > 0 {
			g.Found, g.More = format.Number(found), b.withMore(found, n)
		}
		if len(g.Names) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// withMore says what the plan's level of most blocks would find of what n blocks would:
// an interval shrinks with the square root of their number. "" if there is none of more.
func (b *builder) withMore(found float64, n int) string {
	var p struct {
		Levels map[string]struct{ Blocks int }
	}
	if err := yaml.Unmarshal([]byte(b.run.Manifest.PlanYAML), &p); err != nil {
		return "" // not a plan: nothing to advise
	}
	name, blocks := "", n
	for _, level := range slices.Sorted(maps.Keys(p.Levels)) {
		if l := p.Levels[level]; l.Blocks > blocks {
			name, blocks = level, l.Blocks
		}
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf("about %s with the %d blocks of level %s", format.Number(math.Pow(found, math.Sqrt(float64(n)/float64(blocks)))), blocks, name)
}

// checked is what was run and checked.
type checked struct {
	Run
	Outcomes string // "ok 12,650, failed 2"
}

func (b *builder) checked() checked {
	count := map[string]int{}
	for _, outcomes := range b.doc.Run.Checks {
		for outcome, n := range outcomes {
			count[outcome] += n
		}
	}
	var parts []string
	for _, outcome := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, outcome+" "+format.Count(int64(count[outcome])))
	}
	switch {
	case len(parts) == 0:
		parts = []string{"none"}
	case len(parts) == 1 && count[record.OutcomeOK] > 0:
		parts = []string{"all " + format.Count(int64(count[record.OutcomeOK])) + " ok"}
	}
	return checked{b.doc.Run, strings.Join(parts, ", ")}
}
