package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"metastorebench/harness/format"
)

// formatFlag gives a command the flag --format, which accepts formats, by default the
// first. What it is set to is checked before the command runs.
func formatFlag(cmd *cobra.Command, asked *string, formats []string) {
	cmd.Flags().StringVar(asked, "format", formats[0], "how to print: "+strings.Join(formats, ", "))
	// The error says that there is no such flag.
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if slices.Contains(formats, *asked) {
			return nil
		}
		return misuse(fmt.Errorf("%s: --format is %q; accepted: %s", cmd.Name(), *asked, strings.Join(formats, ", ")))
	}
}

// writeTable writes a table in a format that --format accepts, as wide as w. Notes are
// for people: lines below it, of text and Markdown alone.
func writeTable(w io.Writer, t format.Table, asked string, notes ...string) error {
	t.Width = lineWidth(w)
	if err := t.Write(w, asked); err != nil || asked != format.Text && asked != format.Markdown {
		return err
	}
	for _, note := range notes {
		if asked == format.Markdown {
			note = "\n" + note
		}
		if _, err := fmt.Fprintln(w, note); err != nil {
			return err
		}
	}
	return nil
}

// file is what a terminal is: *os.File, or what paints on it.
type file interface{ Fd() uintptr }

// lineWidth is how many characters of a line w shows: what COLUMNS says, or the
// terminal's width; 0, which is no limit, if w is no terminal.
func lineWidth(w io.Writer) int {
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	if f, ok := w.(file); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// colours are those of words that say how something came out. They are painted where
// they stand for themselves, as a cell of a table does, and not within a sentence.
var colours = []struct {
	escape string
	words  *regexp.Regexp
}{
	{"\x1b[32m", standing("confirmed", "pass", "improved", "ok")},
	{"\x1b[31m", standing("refuted", "regressed", "failed", "void")},
	{"\x1b[33m", standing("partly", "inconclusive", "unresolved", "undecided")},
}

const uncoloured = "\x1b[0m"

// standing matches words between the edges of a line or of columns, or as the answer in
// a heading.
func standing(words ...string) *regexp.Regexp {
	return regexp.MustCompile(`(^|  |\| ?|: )(\**(?:` + strings.Join(words, "|") + `)\**)(  | ?\||, |$)`)
}

// painted is w, with colours if it is a terminal and nobody asks for none
// (https://no-color.org). end writes what is left of a last line.
func painted(w io.Writer) (out io.Writer, end func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return w, func() {}
	}
	p := &painter{File: f, to: f}
	return p, p.end
}

// painter paints whole lines.
type painter struct {
	*os.File // for the terminal's width
	to       io.Writer
	begun    []byte // of a line
}

func (p *painter) Write(b []byte) (int, error) {
	p.begun = append(p.begun, b...)
	i := bytes.LastIndexByte(p.begun, '\n') + 1
	if i == 0 {
		return len(b), nil
	}
	lines := string(p.begun[:i])
	p.begun = append(p.begun[:0], p.begun[i:]...)
	if _, err := io.WriteString(p.to, paint(lines)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// end writes a line that has no end. Nobody could be told of an error.
func (p *painter) end() { _, _ = p.to.Write(p.begun) }

// paint colours the words of lines.
func paint(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		text, newline := strings.TrimSuffix(line, "\n"), line[len(strings.TrimSuffix(line, "\n")):]
		for _, c := range colours {
			text = c.words.ReplaceAllString(text, "$1"+c.escape+"$2"+uncoloured+"$3")
		}
		b.WriteString(text + newline)
	}
	return b.String()
}
