package infer

import "fmt"

// Item is a change with what it makes of a quantity, as a ratio.
type Item struct {
	Name  string
	Ratio Estimate
}

// Most judges the claim that one item makes more than any of the others:
//
//   - confirmed: its interval lies above 1 and above those of all others;
//   - refuted: its interval holds 1 or less, or another's lies above it;
//   - inconclusive: it overlaps with another's, or one of them has none.
func Most(of Item, others []Item) (Verdict, string) {
	if !of.Ratio.Interval {
		return Inconclusive, fmt.Sprintf("%s makes %s (no interval: %s)", of.Name, of.Ratio, tooFew(of.Ratio.N))
	}
	text := fmt.Sprintf("%s makes %s", of.Name, of.Ratio)
	if of.Ratio.Lo <= 1 {
		return Refuted, text + ", no gain that is shown"
	}
	open := ""
	for _, o := range others {
		switch {
		case !o.Ratio.Interval || o.Ratio.Hi >= of.Ratio.Lo && o.Ratio.Lo <= of.Ratio.Hi:
			open = fmt.Sprintf("%s, not told apart from %s, %s", text, o.Name, o.Ratio)
		case o.Ratio.Lo > of.Ratio.Hi:
			return Refuted, fmt.Sprintf("%s, less than %s, %s", text, o.Name, o.Ratio)
		}
	}
	if open != "" {
		return Inconclusive, open
	}
	return Confirmed, text + ", more than any other"
}
