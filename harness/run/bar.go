package run

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"metastorebench/harness/plan"
	"metastorebench/harness/record"
)

// bar shows progress on a terminal: one line that is redrawn. Errors of the
// terminal are ignored: nobody could be told.
type bar struct {
	w     io.Writer
	tally *tally
	bar   *progressbar.ProgressBar
}

var _ progress = (*bar)(nil)

const (
	barWidth = 16
	// barRoom is what the library draws beside the bar: brackets, percentage,
	// spaces.
	barRoom = barWidth + 12
	// assumedColumns is the width of a terminal that does not tell.
	assumedColumns = 80
)

func newBar(w io.Writer, t *tally) *bar {
	return &bar{w: w, tally: t, bar: progressbar.NewOptions(max(t.total, 1),
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetPredictTime(false), // ours knows the plan's times
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
	)}
}

func (b *bar) trialStarts(s plan.Slot) {
	b.tally.start(s)
	b.describe()
}

func (b *bar) revise(m *plan.Matrix, trials int, planned time.Duration) {
	b.tally.revise(m, trials, planned)
	b.bar.ChangeMax(max(b.tally.total, 1))
}

func (b *bar) live(completed int64) {
	b.tally.update(completed)
	b.describe()
}

// describe shows the status, cut to the terminal's width: a line that wraps
// could not be redrawn.
func (b *bar) describe() {
	columns := assumedColumns
	if f, ok := b.w.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			columns = w
		}
	}
	status := b.tally.status()
	if room := max(columns-barRoom, 0); len(status) > room {
		status = status[:room]
	}
	b.bar.Describe(status)
}

func (b *bar) trialEnds(t record.Trial) {
	b.tally.end(b.tally.slot, t.Void != "")
	if t.Void != "" {
		b.note(voidNote(t))
	}
	_ = b.bar.Add(1)
}

func (b *bar) note(text string) {
	_ = b.bar.Clear()
	fmt.Fprintln(b.w, text)
}

func (b *bar) dropped(s plan.Slot) {
	b.tally.end(s, false)
	_ = b.bar.Add(1)
}

func (b *bar) finish() { _ = b.bar.Clear() }
