package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

// Markdown is the summary, for a comment on a pull request or a terminal.
func (r *Result) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Gate: %s\n\n%s. %s against %s; plan %s, level %s, %d trials void.\n\n%s.\n\n", r.Outcome, capital(r.Reason),
		r.describe(record.ArmHead), r.describe(record.ArmBase), r.Manifest.Plan, r.Manifest.Level, len(r.Voids), r.placebo())
	r.writeRows(&b)
	r.writeHints(&b)
	r.writeAccepted(&b)
	r.writeTests(&b)
	r.writeNotes(&b)
	return b.String()
}

// describe names a revision.
func (r *Result) describe(arm string) string {
	a := r.Gate.Arm(arm)
	if a == nil {
		return fmt.Sprintf("the stored run `%s`", r.Gate.Baseline)
	}
	text := fmt.Sprintf("`%.12s`", a.Commit)
	if a.Subject != "" {
		text += fmt.Sprintf(" (%s)", a.Subject)
	}
	if a.Dirty {
		text += " with changes that are not committed"
	}
	return text
}

const rowHead = "| metric | load | base | head | unit | change | at least | at most | floor | blocks | verdict |\n|---|---|---:|---:|---|---:|---:|---:|---:|---:|---|\n"

func (r *Result) writeRows(b *strings.Builder) {
	for _, kind := range []string{Steady, Noisy} {
		var rows strings.Builder
		for _, w := range r.Rows {
			if w.Gate.Kind == kind {
				rows.WriteString(w.line())
			}
		}
		if rows.Len() > 0 {
			fmt.Fprintf(b, "%s metrics:\n\n%s%s\n", capital(kind), rowHead, rows.String())
		}
	}
	b.WriteString("base, head: medians. change: of the geometric mean of the ratios per block. at least, at most: the bounds of the loss that regression and pass are decided by, positive for the worse (of entries per Ready, for more); those of times allow for what base's other layout changes.\n\n")
}

// line is the row of a table.
func (w Row) line() string {
	verdict := string(w.Verdict)
	switch {
	case w.Accepted != nil && w.Verdict == Regressed:
		verdict += ", accepted"
	case w.Fails():
		verdict = "**" + verdict + "**"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %d | %s |\n", w.Gate.Metric.Name, w.Gate.Load,
		format.Number(w.Old), format.Number(w.New), w.Gate.Metric.Unit, change(math.Log(w.Gate.Ratio(w.Mean))),
		percent(w.Gate.share(w.AtLeast)), percent(w.Gate.share(w.AtMost)), percent(w.Gate.Floor), w.N, verdict)
}

// change writes the logarithm of a ratio in percent.
func change(l float64) string { return percent(math.Expm1(l)) }

// percent writes a share with its sign; - if it is unknown.
func percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return "-"
	}
	if math.Abs(share) < 0.00005 {
		return "0 %"
	}
	return fmt.Sprintf("%+.2f %%", 100*share)
}

// writeHints says of each load's losses together what moved with them: the load's
// trials are the same.
func (r *Result) writeHints(b *strings.Builder) {
	var loads []string
	for _, w := range r.Rows {
		if w.Verdict == Regressed && !slices.Contains(loads, w.Gate.Load) {
			loads = append(loads, w.Gate.Load)
		}
	}
	if r.Where != nil {
		writeWhere(b, r.Where.lines())
	}
	for _, load := range loads {
		var names []string
		var hints []Hint
		var where [][]string
		for _, w := range r.Rows {
			if w.Verdict != Regressed || w.Gate.Load != load {
				continue
			}
			names = append(names, w.Gate.Name())
			hints = union(hints, w.Hints, func(a, b Hint) bool { return a.Name == b.Name })
			if w.Culprit != nil {
				where = union(where, [][]string{w.Culprit.lines()}, slices.Equal)
			}
		}
		if len(hints) == 0 {
			fmt.Fprintf(b, "%s: no other counter and no stage moved with it.\n\n", strings.Join(names, ", "))
		} else {
			fmt.Fprintf(b, "%s, what moved with it:\n\n", strings.Join(names, ", "))
			writeList(b, hints, Hint.text)
		}
		for _, lines := range where {
			writeWhere(b, lines)
		}
	}
}

