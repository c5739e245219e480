package infer

import "fmt"

// HalfBusy is the share of the measured window, in percent, from which on the
// log's syncs count as the bottleneck: the lower end of what the plan expects of
// a baseline write (B1).
const HalfBusy = 50.0

// Item is what an item makes of throughput, as a ratio.
type Item struct {
	Name  string
	Ratio Estimate
}

// answer is what the evidence says on one half of a claim.
type answer int

const (
	open answer = iota
	yes
	no
)

// Bottleneck judges the claim that the log, not serialisation or gRPC, is the
// bottleneck, so that consensus items matter most. It has two halves:
//
//   - the bottleneck: the baseline spends HalfBusy percent or more of the window
//     in syncs of the log (all of busy's interval on one side decides);
//   - what matters most: consensus has an effect, and its interval lies above
//     those of all others. It does not matter most if its interval holds 1 or
//     less, or another's lies above it.
//
// Both hold: confirmed. One fails: partly. Both fail: refuted. Either is open:
// inconclusive.
func Bottleneck(busy Estimate, consensus Item, others []Item) (Verdict, string) {
	wal, walText := busyAnswer(busy)
	most, mostText := mostAnswer(consensus, others)
	reason := walText + "; " + mostText
	switch {
	case wal == open || most == open:
		return Inconclusive, reason
	case wal == yes && most == yes:
		return Confirmed, reason
	case wal == no && most == no:
		return Refuted, reason
	}
	return Partly, reason
}

func busyAnswer(e Estimate) (answer, string) {
	text := fmt.Sprintf("the baseline syncs its log during %s %% of the window", e)
	switch {
	case !e.Interval:
		return open, text + " (no interval: " + tooFew(e.N) + ")"
	case e.Lo >= HalfBusy:
		return yes, text
	case e.Hi < HalfBusy:
		return no, text
	}
	return open, text
}

func mostAnswer(c Item, others []Item) (answer, string) {
	if !c.Ratio.Interval {
		return open, fmt.Sprintf("%s alone makes %s (no interval: %s)", c.Name, c.Ratio, tooFew(c.Ratio.N))
	}
	text := fmt.Sprintf("%s alone makes %s", c.Name, c.Ratio)
	if c.Ratio.Lo <= 1 {
		return no, text + ", no gain that is shown"
	}
	for _, o := range others {
		switch {
		case !o.Ratio.Interval || o.Ratio.Hi >= c.Ratio.Lo && o.Ratio.Lo <= c.Ratio.Hi:
			return open, fmt.Sprintf("%s, not told apart from %s, %s", text, o.Name, o.Ratio)
		case o.Ratio.Lo > c.Ratio.Hi:
			return no, fmt.Sprintf("%s, less than %s, %s", text, o.Name, o.Ratio)
		}
	}
	return yes, text + ", more than any other item"
}
