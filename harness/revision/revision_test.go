package revision

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// repo makes a repository of two commits: a program, and one that does not build.
func repo(t *testing.T) (Repository, []string) {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	run("init", "-q", "-b", "main")
	write("go.mod", "module tiny\n\ngo 1.26\n")
	write("cmd/metastore/main.go", "package main\n\nfunc main() { println(\"good\") }\n")
	run("add", "-A")
	run("commit", "-q", "-m", "tiny: a program\n\nBody.")
	write("cmd/metastore/main.go", "package main\n\nfunc main() { broken }\n")
	run("commit", "-q", "-a", "-m", "tiny: broken\n\nGate-accept: allocs - on purpose")
	r, err := Find(t.Context(), filepath.Join(dir, "cmd"))
	require.NoError(t, err)
	return r, []string{run("rev-parse", "HEAD~1"), run("rev-parse", "HEAD")}
}

func worktrees(t *testing.T, r Repository) int {
	t.Helper()
	out, err := git(t.Context(), r.Root, "worktree", "list")
	require.NoError(t, err)
	return len(strings.Split(out, "\n"))
}

func TestRepository(t *testing.T) {
	r, commits := repo(t)
	got, err := r.Resolve(t.Context(), "HEAD~1")
	require.NoError(t, err)
	require.Equal(t, commits[0], got)
	for _, name := range []string{"nowhere", "--all", ""} {
		_, err = r.Resolve(t.Context(), name)
		require.ErrorIs(t, err, ErrUnknown, name)
		require.ErrorContains(t, err, "accepted: a commit, branch or tag")
	}
	base, err := r.MergeBase(t.Context(), commits[0], commits[1])
	require.NoError(t, err)
	require.Equal(t, commits[0], base)
	between, err := r.Between(t.Context(), commits[0], commits[1])
	require.NoError(t, err)
	require.Len(t, between, 1)
	require.Equal(t, "tiny: broken", between[0].Subject)
	require.Contains(t, between[0].Message, "Gate-accept: allocs - on purpose")
	require.NotEmpty(t, between[0].Files)
	changed, err := r.Changed(t.Context())
	require.NoError(t, err)
	require.Empty(t, changed)
	require.NoError(t, os.MkdirAll(filepath.Join(r.Root, "results"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(r.Root, "results", "records"), nil, 0o644))
	changed, err = r.Changed(t.Context())
	require.NoError(t, err)
	require.Empty(t, changed, "results are no sources")
	require.NoError(t, os.WriteFile(filepath.Join(r.Root, "new.go"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(r.Root, "go.mod"), []byte("module other\n"), 0o644))
	changed, err = r.Changed(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"go.mod", "new.go"}, changed)
	_, err = Find(t.Context(), t.TempDir())
	require.ErrorIs(t, err, ErrRepository)
}

// TestGitThatCannotBeUsed: that git is missing or refuses does not say that there is
// no repository, or no revision.
func TestGitThatCannotBeUsed(t *testing.T) {
	r, _ := repo(t)
	for what, script := range map[string]string{
		"missing": "",
		"refuses": "#!/bin/sh\necho \"fatal: detected dubious ownership in repository at '/x'\" >&2\nexit 128\n",
	} {
		dir := t.TempDir()
		if script != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755))
		}
		t.Setenv("PATH", dir)
		_, err := Find(t.Context(), r.Root)
		require.ErrorIs(t, err, ErrGit, what)
		require.NotErrorIs(t, err, ErrRepository, what)
		_, err = r.Resolve(t.Context(), "HEAD")
		require.ErrorIs(t, err, ErrGit, what)
		require.NotErrorIs(t, err, ErrUnknown, what)
		_, err = r.MergeBase(t.Context(), "HEAD", "HEAD~1")
		require.ErrorIs(t, err, ErrGit, what)
	}
}

