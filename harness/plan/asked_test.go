package plan

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// small is a plan of two cells, with more of what it asks.
func small(more string) []byte {
	return []byte(`
name: small
title: two indexes
baseline: {index: hash, engine: memory, disk: native}
workloads:
  put5: {type: put, clients: 5, key_bytes: 8, value_bytes: 64, keys: 100}
groups:
  - {name: g, designs: [fixed], vary: {index: [hash, btree]}, workloads: [put5]}
levels:
  default: {blocks: 6, warmup: 1s, measure: 1s}
` + more)
}

// manifest is that of a run of a plan.
func manifest(t *testing.T, p *Plan) record.Manifest {
	m, err := p.Expand("")
	require.NoError(t, err)
	return record.Manifest{Plan: p.Name, PlanYAML: string(p.Text), ClaimsYAML: string(p.ClaimsText()), Cells: m.Cells()}
}

func viewIDs(a Asked) []string { return mapSlice(a.Views, func(v View) string { return v.ID }) }

func claimIDs(a Asked) []string { return mapSlice(a.Claims, func(c Claim) string { return c.ID }) }

func TestAskedOfAPlan(t *testing.T) {
	p, err := Parse("small.yaml", small(`
rungs:
  - {name: low, where: {index: hash}}
  - {name: high, where: {index: [btree, "!hash"]}}
report:
  - {kind: grid, title: a grid, rows: disk, columns: clients, ratios: [p99], where: {index: btree}, against: {index: hash}, same: [workload]}
  - {kind: cells, title: cells, metrics: throughput, figures: [{kind: lines, metric: p99, ratio: true, x: clients, lines: index, per: [disk], log: true}]}
  - {kind: cells, title: more, metrics: [p50, p99], ops: put, rows: [rung]}
claims:
  - id: a
    title: shared by goals
    metric: p99
    op: put
    same: [workload]
    where: {rung: high, ops: put}
    against: {rung: low}
    goals:
      - {name: most, max: 1.05}
      - {name: least, rule: reach, min: 0.5, where: {clients: "5"}}
`), catalog(t))
	require.NoError(t, err)
	a := p.Asked()
	require.Equal(t, "two indexes", a.Title)
	require.Equal(t, []string{"index", "engine", "disk"}, a.Axes)
	require.Equal(t, "hash", a.Baseline["index"])
	require.Equal(t, []string{"grid", "cells", "cells-2"}, viewIDs(a))
	require.Equal(t, View{
		Kind: "grid", ID: "grid", Title: "a grid", Rows: []string{"disk"}, Columns: "clients", Ratios: []string{"p99"},
		Where: Selector{"index": {"btree"}}, Against: Selector{"index": {"hash"}}, Same: []string{"workload"}, Line: 16,
	}, a.Views[0])
	require.Equal(t, FigureSpec{Kind: "lines", Metric: "p99", Ratio: true, X: "clients", Lines: []string{"index"}, Per: []string{"disk"}, Log: true, Line: 17}, a.Views[1].Figures[0])
	most, least := a.Claims[0].Goals[0], a.Claims[0].Goals[1]
	require.Equal(t, RuleEffect, most.Rule)
	require.Equal(t, Selector{"rung": {"high"}, "ops": {"put"}}, most.Where)
	require.Equal(t, Selector{"rung": {"high"}, "ops": {"put"}, "clients": {"5"}}, least.Where, "a goal adds to what all share")
	require.Equal(t, []any{RuleReach, "p99", Selector{"rung": {"low"}}}, []any{least.Rule, least.Metric, least.Against})
	require.Nil(t, most.Min)
	require.InDelta(t, 1.05, most.Range().Max, 0)

	again, err := AskedOf(manifest(t, p))
	require.NoError(t, err)
	require.Equal(t, a, again, "records alone remake it")
}

