package fraction

import (
	"fmt"
	"slices"
	"strings"
)

// Term is an effect with the sign, 1 or -1, with which it enters an estimate.
type Term struct {
	Effect Word
	Sign   int
}

// AliasSet is a sum of effects that a design estimates as one.
type AliasSet []Term

// String writes the set as "A = -BCDG".
func (s AliasSet) String() string {
	texts := make([]string, len(s))
	for i, t := range s {
		if texts[i] = t.Effect.String(); t.Sign < 0 {
			texts[i] = "-" + texts[i]
		}
	}
	return strings.Join(texts, " = ")
}

// sign is the product of a word's x over the settings of a fraction.
func sign(word Word) int { return 1 - 2*(word.Order()%2) }

// AliasSetOf returns an effect with its aliases of at most the given order,
// lowest order first.
func (d Design) AliasSetOf(effect Word, order int) AliasSet {
	set := AliasSet{{effect, 1}}
	for _, w := range d.Relation() {
		if a := effect ^ w; a.Order() <= order {
			set = append(set, Term{a, sign(w)})
		}
	}
	slices.SortFunc(set[1:], func(a, b Term) int { return byOrder(a.Effect, b.Effect) })
	return set
}

// Mains are the alias sets of the main effects, by factor.
func (d Design) Mains(order int) []AliasSet {
	sets := make([]AliasSet, d.K)
	for i := range sets {
		sets[i] = d.AliasSetOf(1<<i, order)
	}
	return sets
}

// Pairs are the alias sets of the interactions of two factors; those that are
// aliased with one another are in one set, under its first.
func (d Design) Pairs(order int) []AliasSet {
	var sets []AliasSet
	seen := map[Word]bool{}
	for i := range d.K {
		for j := i + 1; j < d.K; j++ {
			pair := Word(1<<i | 1<<j)
			if seen[pair] {
				continue
			}
			set := d.AliasSetOf(pair, max(order, 2))
			for _, t := range set {
				seen[t.Effect] = true
			}
			sets = append(sets, set)
		}
	}
	return sets
}

// AliasOrder is the order up to which Lines names aliases: it reaches the
// strongest confounding of every main effect and of every pair.
func (d Design) AliasOrder() int { return d.Resolution() - 1 }

// Lines describe the design, one statement a line; names are the factors' in
// their order.
func (d Design) Lines(names []string) []string {
	legend := make([]string, d.K)
	for i := range legend {
		legend[i] = fmt.Sprintf("%s = %s", Word(1<<i), names[i])
	}
	relation := AliasSet{{0, 1}}
	for _, w := range d.Relation() {
		relation = append(relation, Term{w, sign(w)})
	}
	more := ""
	if !d.Has(d.All()) {
		more = ", and all items together"
	}
	return []string{
		fmt.Sprintf("2^(%d-%d) fractional factorial of resolution %s: %d of %d settings%s", d.K, d.P, roman[d.Resolution()], 1<<(d.K-d.P), 1<<d.K, more),
		"items: " + strings.Join(legend, ", "),
		"defining relation: " + relation.String(),
		fmt.Sprintf("aliases of main effects, up to order %d: %s", d.AliasOrder(), join(d.Mains(d.AliasOrder()))),
		fmt.Sprintf("aliases of interactions of two, up to order %d: %s", d.AliasOrder(), join(d.Pairs(d.AliasOrder()))),
	}
}

// roman are the resolutions of the table's designs.
var roman = map[int]string{4: "IV", 5: "V", 6: "VI", 7: "VII"}

// join writes sets in a row; effects without an alias of the order are told
// apart from all that was named.
func join(sets []AliasSet) string {
	texts := make([]string, len(sets))
	for i, s := range sets {
		if texts[i] = s.String(); len(s) == 1 {
			texts[i] += " (none)"
		}
	}
	return strings.Join(texts, ", ")
}
