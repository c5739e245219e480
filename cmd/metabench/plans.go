package main

import (
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"metastorebench/harness/format"
	"metastorebench/harness/plan"
)

func newPlansCommand() *cobra.Command {
	_, page := topic("plans")
	asked := ""
	cmd := &cobra.Command{
		Use:   "plans [PLAN]",
		Short: "List the built-in plans, or print one as YAML",
		Long: `List the built-in plans with the cells of level default and the planned time of each
level, or print one as YAML. A plan whose windows are so many operations has no time.

` + page,
		Example: `  metabench plans
  metabench plans --format json
  metabench plans phase1 > mine.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				p, err := plan.Load(args[0], nil)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(p.Text)
				return err
			}
			return listPlans(cmd.OutOrStdout(), asked)
		},
	}
	formatFlag(cmd, &asked, format.Formats())
	return cmd
}

// listPlans writes each built-in plan with its levels.
func listPlans(w io.Writer, asked string) error {
	t := format.Table{Columns: []format.Column{{Key: "plan"}, {Key: "cells", Number: true}}}
	for _, level := range plan.Levels {
		t.Columns = append(t.Columns, format.Column{Key: level, Number: true})
	}
	t.Columns = append(t.Columns, format.Column{Key: "title"})
	for _, name := range plan.Names() {
		p, err := plan.Load(name, nil)
		if err != nil {
			return err
		}
		row := []any{name, nil}
		for _, level := range plan.Levels {
			m, err := p.Expand(level)
			if err != nil { // it has no such level
				row = append(row, nil)
				continue
			}
			if level == plan.Levels[1] {
				row[1] = len(m.Entries)
			}
			row = append(row, plannedTime(m))
		}
		t.Rows = append(t.Rows, append(row, p.Title))
	}
	return writeTable(w, t, asked)
}

// plannedTime is how long a matrix takes; nil if nobody knows before it is run: it has
// windows of so many operations.
func plannedTime(m *plan.Matrix) any {
	if slices.ContainsFunc(m.Entries, func(e plan.Entry) bool { return e.Workload.Operations > 0 }) {
		return nil
	}
	return m.Planned().Round(time.Second).String()
}
