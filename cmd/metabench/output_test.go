package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/format"
	"metastorebench/harness/plan"
)

func TestFormats(t *testing.T) {
	list := []string{"run", "phase1", "--list", "--level", "smoke", "--metastore", "none", "--only", "engine=memory", "--only", "workload=put50"}
	for _, command := range [][]string{{"plans"}, list} {
		out := make(map[string]string)
		for _, f := range format.Formats() {
			text, _, err := metabench(append(command, "--format", f)...)
			require.NoError(t, err)
			out[f] = text
		}
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(out[format.JSON]), &rows))
		lines, err := csv.NewReader(strings.NewReader(out[format.CSV])).ReadAll()
		require.NoError(t, err)
		require.Len(t, lines, len(rows)+1)
		require.True(t, strings.HasPrefix(out[format.Markdown], "|"+lines[0][0]+"|"), out[format.Markdown])
	}
	out, _, err := metabench(append(list, "--format", "json")...)
	require.NoError(t, err)
	require.Contains(t, out, `"cell": "memory/put50/propose=perop`)
	_, _, err = metabench("plans", "--format", "yaml")
	require.ErrorContains(t, err, `plans: --format is "yaml"; accepted: text, json, csv, markdown`)
}

// TestTablesFitTheTerminal: names stay, what is long is cut.
func TestTablesFitTheTerminal(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	out, _, err := metabench("plans")
	require.NoError(t, err)
	for line := range strings.Lines(out) {
		require.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 80, line)
	}
	for _, name := range plan.Names() {
		require.Contains(t, out, "\n"+name+" ")
	}
}

// TestPaint: only what stands for itself has a colour.
func TestPaint(t *testing.T) {
	const green, red, yellow, off = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
	for plain, want := range map[string]string{
		"P1.1  confirmed  22.8\n":      "P1.1  " + green + "confirmed" + off + "  22.8\n",
		"| p99 | **regressed** |\n":    "| p99 | " + red + "**regressed**" + off + " |\n",
		"## Gate: inconclusive\n":      "## Gate: " + yellow + "inconclusive" + off + "\n",
		"all  partly\nb  refuted":      "all  " + yellow + "partly" + off + "\nb  " + red + "refuted" + off,
		"none of 18 gates regressed\n": "none of 18 gates regressed\n",
		"failed operations, %\n":       "failed operations, %\n",
		"confirmed\n":                  green + "confirmed" + off + "\n",
	} {
		require.Equal(t, want, paint(plain))
	}
	var out strings.Builder
	p := &painter{to: &out}
	for _, part := range []string{"a  confir", "med  b\nc  pa", "ss\nend"} {
		_, err := p.Write([]byte(part))
		require.NoError(t, err)
	}
	require.Equal(t, "a  "+green+"confirmed"+off+"  b\nc  "+green+"pass"+off+"\n", out.String())
	p.end()
	require.True(t, strings.HasSuffix(out.String(), "\nend"))

	t.Setenv("NO_COLOR", "1")
	same, _ := painted(&out)
	require.Same(t, &out, same, "no terminal, no colours")
}
