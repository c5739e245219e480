package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/report"
)

func TestSpliceKeepsTheRest(t *testing.T) {
	two := "top\r\n<!-- metabench:begin a -->\nold a\n<!-- metabench:end a -->\nmiddle\n<!-- metabench:begin b -->\nold b\n<!-- metabench:end b -->\nend without newline"
	got, err := report.Splice(two, "b", "new\n")
	require.NoError(t, err)
	require.Equal(t, strings.Replace(two, "old b\n", "\nnew\n\n", 1), got)
	again, err := report.Splice(got, "b", "new\n")
	require.NoError(t, err)
	require.Equal(t, got, again)
	inner, err := report.Extract(got, "a")
	require.NoError(t, err)
	require.Equal(t, "old a\n", inner)
}

func TestBadMarkers(t *testing.T) {
	const begin, end = "<!-- metabench:begin a -->\n", "<!-- metabench:end a -->\n"
	for name, tc := range map[string]struct{ doc, want string }{
		"none":         {"text\n", `no section "a"; add the lines`},
		"no end":       {"x\n" + begin, `line 2: section "a" has no end`},
		"no begin":     {end, `line 1: section "a" ends without having begun`},
		"twice":        {begin + end + begin + end, `line 3: section "a" occurs twice`},
		"nested":       {begin + "<!-- metabench:begin b -->\n", `line 2: section "b" begins within section "a" of line 1`},
		"crossed ends": {begin + "<!-- metabench:end b -->\n" + end, `line 2: section "b" ends without having begun`},
	} {
		_, err := report.Splice(tc.doc, "a", "body")
		require.ErrorIs(t, err, report.ErrMarkers, name)
		require.ErrorContains(t, err, tc.want, name)
	}
}

func TestASectionIsPutInItsPlace(t *testing.T) {
	mark := func(name string) string {
		return "<!-- metabench:begin " + name + " -->\nx\n<!-- metabench:end " + name + " -->\n"
	}
	doc := "top\n" + mark("phase1") + "\n## Next\n\n" + mark("bench") + mark("phase1-local") + "tail"
	for section, want := range map[string]string{
		"phase2":       strings.Replace(doc, "\n## Next", "\n## Phase 2\n\n"+strings.Replace(mark("phase2"), "x\n", "", 1)+"\n## Next", 1),
		"phase2-local": strings.Replace(doc, "tail", "\n## Phase 2 on your machine\n\n"+strings.Replace(mark("phase2-local"), "x\n", "", 1)+"tail", 1),
		"phase1":       doc,
		"elsewhere":    doc,
	} {
		got, err := report.WithSection(doc, section)
		require.NoError(t, err)
		require.Equal(t, want, got, section)
	}
	got, err := report.WithSection("no section at all\n", "phase2")
	require.NoError(t, err)
	require.Equal(t, "no section at all\n", got)
	got, err = report.WithSection(strings.TrimSuffix(mark("phase1"), "\n"), "phase2")
	require.NoError(t, err)
	_, err = report.Splice(got, "phase2", "body")
	require.NoError(t, err, "a document without a last newline")
}

func FuzzSplice(f *testing.F) {
	f.Add("a\n<!-- metabench:begin s -->\nb\n<!-- metabench:end s -->\nc", "body")
	f.Add("<!-- metabench:begin s -->\n<!-- metabench:end s -->", "")
	f.Add("<!-- metabench:end s -->\n", "x")
	f.Fuzz(func(t *testing.T, doc, body string) {
		if strings.Contains(body, "metabench:") {
			t.Skip("a body with markers is no section")
		}
		got, err := report.Splice(doc, "s", body)
		if err != nil {
			require.ErrorIs(t, err, report.ErrMarkers)
			return
		}
		inner, err := report.Extract(got, "s")
		require.NoError(t, err)
		require.Equal(t, strings.Trim(body, "\n"), strings.Trim(inner, "\n"))
		again, err := report.Splice(got, "s", body)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
