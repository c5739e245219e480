package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/stats/statstest"
)

func TestProse(t *testing.T) {
	for text, wrong := range map[string]string{
		"Batching makes 22 times": `"22"`,
		"a 3x gain":               `"3x"`,
		"{{fact \"r\" \"T1\"}} and `put50`, P1.2, M3, v3.7, p99.9, phases 1, 2 and 3, a 95 % interval": "",
		"## 3.1 Results":                        "",
		"1. first":                              "",
		"    make phase1":                       "",
		"[a link](results/phase1/report.md)":    "",
		"```\nmake 5\n```":                      "",
		"{{/* of 2026,\nnot a number */}} text": "",
		"see [9]":                               `"[9]"`,
	} {
		errs := checkProse("doc.md.tmpl", "\n"+text)
		if wrong == "" {
			require.Empty(t, errs, text)
			continue
		}
		require.Len(t, errs, 1, text)
		require.EqualError(t, errs[0], "doc.md.tmpl:2: "+wrong+" is typed by hand; accepted: a fact, such as {{fact RUN ADDRESS}}, or code between `backticks`")
	}
}

func TestExperiments(t *testing.T) {
	set := Set{"tiny": tiny()}
	const source = `{{fact "tiny" "X1"}}; {{value "tiny" "items/X1/shapley"}}; {{change "tiny" "X1" "different" "equivalent"}}; {{trials}} trials, {{voids}} void, {{(run "tiny").Blocks}} blocks
{{bounds "tiny"}} - {{bounds "tiny" "disk"}}
{{ledger "items"}}{{figure "tiny" "items-memory"}}
{{runs}}`
	got, err := set.Experiments("doc.md.tmpl", []byte(source), "results/reference")
	require.NoError(t, err)
	require.Equal(t, `2.00 [1.50, 2.50]; 2.00; +100 %; 1,812 trials, 1 void, 6 blocks
device 1, none of them used up 1 - plan: device 1, none of them used up 1
|claim|the plan says|measured|where|verdict|
|---|---|---|---|---|
|X1 Item one|1.5 to 2|2.00 [1.50, 2.50]|tiny: memory|confirmed|
![Items](results/reference/tiny/figures/items-memory.png)

*Each item.* ([SVG](results/reference/tiny/figures/items-memory.svg))
|run|what it asks|blocks|trials|begun|commit|
|---|---|---:|---:|---|---|
|[tiny](results/reference/tiny/report.md)|Tiny: one item|6|1,812|2026-01-02|0123456789ab|
`, string(got))
}

func TestExperimentsNamesAllThatIsWrong(t *testing.T) {
	const source = `One of 2.
{{fact "other" "X1"}}
{{fact "tiny" "X3"}} {{fact "tiny" "X2.b"}}
{{value "tiny" "items/X9/shapley"}} {{change "tiny" "items/X2/shapley"}}
{{figure "tiny" "none"}} {{bounds "tiny" "engine"}} {{(run "other").Blocks}} {{ledger "nothing"}}
{{fact "tiny" "X1" "unresolved"}}`
	_, err := Set{"tiny": tiny()}.Experiments("doc.md.tmpl", []byte(source), ".")
	require.Error(t, err)
	require.Equal(t, []string{
		"doc.md.tmpl:1: \"2.\" is typed by hand; accepted: a fact, such as {{fact RUN ADDRESS}}, or code between `backticks`",
		`doc.md.tmpl:2: no run "other"; there are: tiny`,
		`doc.md.tmpl:3: tiny: facts: no such fact: X3: no claim of that name; there are: "X1", "X2"; other facts are VIEW[.TABLE]/ROW/COLUMN`,
		"doc.md.tmpl:3: tiny: facts: no such fact: X2.b: no cell",
		`doc.md.tmpl:4: tiny: facts: no such fact: items/X9/shapley: no row "X9"; there are: "X1", "X2"`,
		`doc.md.tmpl:4: tiny: facts: no such fact: items/X2/shapley: it holds "n/a", which is no number`,
		`doc.md.tmpl:5: tiny: no figure "none"; there are: items-memory`,
		`doc.md.tmpl:5: tiny: no axis "engine"; there are: disk`,
		`doc.md.tmpl:5: no run "other"; there are: tiny`,
		"doc.md.tmpl:5: no run has a claim of topics nothing",
		"doc.md.tmpl:6: tiny: X1 is different, 2.00 [1.50, 2.50], and the prose says unresolved",
	}, strings.Split(err.Error(), "\n"))
}

// TestReference makes the reports of a folder of runs, and finds what is stale.
func TestReference(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "results", "reference")
	m, trials := statstest.AA(statstest.Config{Seed: 5, Blocks: 4, Level: "default", Samples: 20}, 1)
	write(t, filepath.Join(dir, "aa"), m, trials)
	r := Reference{Dir: dir, Template: filepath.Join(root, "doc.md.tmpl"), Document: filepath.Join(root, "doc.md")}
	require.NoError(t, os.WriteFile(r.Template, []byte("{{trials}} trials\n"), 0o644))
	require.NoError(t, r.Make())
	require.NoError(t, r.Check())
	text, err := os.ReadFile(r.Document)
	require.NoError(t, err)
	require.Equal(t, "16 trials\n", string(text))

	page := filepath.Join(dir, "aa", MarkdownFile)
	text, err = os.ReadFile(page)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(page, bytes.Replace(text, []byte("## What was run"), []byte("## What I ran"), 1), 0o644))
	extra := filepath.Join(dir, "aa", FiguresDir, "extra.png")
	require.NoError(t, os.MkdirAll(filepath.Dir(extra), 0o755))
	require.NoError(t, os.WriteFile(extra, nil, 0o644))
	require.NoError(t, os.WriteFile(r.Document, []byte("17 trials\n"), 0o644))
	err = r.Check()
	require.ErrorIs(t, err, ErrStale)
	require.ErrorContains(t, err, `have "## What I ran", the records make "## What was run"`)
	require.ErrorContains(t, err, "extra.png: no view makes it")
	require.ErrorContains(t, err, `doc.md:1: have "17 trials", the records make "16 trials"`)

	r.Dir = filepath.Join(root, "results", "none")
	require.ErrorIs(t, r.Check(), os.ErrNotExist)
	r.Dir = root
	require.ErrorContains(t, r.Make(), "has no folder with a manifest.json")
}
