package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/plan"
	"metastorebench/harness/stats"
)

// judgeClaim judges a claim in all environments of its goals; names are the properties
// that name one.
func (b *builder) judgeClaim(c claimAsked, names []string) Claim {
	made := Claim{
		ID: c.ID, Title: c.Title, Predicted: c.Predicted, Source: c.Source, Topic: c.Topic, From: c.From, Together: c.Both,
	}
	for _, g := range c.goals {
		goal := Goal{Name: g.Name, Predicted: g.predicted(), Judged: []Judgment{}}
		for _, e := range g.at {
			goal.Judged = append(goal.Judged, b.judgeAt(c.Claim, g, e, names))
		}
		goal.Verdict, goal.Missing = headline(g, goal.Judged)
		made.Goals = append(made.Goals, goal)
	}
	if c.Both {
		together(made.Goals)
	}
	made.Verdict = verdictOf(made.Goals, c.Both)
	return made
}

// together puts first the environments that all goals were judged in: goals that have to
// hold together have to hold in one place.
func together(goals []Goal) {
	for i := range goals {
		g := &goals[i]
		shared := func(j Judgment) bool {
			return !slices.ContainsFunc(goals, func(o Goal) bool {
				return !slices.ContainsFunc(o.Judged, func(k Judgment) bool { return k.Environment == j.Environment })
			})
		}
		slices.SortStableFunc(g.Judged, func(x, y Judgment) int { return first(shared(x), shared(y)) })
		if len(g.Judged) > 0 {
			g.Verdict = g.Judged[0].Verdict
		}
	}
}

// headline is the first verdict, or the word for none with the reason.
func headline(g goalAsked, judged []Judgment) (verdict, missing string) {
	switch {
	case len(judged) > 0:
		return judged[0].Verdict, ""
	case g.skipped:
		return string(infer.NotMeasurable), g.missing
	}
	return string(infer.NotYet), g.missing
}

// verdictOf is the verdict on a claim.
func verdictOf(goals []Goal, both bool) string {
	var all, judged []infer.Verdict
	for _, g := range goals {
		all = append(all, infer.Verdict(g.Verdict))
		if len(g.Judged) > 0 {
			judged = append(judged, infer.Verdict(g.Verdict))
		}
	}
	if both {
		return string(infer.Both(all...))
	}
	if len(judged) > 0 {
		all = judged
	}
	if slices.ContainsFunc(all, func(v infer.Verdict) bool { return v != all[0] }) {
		return Mixed
	}
	return string(all[0])
}

// predicted writes what a goal expects, with unit and starting point.
func (g goalAsked) predicted() string {
	switch g.Rule {
	case plan.RuleFaster:
		return "above 1"
	case plan.RuleMost:
		names := make([]string, len(g.Others))
		for i, o := range g.Others {
			names[i] = o.Name
		}
		return "above " + strings.Join(names, ", ")
	}
	text := g.Range().String()
	if g.Rule != plan.RuleEffect {
		text = strings.TrimSpace(text + " " + g.metric.Unit)
	}
	if g.Start != nil {
		text += fmt.Sprintf(" (from %s)", infer.Range{Min: *g.Start, Max: *g.Start})
	}
	return text
}

// quantity names what is judged.
func (g goalAsked) quantity(op string) string {
	if g.What != "" {
		return g.What
	}
	text := g.metric.Title
	if g.metric.PerOp {
		text = op + " " + text
	}
	switch g.Rule {
	case plan.RuleEffect, plan.RuleFaster, plan.RuleMost:
		text += fmt.Sprintf(", %s / %s", selectorText(g.switched()), selectorText(g.Against))
	}
	return text
}

// switched is what of Where the reference does not share; Where, if that says nothing.
func (g goalAsked) switched() plan.Selector {
	s := plan.Selector{}
	for name := range g.Against {
		if values := g.Where[name]; len(values) > 0 {
			s[name] = values
		}
	}
	if len(s) == 0 {
		return g.Where
	}
	return s
}

// reference names what a goal's cells are compared with.
func (g goalAsked) reference() string {
	if rungs := g.Against[propRung]; len(rungs) == 1 {
		return rungs[0]
	}
	return selectorText(g.Against)
}

