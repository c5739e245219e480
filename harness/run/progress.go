package run

import (
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"metastorebench/harness/plan"
	"metastorebench/harness/record"
)

// progress is told how a run goes. live may be called from any goroutine, the
// others from the run's own.
type progress interface {
	trialStarts(plan.Slot)
	// live reports how many operations the current trial has completed so far.
	live(completed int64)
	trialEnds(record.Trial)
	// dropped reports a trial that will not run.
	dropped(plan.Slot)
	// revise replaces what is to come: so many trials, planned to take so long.
	// The matrix must not change any more.
	revise(m *plan.Matrix, trials int, planned time.Duration)
	// note shows a line that is to stay.
	note(string)
	finish()
}

// newProgress picks a bar for a terminal and lines for anything else.
func newProgress(o Options, m *plan.Matrix, s *session, todo []plan.Slot) progress {
	t := newTally(m, todo, time.Now)
	w := o.Progress
	if w == nil {
		w = io.Discard
	}
	if o.Terminal {
		return newBar(w, t)
	}
	return newLines(w, t, s.dir, s.manifest.Env.Filesystem)
}

// tally keeps the numbers that both kinds of progress show.
type tally struct {
	matrix *plan.Matrix
	now    func() time.Time

	mu         sync.Mutex
	total      int           // trials to do in this session
	done       int           // of those, ended or dropped
	void       int           // of those, void
	planned    time.Duration // for the trials not yet done
	finished   time.Duration // planned for those that are done
	started    time.Time     // of the session
	slot       plan.Slot     // the current trial
	completed  int64         // its operations so far
	rate       float64       // operations per second, lately
	lastLive   time.Time
	lastLiveOp int64
}

func newTally(m *plan.Matrix, todo []plan.Slot, now func() time.Time) *tally {
	t := &tally{matrix: m, now: now, total: len(todo), started: now()}
	for _, s := range todo {
		t.planned += m.Entries[s.Entry].TrialTime()
	}
	return t
}

func (t *tally) revise(m *plan.Matrix, trials int, planned time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.matrix, t.total, t.planned = m, t.done+trials, planned
}

func (t *tally) start(s plan.Slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slot, t.completed, t.rate = s, 0, 0
	t.lastLive, t.lastLiveOp = t.now(), 0
}

func (t *tally) update(completed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if d := now.Sub(t.lastLive); d > 0 {
		t.rate = float64(completed-t.lastLiveOp) / d.Seconds()
		t.lastLive, t.lastLiveOp = now, completed
	}
	t.completed = completed
}

func (t *tally) end(s plan.Slot, void bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	if void {
		t.void++
	}
	d := t.matrix.Entries[s.Entry].TrialTime()
	t.planned -= d
	t.finished += d
}

// left estimates the time to the end: what is planned, scaled by how the
// finished trials compared with their plan.
func (t *tally) left() time.Duration {
	if t.finished == 0 {
		return t.planned
	}
	return time.Duration(float64(t.planned) * float64(t.now().Sub(t.started)) / float64(t.finished))
}

// leftText is the time left. The plan does not tell the time of a window of so many
// operations, only its bound, and a gate decides as it goes.
func (t *tally) leftText() string {
	switch left := t.left().Round(time.Second); {
	case t.matrix.Entries[t.slot.Entry].Workload.Operations == 0:
		return fmt.Sprintf(", %v left", left)
	case t.finished > 0:
		return fmt.Sprintf(", at most %v left", left)
	}
	return ""
}

// status is one line about the present, of at most room characters, 0 for any number.
// The cell's name stays as long as it can: what else there is to say goes first, the
// most fleeting before the rest.
func (t *tally) status(room int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	trials := fmt.Sprintf("%d/%d trials", t.done, t.total)
	if t.void > 0 {
		trials += fmt.Sprintf(", %d void", t.void)
	}
	block := fmt.Sprintf(", block %d/%d", t.slot.Block+1, t.matrix.Blocks)
	rate := ""
	if t.rate >= 0.5 { // else the trial is too young, too short or too slow to tell
		rate = fmt.Sprintf(", %.0f ops/s", t.rate)
	}
	cell := t.matrix.Entries[t.slot.Entry].Cell.ID
	for _, before := range []string{trials + block + rate + t.leftText(), trials + block + t.leftText(), trials + t.leftText(), trials} {
		if line := before + ": " + cell; room <= 0 || utf8.RuneCountInString(line) <= room {
			return line
		}
	}
	return cutMiddle(cell, room)
}

// cutMiddle shortens s to n characters, an ellipsis among them: names of cells differ
// at both ends.
func cutMiddle(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	head := n / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(n-head-1):])
}

// voidNote tells of a trial that must not be used.
func voidNote(t record.Trial) string {
	return fmt.Sprintf("void: %s block %d: %s", t.Cell, t.Block, t.Void)
}
