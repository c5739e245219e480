package plan

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// claimRules are the rules with the keys that a goal under each needs.
var claimRules = map[string][]string{
	RuleEffect: {"against", "min|max"}, RuleFaster: {"against"}, RuleMost: {"against", "others"},
	RuleReach: {"min|max"}, RuleArrive: {"min|max"}, RuleKeep: {"min|max"}, RuleShare: {"min|max"},
}

// readClaims reads a list of claims, or the file that a text names.
func (p *Plan) readClaims(f *faults, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		p.claimList(f, n)
		return
	}
	f.text("claims", &p.claimsFrom.name)(n)
	if p.claimsFrom.name == "" {
		return
	}
	p.claimsFrom.line = n.Line
	text, file, err := f.claims(f.file, n.Value)
	if err != nil {
		f.add(n.Line, "%v", err)
		return
	}
	p.claimsFrom.text = text
	f.inner = &faults{file: file}
	root, err := f.inner.document(text)
	switch {
	case err != nil:
		f.add(n.Line, "claims: %v", err)
	case root == nil:
		f.inner.add(1, "the file of claims is empty")
	default:
		p.claimList(f.inner, root)
	}
}

func (p *Plan) claimList(f *faults, n *yaml.Node) {
	lines := map[string]int{}
	for _, item := range f.items(n, "claims") {
		c := p.readClaim(f, item)
		if first := lines[c.ID]; first != 0 && c.ID != "" {
			f.add(c.Line, "claim %q is there twice; first in line %d", c.ID, first)
		}
		lines[c.ID] = c.Line
		p.asked.Claims = append(p.asked.Claims, c)
	}
}

// readClaim reads a claim. What its goals share stands in the claim itself; one without
// goals has that as its only goal.
func (p *Plan) readClaim(f *faults, n *yaml.Node) Claim {
	c := Claim{Line: n.Line}
	named := len(p.uses)
	defer func() {
		for i := range p.uses[named:] {
			p.uses[named+i].from = c.From
		}
	}()
	shared := ClaimGoal{Rule: RuleEffect, Line: n.Line}
	var goals *yaml.Node
	f.mapping(n, "claim", append([]field{
		{"id", true, f.text("claim's id", &c.ID)},
		{"title", true, f.text("claim's title", &c.Title)},
		{"predicted", false, f.text("claim's predicted", &c.Predicted)},
		{"source", false, f.text("claim's source", &c.Source)},
		{"topic", false, f.text("claim's topic", &c.Topic)},
		{"from", false, f.strings("claim's from", &c.From)},
		{"not_here", false, f.text("claim's not_here", &c.NotHere)},
		{"both", false, f.flag("claim's both", &c.Both)},
		{"goals", false, func(n *yaml.Node) { goals = n }},
	}, p.goalFields(f, &shared)...))
	if goals == nil {
		f.checkGoal(shared)
		c.Goals = []ClaimGoal{shared}
		return c
	}
	for _, item := range f.items(goals, "goals") {
		g := shared
		g.Line = item.Line
		f.mapping(item, "goal", append([]field{{"name", false, f.text("goal's name", &g.Name)}}, p.goalFields(f, &g)...))
		f.checkGoal(g)
		c.Goals = append(c.Goals, g)
	}
	return c
}

func (p *Plan) goalFields(f *faults, g *ClaimGoal) []field {
	return []field{
		{"what", false, f.text("goal's what", &g.What)},
		{"rule", false, f.text("goal's rule", &g.Rule)},
		{"metric", false, f.metric("goal's metric", &g.Metric)},
		{"op", false, f.text("goal's op", &g.Op)},
		{"min", false, f.bound("goal's min", &g.Min)},
		{"max", false, f.bound("goal's max", &g.Max)},
		{"start", false, f.bound("goal's start", &g.Start)},
		{"least", false, f.metric("goal's least", &g.Least)},
		{"where", false, p.selector(f, "goal's where", &g.Where)},
		{"against", false, p.selector(f, "goal's against", &g.Against)},
		{"same", false, p.properties(f, "goal's same", &g.Same)},
		{"others", false, func(n *yaml.Node) { g.Others = p.readOthers(f, n) }},
		{"also", false, func(n *yaml.Node) { g.Also = p.readAlso(f, n) }},
		{"prefer", false, func(n *yaml.Node) { g.Prefer = p.readPrefer(f, n) }},
		{"most", false, p.property(f, "goal's most", &g.Most)},
	}
}

// bound reads a number that may be missing.
func (f *faults) bound(what string, into **float64) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var v float64
		f.number(what, &v)(n)
		*into = &v
	}
}

// checkGoal reports what a goal lacks.
func (f *faults) checkGoal(g ClaimGoal) {
	var have []string
	for key, there := range map[string]bool{"against": len(g.Against) > 0, "others": len(g.Others) > 0, "min": g.Min != nil, "max": g.Max != nil} {
		if there {
			have = append(have, key)
		}
	}
	f.needs(g.Line, "rule", g.Rule, claimRules, have)
	if g.Metric == "" {
		f.add(g.Line, "goal lacks key metric")
	}
	if len(g.Where) == 0 {
		f.add(g.Line, "goal lacks key where: which cells is it about?")
	}
	if g.Min != nil && g.Max != nil && *g.Min > *g.Max {
		f.add(g.Line, "goal's min is %g, above its max, %g", *g.Min, *g.Max)
	}
}

func (p *Plan) readOthers(f *faults, n *yaml.Node) []Contrast {
	var others []Contrast
	for _, item := range f.items(n, "goal's others") {
		var c Contrast
		f.mapping(item, "other", append(p.contrastFields(f, &c), field{"name", true, f.text("other's name", &c.Name)}))
		others = append(others, c)
	}
	return others
}

func (p *Plan) readAlso(f *faults, n *yaml.Node) []Also {
	var also []Also
	for _, item := range f.items(n, "goal's also") {
		var a Also
		f.mapping(item, "also", append(p.contrastFields(f, &a.Contrast),
			field{"text", true, f.text("also's text", &a.Text)},
			field{"metric", false, f.metric("also's metric", &a.Metric)}))
		if a.Text != "" && (strings.Count(a.Text, "%") != 1 || strings.Count(a.Text, "%s") != 1) {
			f.add(item.Line, "also's text is %q; accepted: a text with one %%s, for the ratio", a.Text)
		}
		if len(a.Against) == 0 {
			f.add(item.Line, "also lacks key against")
		}
		also = append(also, a)
	}
	return also
}

func (p *Plan) contrastFields(f *faults, c *Contrast) []field {
	return []field{
		{"where", true, p.selector(f, "where", &c.Where)},
		{"against", false, p.selector(f, "against", &c.Against)},
		{"same", false, p.properties(f, "same", &c.Same)},
	}
}

func (p *Plan) readPrefer(f *faults, n *yaml.Node) []Selector {
	var prefer []Selector
	for _, item := range f.items(n, "goal's prefer") {
		var s Selector
		p.selector(f, "goal's prefer", &s)(item)
		prefer = append(prefer, s)
	}
	return slices.Clip(prefer)
}
