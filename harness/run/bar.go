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
	width int // of the bar itself
}

var _ progress = (*bar)(nil)

const (
	// barShare is the part of a line that the bar itself takes.
	barShare = 0.08
	// barRoom is what the library draws beside the bar: brackets, percentage, spaces.
	barRoom = 12
	// assumedColumns is the width of a terminal that does not tell.
	assumedColumns = 80
)

func newBar(w io.Writer, t *tally) *bar {
	width := int(barShare * float64(columnsOf(w)))
	return &bar{w: w, tally: t, width: width, bar: progressbar.NewOptions(max(t.total, 1),
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(width),
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

// describe shows the status within the terminal's width: a line that wraps could not
// be redrawn.
func (b *bar) describe() {
	b.bar.Describe(b.tally.status(max(columnsOf(b.w)-b.width-barRoom, 1)))
}

// columnsOf is the width of a terminal as it is now.
func columnsOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return assumedColumns
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
