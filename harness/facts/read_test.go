package facts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
)

// two is a document with two views and two claims.
func two() *facts.Document {
	lo := facts.Number(1.5)
	return &facts.Document{
		Schema: facts.Schema, Run: facts.Run{Plan: "p"}, Axes: []facts.Axis{}, Cells: []facts.Cell{{ID: "c"}}, Metrics: []facts.Metric{},
		Facts: []*facts.Fact{{ID: 1, Kind: facts.Ratio, Value: 2, Lo: &lo, N: 6, Cells: []int{0}, Text: "2.00"}, {ID: 2, Kind: facts.Level, Value: 1. / 3, N: 1, Text: "0.333"}},
		Views: []facts.View{
			{ID: "a", Tables: []facts.Table{
				{ID: "one", Columns: []facts.Column{{Key: "x"}, {Key: "us/op"}}, Rows: []facts.Row{{Key: "r", Cells: []facts.Value{{Text: "word"}, {Fact: 1}}}, {Key: "r/s", Cells: []facts.Value{{Fact: 2}, {}}}}},
				{ID: "t.w", Columns: []facts.Column{{Key: "x"}}, Rows: []facts.Row{{Key: "r", Cells: []facts.Value{{Fact: 2}}}}},
			}},
			{ID: "empty"},
		},
		Claims: []facts.Claim{
			{ID: "P1.1", Goals: []facts.Goal{{Judged: []facts.Judgment{{Fact: 1}}}}},
			{ID: "T1", Goals: []facts.Goal{{Name: "phase 1", Missing: "no cell", Judged: []facts.Judgment{}}, {Name: "phase 2", Judged: []facts.Judgment{{Fact: 2}}}}},
		},
	}
}

func TestReadIsWhatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, facts.Write(path, two()))
	got, err := facts.Read(path)
	require.NoError(t, err)
	want := two()
	want.Facts[1].Value = 0.333333 // six digits
	require.Equal(t, want, got)
}

func TestReadRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, facts.Write(path, two()))
	sound, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, tt := range []struct {
		old, new string
		is       error
		says     string
	}{
		{"results/1.", "results/2.", facts.ErrSchema, `schema is "metabench-results/2.0"; accepted: metabench-results/1.`},
		{facts.Schema, "3", facts.ErrDamaged, `schema is "3"`},
		{`"plan":"p"`, `"plan":"p","colour":"red"`, facts.ErrDamaged, `unknown field "colour"`},
		{`"id":2,"kind"`, `"id":3,"kind"`, facts.ErrDamaged, "fact 2 is not in its place"},
		{`"cells":[0]`, `"cells":[7]`, facts.ErrDamaged, "fact 1 refers to cell 7 of 1"},
		{`{"fact":1}`, `{"fact":9}`, facts.ErrDamaged, `view a, table one, row "r" refers to fact 9 of 2`},
		{`{"text":"word"},`, ``, facts.ErrDamaged, `view a, table one: row "r" has 1 cells for 2 columns`},
		{"}\n", "} {}\n", facts.ErrDamaged, "after top-level value"},
		{`{"schema"`, `{schema`, facts.ErrDamaged, "invalid character"},
	} {
		changed := strings.Replace(string(sound), tt.old, tt.new, 1)
		require.NotEqual(t, string(sound), changed, tt.old)
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o644))
		_, err := facts.Read(path)
		require.ErrorIs(t, err, tt.is, tt.new)
		require.ErrorContains(t, err, tt.says)
		require.ErrorContains(t, err, path)
	}
	_, err = facts.Read(path + ".none")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestReadOfANewerMinorVersion leaves out what it does not know.
func TestReadOfANewerMinorVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	require.NoError(t, facts.Write(path, two()))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	newer := strings.Replace(strings.Replace(string(b), facts.Schema, "metabench-results/1.99", 1), `"plan":"p"`, `"plan":"p","colour":"red"`, 1)
	require.NoError(t, os.WriteFile(path, []byte(newer), 0o644))
	doc, err := facts.Read(path)
	require.NoError(t, err)
	require.Equal(t, "p", doc.Run.Plan)
}

func TestAt(t *testing.T) {
	for address, want := range map[string]string{
		"a/r/us/op": "2.00", "a.one/r/us/op": "2.00", "a/r/s/x": "0.333", "a.t.w/r/x": "0.333", "P1.1": "2.00", "T1.phase 2": "0.333",
	} {
		f, err := two().At(address)
		require.NoError(t, err, address)
		require.Equal(t, want, f.Text, address)
	}
	for address, says := range map[string]string{
		"b/r/x":      `no view "b"; there are: "a", "empty"`,
		"empty/r/x":  "view empty has no table",
		"a.two/r/x":  `view a has no table "two"; there are: "one", "t.w"`,
		"a/q/x":      `no row "q"; there are: "r", "r/s"`,
		"a/r/y":      `no column "y"; there are: "x", "us/op"`,
		"a/r":        "accepted: VIEW[.TABLE]/ROW/COLUMN",
		"a/r/x":      `it holds "word", which is no number`,
		"P9":         `no claim of that name; there are: "P1.1", "T1"`,
		"T1":         "no cell",
		"T1.phase 3": `no goal "phase 3"; there are: "phase 1", "phase 2"`,
	} {
		_, err := two().At(address)
		require.ErrorIs(t, err, facts.ErrAddress, address)
		require.ErrorContains(t, err, says, address)
	}
}
