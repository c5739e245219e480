package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
)

// SectionLedger is the section that takes every claim from the run that is about it.
// Its folder has a run's folder for each of the plans, under their names.
const SectionLedger = "ledger"

// sources are the plans whose runs a claim is taken from, the first that measured it.
func sources(c claims.Claim) []string {
	switch {
	case c.Kind == claims.KindItem:
		return []string{fmt.Sprint("phase", c.Phase)}
	case c.Kind == claims.KindLayer:
		return []string{"phase1"}
	case c.ID == claimAsync:
		return []string{"phase2", planLadder}
	}
	return []string{planLadder, "phase3", "phase2", "phase1"}
}

// overall holds the reports of the runs that are there, by plan.
type overall map[string]*builder

// readOverall reads the runs of the folder dir that the ledger asks for; those that
// are not there are left out. Smoke runs compare nothing.
func readOverall(dir string) (overall, error) {
	runs := overall{}
	for _, name := range []string{"phase1", "phase2", "phase3", planLadder} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(filepath.Join(path, record.ManifestFile)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		run, err := read(path)
		if err != nil {
			return nil, err
		}
		if run.Manifest.Level == levelSmoke {
			return nil, fmt.Errorf("report: %s is a smoke run, which compares nothing; accepted: levels default and full", path)
		}
		if runs[name], err = newBuilder(Input{Run: run, RunPath: name}); err != nil {
			return nil, fmt.Errorf("report: %s: %w", path, err)
		}
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("report: section %s: %w: no run in %s; accepted: a folder with runs named phase1, phase2, phase3 or %s", SectionLedger, fs.ErrNotExist, dir, planLadder)
	}
	return runs, nil
}

// headlines are the rows of a claim in the first of its sources that measured it,
// with that run's builder; without any, the reason that the first one gives.
func (runs overall) headlines(c claims.Claim) ([]ledgerRow, []ledgerRow, *builder, error) {
	absent := ledgerRow{claim: c, what: c.Title, predicted: c.Predicted, verdict: infer.NotYet, headline: true,
		reason: "there is no run of " + strings.Join(sources(c), " or ")}
	for _, name := range sources(c) {
		b := runs[name]
		if b == nil {
			continue
		}
		rows, err := b.ledger()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		var found, heads []ledgerRow
		for _, r := range rows {
			if r.claim.ID != c.ID {
				continue
			}
			found = append(found, r)
			if r.headline && r.place != nil {
				heads = append(heads, r)
			} else if r.headline {
				absent.verdict, absent.reason = r.verdict, r.reason
			}
		}
		if len(heads) > 0 {
			return heads, found, b, nil
		}
	}
	return []ledgerRow{absent}, nil, nil, nil
}

// overallSection makes the section from the runs in o's folder.
func overallSection(o Options) (content, error) {
	rel, err := relative(o)
	if err != nil {
		return content{}, err
	}
	runs, err := readOverall(o.RunDir)
	if err != nil {
		return content{}, err
	}
	t := table{
		caption: "Every claim of the plan, from the run that is about it: items from their phase's, shares of a write from phase 1's, targets and phases from the ladder's. Each in the environment nearest to the plan's own; the other environments are counted in the last column and listed in the run's own section. Rule, intervals and words are those of the ledgers there. Nothing is averaged over environments or runs.",
		head:    []column{text("claim"), text("what the plan says"), text("quantity"), text("plan"), text("measured"), num("n"), text("run"), text("environment"), text("verdict"), text("why"), text("elsewhere")},
	}
	count := map[infer.Verdict]int{}
	for _, c := range claims.All() {
		heads, all, b, err := runs.headlines(c)
		if err != nil {
			return content{}, fmt.Errorf("claim %s: %w", c.ID, err)
		}
		for _, r := range heads {
			run := none
			if b != nil {
				run = b.RunPath + ", " + b.Run.Manifest.Level
			}
			count[r.verdict]++
			t.add(c.ID, c.Title+": "+c.Predicted, r.what, r.predicted, r.value(), r.n(), run, r.environment(), string(r.verdict), r.reason, tally(all, r))
		}
	}
	text := fmt.Sprintf("Made by `bin/metabench report %s --experiments %s --section %s`; do not edit between the markers.\n\n%s\n%s.\n",
		rel, filepath.Base(o.ExperimentsPath), o.Section, t.markdown(nil, ""), counts(count))
	return content{text: text}, nil
}