// writeWhere writes a culprit.
func writeWhere(b *strings.Builder, lines []string) {
	fmt.Fprintf(b, "Where to look: %s\n\n", lines[0])
	writeList(b, lines[1:], func(l string) string { return l })
}

// union appends the items that are not there yet.
func union[T any](all, items []T, same func(a, b T) bool) []T {
	for _, item := range items {
		if !slices.ContainsFunc(all, func(t T) bool { return same(t, item) }) {
			all = append(all, item)
		}
	}
	return all
}

func writeList[T any](b *strings.Builder, items []T, text func(T) string) {
	for _, item := range items {
		b.WriteString("- " + text(item) + "\n")
	}
	b.WriteString("\n")
}

func (h Hint) text() string {
	what := h.Name
	if h.Stage {
		what = "stage " + h.Name + " of a write"
	}
	return fmt.Sprintf("%s: %s to %s %s, %s [%s, %s]", what, format.Number(h.Old), format.Number(h.New), h.Unit,
		change(math.Log(h.Ratio)), change(math.Log(h.Lo)), change(math.Log(h.Hi)))
}

func (r *Result) writeAccepted(b *strings.Builder) {
	for _, w := range r.Rows {
		if w.Accepted != nil && w.Verdict == Regressed {
			fmt.Fprintf(b, "Accepted by commit %.12s: %s - %s\n\n", w.Accepted.Commit, w.Gate.Name(), w.Accepted.Reason)
		}
	}
	for _, a := range r.Gate.Accepted {
		if slices.Contains(r.Gate.Lost, a.Metric) {
			fmt.Fprintf(b, "Accepted by commit %.12s: head has lost counter %s - %s\n\n", a.Commit, a.Metric, a.Reason)
		}
	}
}

func (r *Result) writeTests(b *strings.Builder) {
	b.WriteString("Self-test, in the same blocks:\n\n| pair | gate | change | blocks | verdict | want |\n|---|---|---:|---:|---|---|\n")
	for _, t := range r.Tests {
		failures := t.Failures()
		if t.Pair.Want == Pass && len(failures) == 0 {
			fmt.Fprintf(b, "| head against itself | all %d | | | pass | pass |\n", len(t.Rows))
			continue
		}
		rows := failures
		if t.Pair.Want != Pass {
			rows = t.Rows
		}
		for _, w := range rows {
			fmt.Fprintf(b, "| %s | %s | %s | %d | %s | %s |\n", cmp.Or(t.Fault, "head against itself"), w.Gate.Name(),
				change(math.Log(w.Gate.Ratio(w.Mean))), w.N, w.Verdict, t.Pair.Want)
		}
	}
	b.WriteString("\n")
}

// writeNotes says what a reader has to know of the run.
func (r *Result) writeNotes(b *strings.Builder) {
	for _, a := range r.Gate.Arms {
		if len(a.Dropped) > 0 {
			fmt.Fprintf(b, "%s does not know %s; head was given the baseline's value, which is what %s does.\n\n", a.Name, strings.Join(a.Dropped, ", "), a.Name)
		}
	}
	if r.Gate.Baseline != "" {
		b.WriteString("The baseline is a stored run: blocks are not of the same minutes, and whatever the machine did meanwhile is in the changes.\n\n")
	}
	for _, d := range r.Disturbed {
		fmt.Fprintf(b, "Others, or other machines on its hardware, used more than %s %% of the machine in %d of %d blocks of %s: their times are left out, their counts are not.\n\n",
			format.Number(100*maxOthers), d.Disturbed, d.Blocks, d.Load)
	}
	for _, t := range r.Voids {
		fmt.Fprintf(b, "Void: %s, block %d: %s\n\n", t.Cell, t.Block, t.Void)
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
