package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"metastorebench/variants"
)

// axisJSON and valueJSON are the catalogue that metabench reads to check plans.
type axisJSON struct {
	Axis   string      `json:"axis"`
	Seam   string      `json:"seam"`
	Best   string      `json:"best"`
	Values []valueJSON `json:"values"`
}

type valueJSON struct {
	Name     string `json:"name"`
	Baseline bool   `json:"baseline"`
	Unsafe   bool   `json:"unsafe"`
	// Stale: in a cluster of more than one, reads may be older than what had been
	// acknowledged before them.
	Stale     bool   `json:"stale"`
	Available bool   `json:"available"`
	Reason    string `json:"reason"`
	Doc       string `json:"doc"`
}

func variantsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "variants", Short: "List the axes and their values", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return writeVariantsJSON(cmd.OutOrStdout())
			}
			return writeVariants(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func writeVariants(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, a := range variants.Axes() {
		fmt.Fprintf(t, "--%s\t%s\t\n", a.Name, a.Seam)
		for i, v := range a.Values {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", v.Name, v.Doc, marks(a, i))
		}
	}
	return t.Flush()
}

func marks(a variants.Axis, i int) string {
	v, s := a.Values[i], ""
	add := func(yes bool, mark string) {
		if yes {
			s += "[" + mark + "]"
		}
	}
	add(i == 0 && !a.Environment, "baseline")
	add(v.Name == a.Best, "default")
	add(v.Unsafe, "unsafe: acknowledged writes can be lost")
	add(v.Stale, "not linearizable in a cluster of more than one")
	add(v.Missing != "", "not in this build")
	return s
}

func writeVariantsJSON(w io.Writer) error {
	var axes []axisJSON
	for _, a := range variants.Axes() {
		out := axisJSON{Axis: a.Name, Seam: a.Seam, Best: a.Best}
		for i, v := range a.Values {
			out.Values = append(out.Values, valueJSON{
				Name: v.Name, Baseline: i == 0, Unsafe: v.Unsafe, Stale: v.Stale,
				Available: v.Missing == "", Reason: v.Missing, Doc: v.Doc,
			})
		}
		axes = append(axes, out)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(axes)
}
