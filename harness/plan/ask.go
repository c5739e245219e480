package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"metastorebench/harness/format"
	"metastorebench/harness/metric"
)

// use is a property that the plan's questions name, with a value or, if that is "",
// without one. It is checked when all of the plan has been read.
type use struct {
	f               *faults
	what            string
	property, value string
	line            int
	from            []string // of one in a claim: Claim.From
}

// askedFields are the keys of a plan that say what it asks of its records.
func (p *Plan) askedFields(f *faults) []field {
	return []field{
		{"report", false, func(n *yaml.Node) { p.readViews(f, n) }},
		{"rungs", false, func(n *yaml.Node) { p.readRungs(f, n) }},
		{"claims", false, func(n *yaml.Node) { p.readClaims(f, n) }},
	}
}

func (p *Plan) readViews(f *faults, n *yaml.Node) {
	for _, item := range f.items(n, "report") {
		v := View{Line: item.Line}
		var keys []string
		f.mapping(item, "view", p.viewFields(f, &v))
		for i := 0; i+1 < len(item.Content); i += 2 {
			keys = append(keys, item.Content[i].Value)
		}
		f.needs(item.Line, "view", v.Kind, viewNeeds, keys)
		if len(v.Ratios) > 0 && len(v.Against) == 0 && (v.Kind == "cells" || v.Kind == "grid") {
			f.add(item.Line, `view %s has ratios, and lacks key "against": to what?`, v.Kind)
		}
		p.asked.Views = append(p.asked.Views, v)
	}
	p.nameViews(f)
}

func (p *Plan) viewFields(f *faults, v *View) []field {
	const what = "view"
	return []field{
		{"kind", true, f.text("view's kind", &v.Kind)},
		{"id", false, f.text("view's id", &v.ID)},
		{"title", true, f.text("view's title", &v.Title)},
		{"doc", false, f.text("view's doc", &v.Doc)},
		{"where", false, p.selector(f, "view's where", &v.Where)},
		{"against", false, p.selector(f, "view's against", &v.Against)},
		{"same", false, p.properties(f, "view's same", &v.Same)},
		{"rows", false, p.properties(f, "view's rows", &v.Rows)},
		{"ops", false, f.strings("view's ops", &v.Ops)},
		{"metrics", false, f.metrics("view's metrics", &v.Metrics)},
		{"ratios", false, f.metrics("view's ratios", &v.Ratios)},
		{"figures", false, func(n *yaml.Node) { v.Figures = p.readFigures(f, n) }},
		{"x", false, p.property(f, "view's x", &v.X)},
		{"fit", false, f.oneOf("view's fit", Fits, &v.Fit)},
		{"columns", false, p.property(f, "view's columns", &v.Columns)},
		{"blocks", false, f.integer("view's blocks", &v.Blocks)},
		{"limit", false, f.number("view's limit", &v.Limit)},
	}
}

// nameViews gives an id to views without one, and reports those that share one.
func (p *Plan) nameViews(f *faults) {
	lines := map[string]int{}
	for i := range p.asked.Views {
		v := &p.asked.Views[i]
		given := v.ID != ""
		for n := 1; v.ID == "" || !given && lines[v.ID] != 0; n++ {
			v.ID = v.Kind
			if n > 1 {
				v.ID = fmt.Sprintf("%s-%d", v.Kind, n)
			}
			if v.Kind == "" { // which has been reported
				break
			}
		}
		if first := lines[v.ID]; first != 0 && given {
			f.add(v.Line, "view's id %q is used twice; first in line %d", v.ID, first)
		}
		lines[v.ID] = v.Line
	}
}

func (p *Plan) readFigures(f *faults, n *yaml.Node) []FigureSpec {
	var figures []FigureSpec
	for _, item := range f.items(n, "view's figures") {
		s := FigureSpec{Line: item.Line}
		var keys []string
		f.mapping(item, "figure", []field{
			{"kind", true, f.text("figure's kind", &s.Kind)},
			{"metric", true, f.metric("figure's metric", &s.Metric)},
			{"ratio", false, f.flag("figure's ratio", &s.Ratio)},
			{"x", false, p.property(f, "figure's x", &s.X)},
			{"y", false, p.property(f, "figure's y", &s.Y)},
			{"lines", false, p.properties(f, "figure's lines", &s.Lines)},
			{"per", false, p.properties(f, "figure's per", &s.Per)},
			{"log", false, f.flag("figure's log", &s.Log)},
		})
		for i := 0; i+1 < len(item.Content); i += 2 {
			keys = append(keys, item.Content[i].Value)
		}
		f.needs(item.Line, "figure", s.Kind, figureNeeds, keys)
		figures = append(figures, s)
	}
	return figures
}

