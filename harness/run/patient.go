package run

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

// Bounds on what is tried again at once.
const (
	startTries = 3 // starts of a trial's target, each on other ports
	// A smoke run proves that all works, on a machine that may be busy with other things:
	// a window in which nothing ended is made longer, up to longestSmoke.
	windowGrowth = 4
	longestSmoke = 20 * time.Second
)

// runTrial is the type of trial.Run.
type runTrial func(context.Context, trial.Spec) (record.Trial, error)

// patient tries a trial again when not the store but the machine was in the way: a port
// that was free is taken now, or a smoke run's window was too short for a machine as
// busy as this one. A trial that is void because the disk was full is marked for
// Retry.
func patient(run runTrial, level string) runTrial {
	return func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		for starts := 1; ; {
			t, err := run(ctx, s)
			switch {
			case ctx.Err() != nil:
				return t, err
			case errors.Is(err, syscall.EADDRINUSE) && starts < startTries:
				starts++
			case level == ceiling.LevelSmoke && nothingEnded(&t) && s.Measure*windowGrowth <= longestSmoke:
				s.Measure *= windowGrowth
			default:
				t.Retry = t.Retry || diskFull(&t)
				return t, err
			}
		}
	}
}

// nothingEnded reports whether the trial measured a window in which no operation ended.
func nothingEnded(t *record.Trial) bool {
	if t.Void == "" || len(t.Checks) == 0 {
		return false
	}
	for _, o := range t.Ops {
		if o.Count > 0 || len(o.Errors) > 0 {
			return false
		}
	}
	return true
}

// overloaded reports whether the trial is void for no more than that this machine, now,
// was too slow for the rate of its open loop. A smoke run, which compares nothing, does
// not fail for that.
func overloaded(t record.Trial) bool {
	fault, err := t.OpenLoopFault()
	return err == nil && fault != "" && t.Void == fault
}

// diskFull reports whether the trial is void for want of space alone: an answer that is
// wrong is the store's fault, whatever the disk.
func diskFull(t *record.Trial) bool {
	for _, c := range t.Checks {
		if c.Failed() {
			return false
		}
	}
	return strings.Contains(t.Void, syscall.ENOSPC.Error())
}
