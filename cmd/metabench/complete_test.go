package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"metastorebench/harness/plan"

	"github.com/stretchr/testify/require"
)

// completed is what a shell offers for a command line, of which the last word is the
// one that is being typed: cobra leaves it to the shell to drop what does not fit.
func completed(t *testing.T, words ...string) (offered []string, directive string) {
	t.Helper()
	out, _, err := metabench(append([]string{"__complete"}, words...)...)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	directive = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		word, _, _ := strings.Cut(line, "\t")
		if directive == extensions || strings.HasPrefix(word, words[len(words)-1]) {
			offered = append(offered, word)
		}
	}
	return offered, directive
}

// Directives of cobra's, as it prints them.
const (
	noSpaceNoFiles = ":6"
	noFiles        = ":4"
	files          = ":0"
	extensions     = ":8"
	folders        = ":16"
)

func TestCompletion(t *testing.T) {
	store := filepath.Join(t.TempDir(), "metastore")
	const axes = `[{"axis":"propose","values":[{"name":"perop","available":true},{"name":"batch","available":true}]},
		{"axis":"engine","values":[{"name":"memory","available":true},{"name":"pebble","available":true}]}]`
	require.NoError(t, os.WriteFile(store, []byte("#!/bin/sh\ncat <<'END'\n"+axes+"\nEND\n"), 0o755))
	for _, c := range []struct {
		line      string // "^" stands for the empty word
		want      []string
		directive string
	}{
		{"run phas", []string{"phase1", "phase2", "phase3"}, files},
		{"run ./mine", []string{"yaml"}, extensions},
		{"run phase1 ^", nil, noFiles},
		{"run phase1 --level ^", []string{"smoke", "default", "full"}, noFiles},
		{"run phase1 --only gr", []string{"group="}, noSpaceNoFiles},
		{"run phase1 --only engine=me", []string{"engine=memory"}, noFiles},
		{"run phase1 --only codec=", []string{"codec=json", "codec=protobuf"}, noFiles},
		{"run nothing --only eng", nil, noSpaceNoFiles},
		{"run --resume ^", nil, folders},
		{"plans sweep-c", []string{"sweep-clients"}, files},
		{"gate --plan pha", []string{"phase1", "phase2", "phase3"}, files},
		{"pack ^", nil, folders},
		{"capacity --slo p9", []string{"p90=", "p99=", "p99.9="}, noSpaceNoFiles},
		{"capacity --variant b", []string{"baseline", "batch"}, noSpaceNoFiles},
		{"capacity --metastore STORE --variant mine:pro", []string{"mine:propose="}, noSpaceNoFiles},
		{"capacity --metastore STORE --variant mine:propose=batch,engine=p", []string{"mine:propose=batch,engine=pebble"}, noSpaceNoFiles},
		{"capacity --metastore STORE --engine ^", []string{"memory", "pebble"}, noFiles},
		{"version --format ^", []string{"text", "json"}, noFiles},
		{"help read", []string{"reading-a-report"}, noFiles},
	} {
		words := strings.Fields(c.line)
		for i, w := range words {
			words[i] = strings.NewReplacer("^", "", "STORE", store).Replace(w)
		}
		got, directive := completed(t, words...)
		require.Equal(t, c.want, got, c.line)
		require.Equal(t, c.directive, directive, c.line)
	}
}

func TestTopics(t *testing.T) {
	overview, _, err := metabench("help")
	require.NoError(t, err)
	for _, s := range []string{"completion", "reading-a-report", "version"} {
		require.Contains(t, overview, s)
	}
	for name, want := range map[string]string{
		"plans": "metabench run linger.yaml --list", "claims": "min: 1.2", "durability": "unsafe", "reading-a-report": "unresolved",
	} {
		out, _, err := metabench("help", name)
		require.NoError(t, err)
		require.Contains(t, out, want)
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, len(line), 100, "%s: %s", name, line)
		}
	}
	t.Setenv("COLUMNS", "90")
	out, _, err := metabench("help", "metrics")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^throughput +ops/s +higher +noisy, op `, out)
	for line := range strings.Lines(out) {
		require.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 90, line)
	}
}

// TestTheTopicsPlanIsOne: what the pages about plans and claims show is a plan.
func TestTheTopicsPlanIsOne(t *testing.T) {
	yaml := ""
	for name, first := range map[string]string{"plans": "  name: linger\n", "claims": "  claims:\n"} {
		_, page := topic(name)
		_, rest, found := strings.Cut(page, first)
		require.True(t, found, name)
		example, _, _ := strings.Cut(rest, "\n\n")
		for line := range strings.Lines(first + example + "\n") {
			yaml += strings.TrimPrefix(line, "  ")
		}
	}
	p, err := plan.Parse("topics.yaml", []byte(yaml), nil)
	require.NoError(t, err, yaml)
	require.Equal(t, "linger", p.Name)
}

func TestVersion(t *testing.T) {
	out, _, err := metabench("version")
	require.NoError(t, err)
	require.Regexp(t, `metabench of commit \w+.*\nbuilt by go1\..* SHA-256 [0-9a-f]{12}\nrecords: schema \d+\.\d+\nresults.json: schema metabench-results/\d`, out)
	out, _, err = metabench("version", "--format", "json")
	require.NoError(t, err)
	require.Contains(t, out, `"records_schema": "1.`)
}
