package run

import (
	"context"
	"fmt"
	"time"

	"metastorebench/harness/format"
)

// Listing is what Run would do.
type Listing struct {
	// Cells has a row for each: its group, id, the lengths of warm-up and
	// window, and why it would be skipped.
	Cells format.Table
	// Notes say what larger designs cost and alias, and last how many trials there are
	// and how long they take, a line each.
	Notes []string
}

// List says what Run would run, without running it. Errors are those of a plan that
// cannot be run.
func List(ctx context.Context, o Options) (Listing, error) {
	j, err := prepare(ctx, o)
	if err != nil {
		return Listing{}, err
	}
	reasons := make(map[string]string, len(j.skipped))
	for _, s := range j.skipped {
		reasons[s.Cell] = s.Reason
	}
	l := Listing{Cells: format.Table{Columns: format.Words("group", "cell", "warmup", "measure", "skipped")}}
	runnable := 0
	var planned time.Duration
	for _, e := range j.matrix.Entries {
		reason, skip := reasons[e.Cell.ID]
		if !skip {
			runnable++
			planned += e.TrialTime() * time.Duration(j.matrix.Blocks)
		}
		l.Cells.Rows = append(l.Cells.Rows, []any{e.Cell.Group, e.Cell.ID, e.Warmup.String(), e.Measure.String(), reason})
	}
	l.Notes = append(j.matrix.DesignNotes(), fmt.Sprintf("%s at level %s, seed %d: %d cells x %d blocks = %d trials, about %v",
		j.matrix.Plan.Name, j.Level, j.seed, runnable, j.matrix.Blocks, runnable*j.matrix.Blocks, planned.Round(time.Second)))
	if len(reasons) > 0 {
		l.Notes = append(l.Notes, fmt.Sprintf("%d more cells are skipped", len(reasons)))
	}
	return l, nil
}
