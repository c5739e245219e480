package run

import (
	"context"
	"fmt"
	"io"
	"time"
)

// List writes what Run would run, without running it: one line per cell, what
// its larger designs cost and alias, then the count and the planned time.
func List(ctx context.Context, o Options, w io.Writer) error {
	j, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	reasons := make(map[string]string, len(j.skipped))
	for _, s := range j.skipped {
		reasons[s.Cell] = s.Reason
	}
	var runnable int
	var planned time.Duration
	out := &listWriter{w: w}
	for _, e := range j.matrix.Entries {
		out.printf("%-14s %s", e.Cell.Group, e.Cell.ID)
		if reason, skip := reasons[e.Cell.ID]; skip {
			out.printf("  (skipped: %s)\n", reason)
			continue
		}
		out.printf("  %v + %v\n", e.Warmup, e.Measure)
		runnable++
		planned += e.TrialTime() * time.Duration(j.matrix.Blocks)
	}
	for _, note := range j.matrix.DesignNotes() {
		out.printf("%s\n", note)
	}
	out.printf("%s at level %s, seed %d: %d cells x %d blocks = %d trials, about %v\n",
		j.matrix.Plan.Name, j.Level, j.seed, runnable, j.matrix.Blocks, runnable*j.matrix.Blocks, planned.Round(time.Second))
	if len(reasons) > 0 {
		out.printf("%d more cells are skipped\n", len(reasons))
	}
	return out.err
}

// listWriter keeps the first error.
type listWriter struct {
	w   io.Writer
	err error
}

func (l *listWriter) printf(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}