// subject is what a goal of RuleMost is about, in one place.
func (g goalAsked) subject(p *place) string {
	items := ""
	if _, about := g.Where[propItems]; about {
		items = p.properties[propItems]
	}
	return cmp.Or(g.Contrast.Name, items, selectorText(g.switched()))
}

// judgeAt judges a goal in one environment.
func (b *builder) judgeAt(c plan.Claim, g goalAsked, e environment, names []string) Judgment {
	j := Judgment{Environment: e.place.environmentText(names), Quantity: g.quantity(e.op), Fact: e.measured}
	verdict, why := b.rule(g, e)
	if g.metric.Summary == metric.Counted {
		verdict, why = counted(e.place.cell, verdict, why)
	}
	if c.NotHere != "" {
		verdict, why = infer.NotMeasurable, sentence(c.NotHere)
	}
	for _, a := range e.also {
		why += "; " + strings.Replace(sentence(a.text), "%s", b.fact(a.fact).estimateOf().String(), 1)
	}
	j.Verdict, j.Why = string(verdict), why
	return j
}

// rule applies the rule of a goal to what was measured.
func (b *builder) rule(g goalAsked, e environment) (infer.Verdict, string) {
	measured := b.fact(e.measured).estimateOf()
	c := infer.Case{Predicted: g.Range(), Measured: measured, Change: b.fact(e.change).estimateOf(), ChangeOf: e.changeOf, ChangeFrom: g.reference()}
	switch g.Rule {
	case plan.RuleFaster:
		return infer.Faster(measured)
	case plan.RuleMost:
		others := make([]infer.Item, len(e.others))
		for i, o := range e.others {
			others[i] = infer.Item{Name: o.text, Ratio: b.fact(o.fact).estimateOf()}
		}
		return infer.Most(infer.Item{Name: g.subject(e.place), Ratio: measured}, others)
	case plan.RuleReach:
		c.Kind = infer.KindTarget
	case plan.RuleArrive:
		c.Kind = infer.KindLevel
		c.Rises = g.Start != nil && *g.Start < c.Predicted.Min
	case plan.RuleKeep:
		c.Kind = infer.KindBound
	case plan.RuleShare:
		c.Kind = infer.KindShare
	default:
		if c.Predicted.Min <= 1 && c.Predicted.Max >= 1 { // no effect is among what is predicted
			c.Kind = infer.KindBound
		}
	}
	return infer.JudgeClaim(c)
}

// counted says how many operations failed, those of void trials included. A trial that
// ended before its operations were counted forbids a confirmation.
func counted(cell *stats.Cell, verdict infer.Verdict, why string) (infer.Verdict, string) {
	var failed, all int64
	void, uncounted := 0, 0
	for _, t := range cell.Recorded() {
		f, a := metric.Failures(t)
		failed, all = failed+f, all+a
		switch {
		case a == 0:
			uncounted++
		case t.Void != "":
			void++
		}
	}
	text := fmt.Sprintf("%s of %s operations failed", format.Count(failed), format.Count(all))
	if void > 0 {
		text += fmt.Sprintf(", those of %s included", plural(void, "void trial"))
	}
	if uncounted > 0 {
		text += fmt.Sprintf("; %s ended before operations were counted", plural(uncounted, "trial"))
		if verdict == infer.Confirmed {
			verdict = infer.Inconclusive
		}
	}
	if all > 0 {
		text += "; " + why
	}
	return verdict, text
}

// environmentText names a place by some of its properties: "memory, put50, plan disk".
// The values of most properties need the name beside them.
func (p *place) environmentText(names []string) string {
	if len(names) == 0 {
		names = []string{propWorkload}
	}
	var parts []string
	for _, name := range names {
		value := p.properties[name]
		_, err := strconv.ParseFloat(value, 64)
		switch {
		case value == "":
		case name == propWorkload || name == propTarget || name == plan.AxisEngine:
			parts = append(parts, value)
		case value == "1":
			parts = append(parts, value+" "+strings.TrimSuffix(titleOf(name), "s"))
		case name == plan.AxisDisk || err == nil:
			parts = append(parts, value+" "+titleOf(name))
		default:
			parts = append(parts, name+"="+value)
		}
	}
	return strings.Join(parts, ", ")
}

// sentence is a reason as part of a longer one: one line without a stop.
func sentence(text string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(text), " "), ".")
}

// plural is "1 trial" or "2 trials".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return format.Count(int64(n)) + " " + noun
}
