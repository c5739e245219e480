package format

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sample() Table {
	return Table{
		Columns: []Column{{Key: "cell"}, {Key: "ops", Title: "ops/s", Number: true}, {Key: "n", Number: true}},
		Rows:    [][]any{{"memory|put", 12345.678, 6}, {"größe", 0.5, 12345}, {"none", nil, nil}},
	}
}

func TestTableFormats(t *testing.T) {
	for format, want := range map[string]string{
		Text:     "cell         ops/s       n\nmemory|put  12,300       6\ngröße        0.500  12,345\nnone\n",
		Markdown: "|cell|ops/s|n|\n|---|---:|---:|\n|memory\\|put|12,300|6|\n|größe|0.500|12,345|\n|none|||\n",
		CSV:      "cell,ops,n\nmemory|put,12345.678,6\ngröße,0.5,12345\nnone,,\n",
		JSON: `[
  {"cell": "memory|put", "ops": 12345.678, "n": 6},
  {"cell": "größe", "ops": 0.5, "n": 12345},
  {"cell": "none", "ops": null, "n": null}
]
`,
	} {
		var b strings.Builder
		require.NoError(t, sample().Write(&b, format), format)
		require.Equal(t, want, b.String(), format)
	}
	require.EqualError(t, sample().Write(&strings.Builder{}, "xml"), `unknown format "xml"; accepted: text, json, csv, markdown`)
}

func TestTextFitsAWidth(t *testing.T) {
	table := Table{Columns: []Column{{Key: "name"}, {Key: "value", Number: true}, {Key: "n", Number: true}},
		Rows: [][]any{{"a name that is longer than a line", 123456789, 6}}}
	for width, want := range map[int]string{
		26: "name              value  n\na name th…  123,456,789  6\n",
		24: "name            value  n\na name …  123,456,789  6\n",
		// Names would be shorter than they get: the last column is left out, and said to be.
		23: "name                  …\na name that is long…\n",
	} {
		table.Width = width
		var b strings.Builder
		require.NoError(t, table.Write(&b, Text))
		require.Equal(t, want, b.String(), width)
	}
}