func TestBuild(t *testing.T) {
	r, commits := repo(t)
	parent := t.TempDir()
	w, err := Open(t.Context(), r, parent)
	require.NoError(t, err)
	good, err := w.Checkout(t.Context(), "good", commits[0])
	require.NoError(t, err)
	out := filepath.Join(w.Dir(), "store")
	logFile := filepath.Join(parent, "build.log")
	require.NoError(t, w.Make(t.Context(), Build{Tree: good, Out: out, Log: logFile}))
	require.NoFileExists(t, logFile)
	said, err := exec.CommandContext(t.Context(), out).CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, "good\n", string(said))

	bad, err := w.Checkout(t.Context(), "bad", commits[1])
	require.NoError(t, err)
	err = w.Make(t.Context(), Build{Tree: bad, Out: out, Log: logFile, Tags: "none"})
	require.ErrorIs(t, err, ErrBuild)
	require.ErrorContains(t, err, "undefined: broken")
	require.FileExists(t, logFile)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.Make(ctx, Build{Tree: good, Out: out, Log: logFile}), context.Canceled)
	require.Equal(t, 3, worktrees(t, r))
	require.NoError(t, w.Close())
	require.Equal(t, 1, worktrees(t, r))
	require.NoDirExists(t, w.Dir())
}

// TestKilledWorkshopIsRemoved checks that the next one cleans up, and leaves alone
// what is in use.
func TestKilledWorkshopIsRemoved(t *testing.T) {
	r, commits := repo(t)
	parent := t.TempDir()
	killed, err := Open(t.Context(), r, parent)
	require.NoError(t, err)
	_, err = killed.Checkout(t.Context(), "base", commits[0])
	require.NoError(t, err)
	require.NoError(t, killed.lock.Close(), "as the kernel does")

	used, err := Open(t.Context(), r, parent)
	require.NoError(t, err)
	require.NoDirExists(t, killed.Dir())
	require.Equal(t, 1, worktrees(t, r))
	other, err := Open(t.Context(), r, parent)
	require.NoError(t, err)
	require.DirExists(t, used.Dir())
	require.NoError(t, other.Close())
	require.NoError(t, used.Close())
}

func TestSpace(t *testing.T) {
	require.NoError(t, CheckSpace(t.TempDir(), 1))
	err := CheckSpace(t.TempDir(), 1<<60)
	require.ErrorIs(t, err, ErrSpace)
	require.ErrorContains(t, err, "MB are needed")
}

// TestPlantedBuild: a planted build and another layout are other binaries of the same
// sources, and the tag reaches the compiler beside those that were asked for.
func TestPlantedBuild(t *testing.T) {
	r, commits := repo(t)
	w, err := Open(t.Context(), r, t.TempDir())
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	tree, err := w.Checkout(t.Context(), "good", commits[0])
	require.NoError(t, err)
	for name, text := range map[string]string{"off": "!metastore_plant", "on": "metastore_plant && other"} {
		source := "//go:build " + text + "\n\npackage main\n\nfunc init() { println(\"" + name + "\") }\n"
		require.NoError(t, os.WriteFile(filepath.Join(tree, "cmd", "metastore", name+".go"), []byte(source), 0o644))
	}
	said, binaries := make(map[string]bool), make(map[string]bool)
	for _, b := range []Build{{}, {Layout: 1}, {Layout: 2}, {Planted: true, Tags: "other"}} {
		b.Tree, b.Out, b.Log = tree, filepath.Join(w.Dir(), "store"), filepath.Join(w.Dir(), "log")
		require.NoError(t, w.Make(t.Context(), b))
		out, err := exec.CommandContext(t.Context(), b.Out).CombinedOutput()
		require.NoError(t, err)
		said[string(out)] = true
		binary, err := os.ReadFile(b.Out)
		require.NoError(t, err)
		binaries[string(binary)] = true
	}
	require.Equal(t, map[string]bool{"off\ngood\n": true, "on\ngood\n": true}, said)
	require.Len(t, binaries, 4)
}
