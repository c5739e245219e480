package facts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/infer"
)

// Overall puts the claims of several runs together; docs has each under its plan's name.
// A goal is taken from the first of the claim's From runs that judged it, and one that
// none has judged says why, in the words of the first. Goals that have to hold together
// are from one run. Judgments name their runs: their facts are those of that document.
func Overall(docs map[string]*Document) []Claim {
	merged := merge(docs)
	for i := range merged {
		c := &merged[i]
		runs := slices.DeleteFunc(slices.Clone(c.From), func(name string) bool { return find(docs[name], c.ID) == nil })
		for k := range c.Goals {
			c.Goals[k] = c.goalOf(k, docs, runs)
		}
		c.Verdict = verdictOf(c.Goals, c.Together)
	}
	return merged
}

// merge lists the claims of all documents: each document's order is kept, and the first
// one's, by name, counts where they differ. A claim without From is from its own run.
func merge(docs map[string]*Document) []Claim {
	var all []Claim
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		next := 0
		for _, c := range docs[name].Claims {
			if i := slices.IndexFunc(all, func(o Claim) bool { return o.ID == c.ID }); i >= 0 {
				next = i + 1
				continue
			}
			c.Goals = slices.Clone(c.Goals)
			if len(c.From) == 0 {
				c.From = []string{name}
			}
			all = slices.Insert(all, next, c)
			next++
		}
	}
	return all
}

// goalOf is goal k of the claim from the first of runs that judged it.
func (c *Claim) goalOf(k int, docs map[string]*Document, runs []string) Goal {
	for _, name := range runs {
		goals := find(docs[name], c.ID).Goals
		missing := func(g Goal) bool { return len(g.Judged) == 0 }
		if k >= len(goals) || missing(goals[k]) || c.Together && slices.ContainsFunc(goals, missing) {
			continue
		}
		g := goals[k]
		g.Judged = slices.Clone(g.Judged)
		for i := range g.Judged {
			g.Judged[i].Run = name
		}
		return g
	}
	g := c.Goals[k]
	g.Judged, g.Verdict, g.Missing = []Judgment{}, string(infer.NotYet), fmt.Sprintf("there is no run of %s", strings.Join(c.From, " or "))
	if len(runs) > 0 && k < len(find(docs[runs[0]], c.ID).Goals) {
		first := find(docs[runs[0]], c.ID).Goals[k]
		g.Verdict, g.Missing = first.Verdict, first.Missing
	}
	return g
}

// find is the claim with an id; nil if the document, which may be nil, does not have it.
func find(d *Document, id string) *Claim {
	if d == nil {
		return nil
	}
	for i := range d.Claims {
		if d.Claims[i].ID == id {
			return &d.Claims[i]
		}
	}
	return nil
}
