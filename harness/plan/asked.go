package plan

import (
	"cmp"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"metastorebench/harness/record"
)

//go:embed claims/*.yaml reports/*.yaml
var builtinAsked embed.FS

// recordedPlan names in messages the plan that a manifest keeps.
const recordedPlan = record.ManifestFile + " (plan_yaml)"

// maxClaimsBytes bounds a file of claims, which is read before anything says what it is.
const maxClaimsBytes = 1 << 20

// claimsFile is where a plan's claims come from, if they are not in the plan.
type claimsFile struct {
	name string // as the plan has it; "" for none
	line int
	text []byte // what was read
}

// ClaimsText is the text of the file of claims that the plan names, nil if it names
// none. It belongs to the records of a run, from which the report is made again.
func (p *Plan) ClaimsText() []byte { return p.claimsFrom.text }

// Asked is what the plan asks of its records. A plan without `report:` asks for what is
// useful of any: see defaultViews.
func (p *Plan) Asked() Asked {
	a := p.asked
	a.Title = p.Title
	for _, s := range p.baseline {
		a.Axes = append(a.Axes, s.axis)
	}
	a.Baseline = toPoint(p.baseline)
	a.Claims = claimsOf(p.Name, a)
	if len(a.Views) == 0 {
		var cells []record.Cell
		if m := p.largest(); m != nil {
			cells = m.Cells()
		}
		a.Views = defaultViews(a, len(p.factors) > 0, cells)
	}
	return a
}

