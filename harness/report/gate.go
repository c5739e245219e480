package report

import (
	"errors"
	"fmt"
	"path/filepath"

	"metastorebench/harness/gate"
	"metastorebench/plots"
)

// SectionGate is the section about the regression gate itself: how often it errs,
// and what it finds. Its folder is a power study, which holds runs.
const SectionGate = "gate"

// gateSection reports a power study.
func gateSection(o Options) (content, error) {
	p, err := gate.ReadPower(o.RunDir)
	if err != nil {
		return content{}, fmt.Errorf("report: section %s: %w", o.Section, err)
	}
	rel, err := relative(o)
	if err != nil {
		return content{}, err
	}
	c := content{text: fmt.Sprintf("Made by `bin/metabench report %s --experiments %s --section %s`; do not edit between the markers.\n\n%s\n",
		rel, filepath.Base(o.ExperimentsPath), o.Section, p.Markdown())}
	figure, err := plots.GatePower(p)
	if errors.Is(err, plots.ErrNoData) {
		return c, nil
	}
	if err != nil {
		return content{}, fmt.Errorf("report: section %s: %w", o.Section, err)
	}
	c.figures = []*plots.Figure{figure}
	c.text += embed(rel, figure)
	return c, nil
}
