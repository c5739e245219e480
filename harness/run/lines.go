package run

import (
	"fmt"
	"io"
	"sync"
	"time"

	"metastorebench/harness/plan"
	"metastorebench/harness/record"
)

// linesEvery is the least time between two lines, void trials excepted.
const linesEvery = 5 * time.Second

// lines shows progress where there is no terminal: few plain lines. Errors of
// the writer are ignored: nobody could be told.
type lines struct {
	w     io.Writer
	tally *tally

	mu    sync.Mutex
	last  time.Time
	begun bool // there has been a line
}

var _ progress = (*lines)(nil)

func newLines(w io.Writer, t *tally, dir, filesystem string) *lines {
	l := &lines{w: w, tally: t, last: t.now()}
	if t.total > 0 {
		fmt.Fprintf(w, "%s: %d trials, about %v, into %s (%s)\n", t.matrix.Plan.Name, t.total, t.left().Round(time.Second), dir, filesystem)
	} else { // a study that decides as it goes
		fmt.Fprintf(w, "%s: into %s (%s)\n", t.matrix.Plan.Name, dir, filesystem)
	}
	return l
}

func (l *lines) trialStarts(s plan.Slot) {
	l.tally.start(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.begun {
		l.print()
	}
	l.printDue()
}

func (l *lines) revise(m *plan.Matrix, trials int, planned time.Duration) {
	l.tally.revise(m, trials, planned)
}

func (l *lines) live(completed int64) {
	l.tally.update(completed)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.printDue()
}

// printDue writes the status if it is time to; l.mu is held.
func (l *lines) printDue() {
	if l.tally.now().Sub(l.last) >= linesEvery {
		l.print()
	}
}

// print writes the status; l.mu is held.
func (l *lines) print() {
	l.last, l.begun = l.tally.now(), true
	fmt.Fprintln(l.w, l.tally.status(0))
}

func (l *lines) trialEnds(t record.Trial) {
	l.tally.end(l.tally.slot, t.Void != "")
	if t.Void != "" {
		l.note(voidNote(t))
	}
}

func (l *lines) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, text)
}

func (l *lines) dropped(s plan.Slot) { l.tally.end(s, false) }

func (l *lines) finish() {}
