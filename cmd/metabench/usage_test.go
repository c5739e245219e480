package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// TestMisuse: a mistake of the command line says what is wrong, what was probably meant
// or is accepted, and has a status of its own.
func TestMisuse(t *testing.T) {
	for line, want := range map[string]string{
		"trnd":                                   `unknown command "trnd"; did you mean trend?`,
		"variants":                               "unknown command \"variants\"; `metabench --help` lists the commands",
		"help trnd":                              `help: unknown topic "trnd"; did you mean trend?`,
		"help nothing":                           `help: unknown topic "nothing"; accepted: capacity, ceilings, claims, `,
		"capacity --varient full":                "capacity: unknown flag --varient; did you mean --variant?",
		"capacity --vari full":                   "capacity: unknown flag --vari; did you mean --variant?",
		"run nope.yaml --list":                   "no such file: nope.yaml",
		"run phase11 --list":                     `unknown plan "phase11"; did you mean phase1?`,
		"run phase1 --list --only enigne=memory": `--only "enigne=memory": unknown key "enigne"; did you mean engine?`,
		"run phase1 --levle smoke":               "run: unknown flag --levle; did you mean --level?",
		"run phase1 --turbo":                     "run: unknown flag --turbo; `metabench run --help` lists the flags",
		"run phase1 --seed minus":                `run: --seed is "minus"; accepted: a whole number, 0 or more`,
		"gate --budget fast":                     `gate: --budget is "fast"; accepted: a duration such as 500ms, 2s or 1m30s`,
		"capacity":                               "capacity: --slo PERCENTILE=DURATION is missing; for example:\n  metabench capacity --slo p99=5ms",
		"gate":                                   "is missing; for example:\n  metabench gate --base HEAD~1",
		"pack":                                   "pack: DIR is missing; for example:\n  metabench pack results/reference/phase1",
		"pack a b":                               `pack: "b" is an argument too many; usage: metabench pack DIR`,
		"version now":                            `version: "now" is an argument too many; usage: metabench version`,
		"version --format markdown":              `version: --format is "markdown"; accepted: text, json`,
		"--turbo":                                "unknown flag --turbo",
	} {
		_, _, err := metabench(strings.Fields(line)...)
		require.ErrorContains(t, err, want, line)
		require.Equal(t, statusMisuse, exitStatus(err), line)
	}
}

// TestRunOfAStoreThatIsNotThere ends before anything is made.
func TestRunOfAStoreThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	_, _, err := metabench("run", filepath.Join("testdata", "external.yaml"), "--out", out, "--metastore", filepath.Join(dir, "none"))
	require.ErrorContains(t, err, "nothing can run here of plan external, cells: 1: no endpoint of the external store was given; name it with --external HOST:PORT")
	require.Equal(t, statusMisuse, exitStatus(err))
	require.NoDirExists(t, out)
}

// TestUseLines: positional reads arguments out of every command's Use line.
func TestUseLines(t *testing.T) {
	for _, c := range newRoot().Commands() {
		for _, word := range strings.Fields(c.Use)[1:] {
			require.Regexp(t, `^\[?[A-Z]+(\.\.\.)?\]?$`, word, c.Use)
		}
		if c.Runnable() {
			require.NotEmpty(t, c.Example, "the example of %s is what a mistake is answered with", c.Name())
		}
	}
	several := &cobra.Command{Use: "report DIR..."}
	require.ErrorContains(t, positional(several, nil), "report: DIR is missing")
	require.NoError(t, positional(several, []string{"a", "b", "c"}))
	optional := &cobra.Command{Use: "plans [PLAN]"}
	require.NoError(t, positional(optional, nil))
	require.ErrorContains(t, positional(optional, []string{"a", "b"}), `"b" is an argument too many`)
}

// TestLevelOfAPlanWithOne: it need not be called default.
func TestLevelOfAPlanWithOne(t *testing.T) {
	plan := filepath.Join(t.TempDir(), "one.yaml")
	require.NoError(t, os.WriteFile(plan, []byte(`
name: one
title: one level
baseline: {rpc: default}
workloads:
  put5: {type: put, clients: 5, key_bytes: 8, value_bytes: 64, keys: 100}
groups:
  - {name: g, target: noop, designs: [fixed], workloads: [put5]}
levels:
  full: {blocks: 3, warmup: 100ms, measure: 100ms}
`), 0o644))
	f := &runFlags{}
	cmd := newRunCommand()
	require.NoError(t, f.complete(cmd, []string{plan}))
	require.Equal(t, "full", f.options.Level)
}