// TestClaimsOfAFile: the path starts from the plan's file, and a run keeps the text.
func TestClaimsOfAFile(t *testing.T) {
	dir := t.TempDir()
	claims := filepath.Join(dir, "mine.yaml")
	require.NoError(t, os.WriteFile(claims, []byte(`- {id: mine, title: a hunch, metric: throughput, min: 1.5, where: {index: btree}, against: {index: hash}}`), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "small.yaml"), small("claims: mine.yaml\n"), 0o644))
	p, err := Load(filepath.Join(dir, "small.yaml"), catalog(t))
	require.NoError(t, err)
	require.Equal(t, []string{"mine"}, claimIDs(p.Asked()))
	require.Equal(t, []string{"ledger", "cells", "bounds"}, viewIDs(p.Asked()))

	require.NoError(t, os.Remove(claims))
	m := manifest(t, p)
	a, err := AskedOf(m)
	require.NoError(t, err)
	require.Equal(t, p.Asked(), a)
	resumed, err := ParseRecorded(m, catalog(t))
	require.NoError(t, err)
	require.Equal(t, p.Asked(), resumed.Asked())

	_, err = Load(filepath.Join(dir, "small.yaml"), catalog(t))
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "mine.yaml: no such file")
	_, err = Parse("small.yaml", small("claims: metastore\n"), catalog(t))
	require.ErrorContains(t, err, "small.yaml:11: claims: none of metastore is from plan small")
	_, err = Parse("small.yaml", small("claims: "+dir+"/\n"), catalog(t))
	require.ErrorContains(t, err, "is no file of up to")
}

// TestDefaultQuestions: what is compared is the baseline of the items, or the plan's
// own values of what cells vary.
func TestDefaultQuestions(t *testing.T) {
	against := func(text []byte) Selector {
		p, err := Parse("p.yaml", text, catalog(t))
		require.NoError(t, err)
		a := p.Asked()
		require.Equal(t, []string{"cells", "bounds"}, viewIDs(a))
		again, err := AskedOf(manifest(t, p))
		require.NoError(t, err)
		require.Equal(t, a, again)
		return a.Views[0].Against
	}
	with := func(old, new string) []byte { return []byte(strings.Replace(string(small("")), old, new, 1)) }
	require.Equal(t, Selector{"index": {"hash"}}, against(small("")))
	require.Equal(t, Selector{"items": {"none"}}, against(append(small(""), "factors: [{id: F1, axis: index, value: btree}]\n"...)))
	require.Equal(t, Selector{"index": {"hash"}}, against(with("[hash, btree]}", "[hash, btree], disk: [native, plan]}")), "each disk by itself")
	require.Equal(t, Selector{"disk": {"native"}}, against(with("index: [hash, btree]", "disk: [native, plan]")))
	require.Nil(t, against(with("[hash, btree]", "[btree, ranked]")), "no cell has the baseline's value")
}

// TestAskedOfOlderRecords: their plans ask nothing, and neither has a study of capacity
// a plan.
func TestAskedOfOlderRecords(t *testing.T) {
	for _, name := range Names() {
		p, err := Load(name, nil)
		require.NoError(t, err)
		require.NotEmpty(t, p.asked.Views, "%s asks nothing", name)
		before, _, _ := strings.Cut(string(p.Text), "\nreport:")
		before, _, _ = strings.Cut(before, "\nrungs:")
		before, _, _ = strings.Cut(before, "\nclaims:")
		a, err := AskedOf(record.Manifest{Plan: name, PlanYAML: before})
		require.NoError(t, err)
		require.Equal(t, p.Asked(), a, name)
	}
	a, err := AskedOf(record.Manifest{Plan: "capacity", PlanYAML: `{"objectives": [], "seed": 1}`})
	require.NoError(t, err)
	require.Equal(t, "capacity", a.Views[0].Kind)
	require.NotEmpty(t, a.Title)
	a, err = AskedOf(record.Manifest{Minor: minorAsked, Plan: "phase1", PlanYAML: "title: mine\nbaseline: {engine: memory}\n"})
	require.NoError(t, err)
	require.Equal(t, "mine", a.Title)
	require.Empty(t, a.Claims, "a plan of a user's own has no questions of a built-in one, whatever its name")

	_, err = AskedOf(record.Manifest{Plan: "x", PlanYAML: "report: [{kind: pie, title: t}]"})
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "manifest.json (plan_yaml):1: unknown kind")
	_, err = AskedOf(record.Manifest{Plan: "x", PlanYAML: "a: ["})
	require.ErrorIs(t, err, ErrInvalid)
	a, err = AskedOf(record.Manifest{Plan: "x"})
	require.NoError(t, err)
	require.Equal(t, []string{"cells", "bounds"}, viewIDs(a))
}

// TestReferenceRunsAreAsked reads the manifests of the committed runs.
func TestReferenceRunsAreAsked(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "results", "reference", "*", record.ManifestFile))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		m, err := record.ReadManifest(filepath.Dir(file))
		require.NoError(t, err)
		a, err := AskedOf(m)
		require.NoError(t, err, file)
		require.NotEmpty(t, a.Views, file)
	}
}