// claimsOf are the claims that runs of a plan bear on. Those that several plans share
// have goals about rungs of others, which are left out.
func claimsOf(plan string, a Asked) []Claim {
	unknown := func(s Selector) bool {
		rungs, named := s[PropRung]
		return named && !slices.ContainsFunc(a.Rungs, func(r Rung) bool { return matchesAny(rungs, func(v string) bool { return v == r.Name }) })
	}
	elsewhere := func(g ClaimGoal) bool { return unknown(g.Where) || g.Rule == RuleEffect && unknown(g.Against) }
	var all []Claim
	for _, c := range a.Claims {
		if len(c.From) > 0 {
			c.Goals = slices.DeleteFunc(slices.Clone(c.Goals), elsewhere)
		}
		if bears(c.From, plan) && len(c.Goals) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// bears reports whether runs of a plan bear on a claim that is from these plans.
func bears(from []string, plan string) bool { return len(from) == 0 || slices.Contains(from, plan) }

// AskedOf is what is asked of a run's records: what the manifest's copy of the plan
// asks; of records from before plans asked, and of commands that have no plan, what the
// built-in plan or report of the same name does; and otherwise what Asked says of a plan
// that asks nothing. Errors: those of Parse, for what the records hold is no plan.
func AskedOf(m record.Manifest) (Asked, error) {
	p, err := parseAsked(m.Plan, []byte(m.PlanYAML), &faults{file: recordedPlan, claims: recordedClaims(m)})
	if err != nil {
		return Asked{}, err
	}
	asks := len(p.asked.Views) > 0
	text, name, known := builtinText(m)
	if !asks && known {
		b, err := parseAsked(m.Plan, text, &faults{file: name, claims: readClaimsFile})
		if err != nil {
			return Asked{}, err
		}
		p.Title = cmp.Or(p.Title, b.Title)
		p.asked.Views = b.asked.Views
		if len(p.asked.Rungs) == 0 {
			p.asked.Rungs = b.asked.Rungs
		}
		if len(p.asked.Claims) == 0 {
			p.asked.Claims = b.asked.Claims
		}
	}
	a := p.Asked()
	if len(p.asked.Views) == 0 {
		a.Views = defaultViews(a, len(p.factors) > 0, m.Cells)
	}
	return a, nil
}

// minorAsked is the minor version of records since which a plan asks for itself. A plan
// of a later run is the user's own, whatever its name.
const minorAsked = 2

// builtinText is the text that asks for a run whose own plan does not: the built-in
// report of the command that made it or, of records from before plans asked, the
// built-in plan of the same name.
func builtinText(m record.Manifest) (text []byte, file string, ok bool) {
	file = m.Plan + ".yaml"
	if text, err := builtinAsked.ReadFile("reports/" + file); err == nil {
		return text, file, true
	}
	if m.Minor >= minorAsked {
		return nil, "", false
	}
	text, err := builtin.ReadFile("plans/" + file)
	return text, file, err == nil
}

// parseAsked reads of a plan what it asks, and no more: records may be of a plan that
// this program would not run.
func parseAsked(name string, text []byte, f *faults) (*Plan, error) {
	root, err := f.document(text)
	if err != nil || root == nil {
		return &Plan{Name: name}, err
	}
	p := &Plan{Name: name, Text: text}
	fields := append(p.askedFields(f),
		field{"title", false, f.text("title", &p.Title)},
		field{"baseline", false, f.settings("baseline", &p.baseline)},
		field{"factors", false, func(n *yaml.Node) { p.readFactors(f, n) }})
	for key, value := range f.pairs(root, "the plan") {
		if i := slices.IndexFunc(fields, func(fd field) bool { return fd.key == key.Value }); i >= 0 {
			fields[i].read(value)
		}
	}
	p.checkAsked(f)
	return p, f.err()
}

// claimsReader returns the text of the file of claims that a plan names, and what to
// call it in messages.
type claimsReader func(plan, name string) (text []byte, file string, err error)

// readClaimsFile reads a built-in file of claims by its name, any other from beside the
// plan that names it.
func readClaimsFile(plan, name string) ([]byte, string, error) {
	if !isPath(name) {
		file := "claims/" + name + ".yaml"
		text, err := builtinAsked.ReadFile(file)
		if err != nil {
			return nil, "", fmt.Errorf("unknown claims %q; accepted: %s, the path of a YAML file, or a list", name, strings.Join(ClaimsNames(), ", "))
		}
		return text, file, nil
	}
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(plan), name)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("claims: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxClaimsBytes:
		return nil, "", fmt.Errorf("claims: %s is no file of up to %d bytes", file, maxClaimsBytes)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("claims: %w", err)
	}
	return text, file, nil
}

// recordedClaims gives the claims that a run kept; a run from before they were kept
// has none but built-in ones.
func recordedClaims(m record.Manifest) claimsReader {
	return func(plan, name string) ([]byte, string, error) {
		if m.ClaimsYAML == "" {
			return readClaimsFile(plan, name)
		}
		return []byte(m.ClaimsYAML), record.ManifestFile + " (claims_yaml)", nil
	}
}

// ClaimsNames returns the built-in files of claims.
func ClaimsNames() []string {
	files, err := builtinAsked.ReadDir("claims")
	if err != nil {
		panic(fmt.Sprintf("plan: the folder of claims is embedded: %v", err))
	}
	return mapSlice(files, func(f os.DirEntry) string { return strings.TrimSuffix(f.Name(), ".yaml") })
}

// defaultViews asks of any plan how fast its cells are, against the baseline, and what
// bounded them; and for verdicts, if it has claims.
func defaultViews(a Asked, items bool, cells []record.Cell) []View {
	v := View{Kind: "cells", ID: "cells", Title: "Throughput, latency and cost",
		Metrics: []string{"throughput", "p50", "p99", "store_cpu"},
		Figures: []FigureSpec{{Kind: FigureBars, Metric: "throughput"}}}
	if v.Against = defaultAgainst(a, items, cells); v.Against != nil {
		v.Ratios = []string{"throughput", "p99"}
		v.Doc = "How fast each cell is, and what that is beside the plan's baseline."
	}
	views := []View{v, {Kind: "bounds", ID: "bounds", Title: "What bounded each cell"}}
	if len(a.Claims) > 0 {
		views = slices.Insert(views, 0, View{Kind: "ledger", ID: "ledger", Title: "Claims"})
	}
	return views
}

// defaultAgainst selects the baseline among cells: that of the items, or the one with
// the plan's own values on all axes that the cells vary, where a cell has them. The
// environment is compared if nothing else is. It is nil if nothing can be compared.
func defaultAgainst(a Asked, items bool, cells []record.Cell) Selector {
	if items {
		return Selector{PropItems: {ItemsNone}}
	}
	options, environment := Selector{}, Selector{}
	for _, axis := range a.Axes {
		base, values := false, map[string]bool{}
		for _, c := range cells {
			if v, ok := c.Options[axis]; ok {
				values[v] = true
				base = base || v == a.Baseline[axis]
			}
		}
		switch {
		case !base || len(values) < 2:
		case slices.Contains(prefixAxes, axis):
			environment[axis] = []string{a.Baseline[axis]}
		default:
			options[axis] = []string{a.Baseline[axis]}
		}
	}
	switch {
	case len(options) > 0:
		return options
	case len(environment) > 0:
		return environment
	}
	return nil
}
