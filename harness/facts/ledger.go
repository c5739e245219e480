package facts

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/plan"
)

// ledgerView has a row for each prediction in its headline environment and, below, one
// for each environment. It is filled when the claims are judged.
func (b *builder) ledgerView(plan.View) (View, error) {
	at := len(b.doc.Views)
	b.later = append(b.later, func() error {
		b.doc.Views[at].Tables = b.ledgerTables()
		return nil
	})
	return View{}, nil
}

func (b *builder) ledgerTables() []Table {
	head := newTable("claims", "Each prediction in the environment nearest to the claim's own. The verdict follows from the interval: confirmed: the predicted sign, and the interval meets the predicted size; partly: the predicted sign, but the interval leaves out the size; refuted: no effect, or the wrong sign; inconclusive: the interval leaves both open, or there is none. Each interval stands for itself: of a hundred, about five miss.")
	every := newTable("environments", "The same predictions in every environment of the run; nothing is averaged over environments.")
	every.Title = "Every environment"
	for _, t := range []*table{head, every} {
		t.Columns = []Column{
			textColumn("claim"), textColumn("predicted"), {Key: "measured", Title: "measured"}, {Key: "n", Title: "n"},
			textColumn("environment"), textColumn("verdict"), textColumn("why"),
		}
	}
	for _, c := range b.doc.Claims {
		for _, g := range c.bearing() {
			if g.Missing != "" {
				head.note(fmt.Sprintf("%s: %s: %s.", strings.TrimSpace(c.ID+" "+g.Name), g.Verdict, g.Missing))
				continue
			}
			b.ledgerRow(head, c, g, g.Judged[0], c.Together)
			for _, j := range g.Judged {
				b.ledgerRow(every, c, g, j, false)
			}
		}
	}
	head.note("Verdicts: " + Verdicts(b.doc.Claims) + ".")
	if len(every.Rows) == len(head.Rows) { // each was judged in one place
		return []Table{head.Table}
	}
	return []Table{head.Table, every.Table}
}

// bearing are the goals that were judged or, if none was, all: a claim of several plans
// has goals that are about the runs of others.
func (c Claim) bearing() []Goal {
	missing := func(g Goal) bool { return len(g.Judged) == 0 }
	if judged := slices.DeleteFunc(slices.Clone(c.Goals), missing); len(judged) > 0 {
		return judged
	}
	return c.Goals
}

// ledgerRow adds a prediction judged in one environment. together says that the verdict
// is that of all the claim's goals.
func (b *builder) ledgerRow(t *table, c Claim, g Goal, j Judgment, together bool) {
	verdict, why, n := j.Verdict, j.Why, none
	if together && verdict != c.Verdict {
		verdict, why = c.Verdict, "alone "+verdict+": "+why
	}
	if f := b.fact(j.Fact); f != nil {
		n = format.Count(int64(f.N))
	}
	t.add(c.ID+dotted(g.Name), word(strings.TrimSpace(c.ID+" "+g.Name)), word(j.Quantity+": "+g.Predicted), known(j.Fact), word(n),
		word(j.Environment), word(verdict), word(why))
}

// Verdicts counts the predictions of claims by their verdicts, in the order of the
// vocabulary: "confirmed 7, refuted 2". Goals that have to hold together count as one.
func Verdicts(claims []Claim) string {
	count := map[infer.Verdict]int{}
	for _, c := range claims {
		if c.Together {
			count[infer.Verdict(c.Verdict)]++
			continue
		}
		for _, g := range c.bearing() {
			count[infer.Verdict(g.Verdict)]++
		}
	}
	var parts []string
	for _, v := range infer.All() {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", v, count[v]))
		}
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ", ")
}
