package main

import (
	"bytes"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
)

// root is the top of the tree, from this package.
var root = filepath.Join("..", "..")

// apply makes the edits in a tree. An error names the edit that does not fit any
// more.
func apply(tree string, edits []edit) error {
	for _, e := range edits {
		path := filepath.Join(tree, filepath.FromSlash(e.file))
		text, err := os.ReadFile(path)
		if err != nil && !(os.IsNotExist(err) && e.old == "") {
			return err
		}
		if e.old == "" {
			text = append(text, e.next...)
		} else {
			if n := bytes.Count(text, []byte(e.old)); n != 1 {
				return fmt.Errorf("%s has this text %d times, want once; change the case with the code:\n%s", e.file, n, e.old)
			}
			text = bytes.Replace(text, []byte(e.old), []byte(e.next), 1)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), e.file, text, 0); err != nil {
			return fmt.Errorf("edited %w", err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// TestRegressionsApply checks that the cases of TestRegressions fit this tree.
func TestRegressionsApply(t *testing.T) {
	for _, c := range slices.Concat(regressions(), harmless()) {
		tree := t.TempDir()
		for _, e := range c.edits {
			copied := filepath.Join(tree, filepath.FromSlash(e.file))
			if _, err := os.Stat(copied); err == nil {
				continue // by an earlier edit
			}
			require.NoError(t, os.MkdirAll(filepath.Dir(copied), 0o755))
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file)))
			if os.IsNotExist(err) && e.old == "" {
				continue
			}
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(copied, text, 0o644))
		}
		require.NoError(t, apply(tree, c.edits), c.name)
	}
	require.ErrorContains(t, apply(root, []edit{{execFile, "no such line", ""}}), "has this text 0 times, want once")
}

// TestRegressions commits each change to a clone of HEAD and has the gate judge it
// against the commit before: what is worse must end in exit status 1 and name the
// commit and the file, what is harmless must pass. It takes about an hour, on a
// machine that does nothing else: `make gate-regressions`. GATE_REGRESSIONS picks
// cases by a regular expression.
func TestRegressions(t *testing.T) {
	pick := os.Getenv("GATE_REGRESSIONS")
	if pick == "" {
		t.Skip("takes an hour: make gate-regressions")
	}
	table := "| change | want | exit | named | seconds | the gate says |\n|---|---:|---:|---|---:|---|\n"
	for _, c := range slices.Concat(regressions(), harmless()) {
		if !regexp.MustCompile(pick).MatchString(c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			status, commit, summary := gateChange(t, c)
			named := strings.Contains(summary, commit[:12]+"` ("+subject(c)+"): "+c.edits[0].file)
			first, _, _ := strings.Cut(strings.TrimPrefix(afterHeading(summary), "\n"), ". `")
			answer := map[bool]string{true: "yes", false: "no"}[named]
			if c.want == 0 {
				answer = ""
			}
			table += fmt.Sprintf("| %s | %d | %d | %s | %.0f | %s |\n", c.name, c.want, status, answer, time.Since(began).Seconds(), strings.ReplaceAll(first, "\n", " "))
			if status != c.want || c.want != 0 && !named || !strings.Contains(summary, c.says) {
				t.Errorf("exit status %d, want %d; want the commit, %s and %q named:\n%s", status, c.want, c.edits[0].file, c.says, summary)
			}
		})
	}
	fmt.Println("\n" + table)
}

// subject is the commit's first line.
func subject(c regression) string { return "store: " + c.name }

// afterHeading is a summary without its first line.
func afterHeading(summary string) string {
	_, rest, _ := strings.Cut(summary, "\n")
	return rest
}

// gateChange commits the change to a clone and runs the gate there.
func gateChange(t *testing.T, c regression) (status int, commit, summary string) {
	dir := t.TempDir()
	clone := filepath.Join(dir, "clone")
	git := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=gate", "-c", "user.email=gate@example.org"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	top, err := filepath.Abs(root)
	require.NoError(t, err)
	git("clone", "-q", "--shared", top, clone)
	require.NoError(t, apply(clone, c.edits))
	git("-C", clone, "add", "-A")
	git("-C", clone, "commit", "-q", "-m", subject(c))
	// What is worse is found at a first look, and stays found when the time is up; to
	// pass, every gate has to be decided.
	budget := "20m"
	if c.want != 0 && !c.times {
		budget = "3m"
	}
	rules := filepath.Join(dir, "rules.yaml")
	require.NoError(t, os.WriteFile(rules, rulesOf(c.loads), 0o644))
	args := []string{"gate", "--base", "HEAD~1", "--head", "HEAD", "--rules", rules, "--out", filepath.Join(dir, "out"), "--budget", budget}
	if !c.times {
		args = append(args, "--level", "smoke", "--steady-only")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, args...) // the test binary is metabench, too
	var said strings.Builder
	cmd.Dir, cmd.Stderr = clone, &said
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil {
		require.ErrorAs(t, err, &exit)
		status = exit.ExitCode()
	}
	if len(out) == 0 {
		out = []byte(said.String())
	}
	return status, git("-C", clone, "rev-parse", "HEAD"), string(out)
}

// rulesOf are the gate's rules for some of its loads, all if none are named.
func rulesOf(loads []string) []byte {
	var kept []string
	for line := range strings.Lines(string(gate.DefaultText())) {
		_, of, has := strings.Cut(line, "load: ")
		name := strings.FieldsFunc(of, func(r rune) bool { return r == ',' || r == '}' || r == '\n' })
		if !has || len(loads) == 0 || slices.Contains(loads, name[0]) {
			kept = append(kept, line)
		}
	}
	return []byte(strings.Join(kept, ""))
}