// needs reports an unknown kind, and keys that a kind cannot do without.
func (f *faults) needs(line int, what, kind string, needs map[string][]string, have []string) {
	if kind == "" {
		return
	}
	wanted, known := needs[kind]
	if !known {
		f.add(line, "unknown kind %q of %s; accepted: %s", kind, what, strings.Join(slices.Sorted(maps.Keys(needs)), ", "))
	}
	for _, w := range wanted {
		if !slices.ContainsFunc(strings.Split(w, "|"), func(k string) bool { return slices.Contains(have, k) }) {
			f.add(line, "%s %s lacks key %s", what, kind, strings.ReplaceAll(w, "|", " or "))
		}
	}
}

func (p *Plan) readRungs(f *faults, n *yaml.Node) {
	lines := map[string]int{}
	for _, item := range f.items(n, "rungs") {
		r := Rung{Line: item.Line}
		f.mapping(item, "rung", []field{
			{"name", true, f.text("rung's name", &r.Name)},
			{"where", true, p.selector(f, "rung's where", &r.Where)},
		})
		if first := lines[r.Name]; first != 0 && r.Name != "" {
			f.add(r.Line, "rung %q is named twice; first in line %d", r.Name, first)
		}
		lines[r.Name] = r.Line
		p.asked.Rungs = append(p.asked.Rungs, r)
	}
}

// selector reads which cells are meant; what is read is added to what into has.
func (p *Plan) selector(f *faults, what string, into *Selector) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s := Selector{}
		maps.Copy(s, *into)
		for key, value := range f.pairs(n, what) {
			var values []string
			at := what + ": " + key.Value
			f.strings(at, &values)(value)
			s[key.Value] = values
			p.uses = append(p.uses, use{f: f, what: at, property: key.Value, line: key.Line})
			for _, v := range values {
				p.uses = append(p.uses, use{f: f, what: at, property: key.Value, value: v, line: key.Line})
			}
		}
		*into = s
	}
}

func (p *Plan) property(f *faults, what string, into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		f.text(what, into)(n)
		if *into != "" {
			p.uses = append(p.uses, use{f: f, what: what, property: *into, line: n.Line})
		}
	}
}

func (p *Plan) properties(f *faults, what string, into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		f.strings(what, into)(n)
		for _, name := range *into {
			p.uses = append(p.uses, use{f: f, what: what, property: name, line: n.Line})
		}
	}
}

// strings reads a text or a list of texts.
func (f *faults) strings(what string, into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			var one string
			f.text(what, &one)(n)
			*into = []string{one}
			return
		}
		var list []named
		f.texts(what, &list)(n)
		*into = mapSlice(list, func(n named) string { return n.name })
	}
}

func (f *faults) oneOf(what string, accepted []string, into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		f.text(what, into)(n)
		if *into != "" && !slices.Contains(accepted, *into) {
			f.add(n.Line, "%s is %q; accepted: %s", what, *into, strings.Join(accepted, ", "))
		}
	}
}

func (f *faults) metric(what string, into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		f.text(what, into)(n)
		f.checkMetric(n.Line, what, *into)
	}
}

func (f *faults) metrics(what string, into *[]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		f.strings(what, into)(n)
		for _, name := range *into {
			f.checkMetric(n.Line, what, name)
		}
	}
}

func (f *faults) checkMetric(line int, what, name string) {
	if name != "" && !slices.Contains(metric.Names(), name) {
		hint := strings.TrimSpace(format.DidYouMean(name, metric.Names(), "") + " metabench help metrics lists them")
		f.add(line, "%s: unknown metric %q; %s", what, name, hint)
	}
}
