package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"metastorebench/harness/plan"
)

func newPlansCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "plans [NAME]",
		Short: "List the built-in plans, or print one as YAML",
		Example: `  metabench plans
  metabench plans phase1 > mine.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				p, err := plan.Load(args[0], nil)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(p.Text)
				return err
			}
			return listPlans(cmd.OutOrStdout())
		},
	}
}

// listPlans writes each built-in plan with its levels.
func listPlans(w io.Writer) error {
	for _, name := range plan.Names() {
		p, err := plan.Load(name, nil)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", name, p.Title); err != nil {
			return err
		}
		for _, level := range p.LevelNames() {
			m, err := p.Expand(level)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "  %-8s %3d cells x %2d blocks, about %v\n",
				level, len(m.Entries), m.Blocks, m.Planned().Round(time.Second)); err != nil {
				return err
			}
		}
	}
	return nil
}
