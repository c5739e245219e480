package facts

import (
	"slices"
	"strings"
)

// command is the shell command that measures a cell again: the run's own with --only.
// Another command than "run" chooses its cells itself, and is told as it was.
func (b *builder) command(p *place) string {
	args := slices.Clone(b.run.Manifest.Command)
	if len(args) < 3 || args[1] != "run" {
		return shell(args)
	}
	for i := 0; i < len(args); i++ {
		if n := onlyArgs(args[i]); n > 0 {
			args = slices.Delete(args, i, min(i+n, len(args)))
			i--
		}
	}
	args[0] = "bin/metabench"
	for _, term := range b.only(p) {
		args = append(args, "--only", term)
	}
	return shell(args)
}

// onlyArgs is how many arguments an --only takes up; 0 for another one.
func onlyArgs(arg string) int {
	switch {
	case arg == "--only" || arg == "-only":
		return 2
	case strings.HasPrefix(arg, "--only=") || strings.HasPrefix(arg, "-only="):
		return 1
	}
	return 0
}

// only are the terms that leave one cell of the run: its id and, where that is a part of
// others', the properties in which it differs from them.
func (b *builder) only(p *place) []string {
	terms := []string{p.cell.ID}
	left := slices.DeleteFunc(slices.Clone(b.places), func(q *place) bool { return q == p || !strings.Contains(q.cell.ID, p.cell.ID) })
	for _, name := range slices.Concat([]string{propGroup, propWorkload, propTarget}, b.axes) {
		if _, option := p.cell.Options[name]; !option && slices.Contains(b.axes, name) {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(left), func(q *place) bool { return q.properties[name] != p.properties[name] })
		if len(rest) < len(left) {
			terms, left = append(terms, name+"="+p.properties[name]), rest
		}
	}
	return terms
}

// shell writes arguments for a POSIX shell.
func shell(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		if strings.ContainsAny(arg, " \t'\"$&|;<>()*?[]{}\\#~`!") || arg == "" {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
