package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"metastorebench/harness/infer"
)

// summary is what a terminal shows of the run; see Summarize.
func (b *builder) summary() (string, error) {
	_, ownQuestion := kinds[b.Run.Manifest.Plan]
	switch {
	case ownQuestion:
		return "", nil
	case b.Run.Manifest.Level == levelSmoke:
		return "A smoke run compares nothing: no attribution and no verdicts.\n", nil
	}
	attribution, err := b.attributionSummary()
	if err != nil {
		return "", err
	}
	ledger, err := b.ledgerSummary()
	return attribution + ledger, err
}

// attributionSummary has the attribution of throughput for each full factorial of
// one operation type.
func (b *builder) attributionSummary() (string, error) {
	var out strings.Builder
	for _, s := range b.study {
		if s.Op() == "" || !s.ClosedLoop() {
			continue
		}
		found, _, err := attribute(s, []response{speedOf(s.Op())})
		if err != nil {
			return "", fmt.Errorf("%s: %w", place(s), err)
		}
		if len(found) == 0 {
			continue
		}
		t := shares(s, found[0])
		t.caption = fmt.Sprintf("%s: %s throughput by item, closed loop, n=%d blocks, %s", place(s), s.Op(), found[0].Total.N, "=: equivalent, ? r: unresolved, this run had found r")
		out.WriteString(t.plain(b.Run.Questions, place(s)))
	}
	if out.Len() == 0 {
		return "", nil
	}
	return "ATTRIBUTION\n\n" + out.String(), nil
}

// ledgerSummary has the ledger's headlines: what was measured as a table, the
// rest as a list.
func (b *builder) ledgerSummary() (string, error) {
	rows, err := b.ledger()
	if err != nil {
		return "", err
	}
	t := table{
		caption: fmt.Sprintf("Each claim in the environment nearest to the plan's own; closed loop; value [95 %% interval] over n blocks.\nPlan %s, level %s; %s.", b.Run.Manifest.Plan, b.Run.Manifest.Level, runText(b)),
		head:    []column{text("claim"), text("verdict"), text("plan"), text("measured"), num("n"), text("environment"), text("quantity")},
	}
	count := map[infer.Verdict]int{}
	var missing []string
	for _, r := range rows {
		if !r.headline {
			continue
		}
		count[r.verdict]++
		if r.measured.N == 0 {
			missing = append(missing, fmt.Sprintf("  %-5s %s: %s", r.claim.ID, r.verdict, r.reason))
			continue
		}
		t.add(r.claim.ID, string(r.verdict), r.predicted, r.value(), r.n(), r.environment(), r.what)
	}
	out := "CLAIMS LEDGER\n\n" + t.plain(nil, "")
	if len(missing) > 0 {
		out += "Without a measurement:\n" + strings.Join(missing, "\n") + "\n\n"
	}
	return out + counts(count) + ".\n", nil
}

// plain is the table for a terminal: caption, columns without rules, notes.
func (t *table) plain(questions *infer.Questions, where string) string {
	if len(t.rows) == 0 {
		return ""
	}
	t.ask(questions, where)
	rows := t.texts()
	names, width := t.columns(rows)
	var b strings.Builder
	b.WriteString(t.caption + "\n\n")
	for _, cells := range append([][]string{names}, rows...) {
		var line strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if t.head[i].text {
				line.WriteString("  " + c + pad)
			} else {
				line.WriteString("  " + pad + c)
			}
		}
		b.WriteString(strings.TrimRight(strings.ReplaceAll(line.String(), `\|`, "|"), " ") + "\n")
	}
	b.WriteByte('\n')
	t.footnotes(&b)
	return b.String()
}