// TestMetastoreClaims: every claim is from plans that have cells for it (Load checks
// that), and no goal is without one.
func TestMetastoreClaims(t *testing.T) {
	goals := map[string]bool{}
	var asked []string
	for _, name := range Names() {
		p, err := Load(name, catalog(t))
		require.NoError(t, err)
		if p.claimsFrom.name != "metastore" {
			continue
		}
		s, err := p.sites(p.largest())
		require.NoError(t, err)
		asked = append(asked, claimIDs(p.Asked())...)
		for _, c := range p.Asked().Claims {
			for _, g := range c.Goals {
				key := fmt.Sprintf("%s.%s", c.ID, g.Name)
				goals[key] = goals[key] || len(s.selected(g.Where)) > 0
			}
		}
	}
	for key, found := range goals {
		require.True(t, found, key)
	}
	slices.Sort(asked)
	require.Len(t, slices.Compact(asked), 29)
}

func TestHasItems(t *testing.T) {
	all := []string{"A", "B", "C"}
	for text, on := range map[string][]string{
		ItemsNone: nil, ItemsAll: all, "A": {"A"}, "A+C": {"A", "C"}, "C+A": {"A", "C"}, "all but B": {"A", "C"}, "all but A+B": {"C"},
	} {
		require.True(t, HasItems(text, on, all), text)
		require.False(t, HasItems(text, []string{"B"}, all), text)
		require.False(t, HasItems("D", on, all))
		require.False(t, HasItems("all but D", on, all))
	}
}

func TestSelectorMatches(t *testing.T) {
	cell := map[string]string{"disk": "plan", "wal": "group"}
	has := func(property, value string) bool { return cell[property] == value }
	for _, s := range []Selector{nil, {"disk": {"native", "plan"}}, {"disk": {"!native"}}, {"disk": {"plan", "!native"}, "wal": {"!async", "!perready"}}} {
		require.True(t, s.Matches(has), "%v", s)
	}
	for _, s := range []Selector{{"disk": {"native"}}, {"disk": {"!plan"}}, {"disk": {"plan", "!plan"}}, {"disk": {"plan"}, "wal": {"async"}}, {"index": {"hash"}}} {
		require.False(t, s.Matches(has), "%v", s)
	}
	require.Equal(t, []string{"disk", "wal"}, Selector{"wal": nil, "disk": nil}.Names())
}

// TestLevelThatARunTakes: default, or the only one.
func TestLevelThatARunTakes(t *testing.T) {
	level := func(levels string) (string, error) {
		text, _, _ := strings.Cut(string(small("")), "levels:")
		p, err := Parse("p.yaml", []byte(text+"levels:\n"+levels), catalog(t))
		require.NoError(t, err)
		m, err := p.Expand("")
		if err != nil {
			return "", err
		}
		return m.Level, nil
	}
	const effort = ": {blocks: 6, warmup: 1s, measure: 1s}\n"
	for levels, want := range map[string]string{"  full" + effort: "full", "  smoke" + effort + "  default" + effort: "default"} {
		got, err := level(levels)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := level("  smoke" + effort + "  full" + effort)
	require.ErrorIs(t, err, ErrUnknownLevel)
	require.ErrorContains(t, err, "accepted: smoke, full")
}

func TestPlansThatAreNotThere(t *testing.T) {
	for name, want := range map[string]string{
		"nope.yaml":      "no such file: nope.yaml",
		"no/such/plan":   "no such file: no/such/plan",
		"phase1.yml":     "no such file: phase1.yml; did you mean the built-in phase1?",
		"phase11":        `unknown plan "phase11"; did you mean phase1? built in are aa, `,
		"something-else": `unknown plan "something-else"; built in are aa, `,
	} {
		_, err := Load(name, nil)
		require.ErrorContains(t, err, want)
		require.Equal(t, isPath(name), errors.Is(err, ErrNoFile), name)
	}
}

func TestFilterKeys(t *testing.T) {
	m := expand(t, "phase1", "default")
	for term, want := range map[string]string{
		"enigne=memory": `--only "enigne=memory": unknown key "enigne"; did you mean engine? accepted: apply, codec, disk, engine, group, `,
		"colour=red":    `unknown key "colour"; accepted: `,
	} {
		_, err := m.Filter([]string{term})
		require.ErrorIs(t, err, ErrUnknownKey)
		require.ErrorContains(t, err, want)
	}
	for _, term := range []string{"propose=batch,codec=json", "ropose=batch", "*=batch*"} {
		_, err := m.Filter([]string{term})
		require.NoError(t, err, "%s is part of an id", term)
	}
}

func TestKindsAreSorted(t *testing.T) {
	require.Equal(t, slices.Sorted(maps.Keys(viewNeeds)), ViewKinds())
	require.Contains(t, ClaimsNames(), "metastore")
}
