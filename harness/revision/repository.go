package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// Repository is a git repository with its working tree. Its methods run git and
// may be called from any goroutine.
type Repository struct {
	// Root is the top of the working tree.
	Root string
}

// Commit is a revision with what gates want to know of it.
type Commit struct {
	Hash    string
	Subject string
	Message string
	Files   []string // that it changed, slash-separated, from the top of the tree; none of a merge
}

// Find returns the repository that holds dir (ErrRepository, ErrGit).
func Find(ctx context.Context, dir string) (Repository, error) {
	out, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil && strings.Contains(err.Error(), "not a git repository") {
		return Repository{}, fmt.Errorf("%w in %s: %w", ErrRepository, dir, err)
	}
	if err != nil {
		return Repository{}, fmt.Errorf("%w in %s: %w", ErrGit, dir, err)
	}
	return Repository{Root: out}, nil
}

// Resolve returns the commit that a name stands for (ErrUnknown, ErrGit).
func (r Repository) Resolve(ctx context.Context, name string) (string, error) {
	hash, err := git(ctx, r.Root, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return "", fmt.Errorf("%w %q in %s; accepted: a commit, branch or tag that git rev-parse knows, such as HEAD~1 or main", ErrUnknown, name, r.Root)
	}
	if err != nil {
		return "", fmt.Errorf("%w in %s: %w", ErrGit, r.Root, err)
	}
	return hash, nil
}

// MergeBase returns the newest commit that both have in their history.
func (r Repository) MergeBase(ctx context.Context, a, b string) (string, error) {
	base, err := git(ctx, r.Root, "merge-base", a, b)
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) {
		return "", fmt.Errorf("%w in %s: %w", ErrGit, r.Root, err)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %.12s and %.12s have no common history here: %w", ErrUnknown, a, b, err)
	}
	return base, nil
}

// Subject returns the first line of a commit's message.
func (r Repository) Subject(ctx context.Context, hash string) (string, error) {
	return git(ctx, r.Root, "log", "-1", "--format=%s", hash)
}

// Between returns the commits that head has and base has not, newest first.
func (r Repository) Between(ctx context.Context, base, head string) ([]Commit, error) {
	out, err := git(ctx, r.Root, "-c", "core.quotePath=false", "log", "--name-only", "--format=%x01%H%x00%s%x00%B%x00", base+".."+head)
	if err != nil {
		return nil, fmt.Errorf("list the commits from %.12s to %.12s: %w", base, head, err)
	}
	var all []Commit
	for entry := range strings.SplitSeq(out, "\x01") {
		fields := strings.SplitN(entry, "\x00", 4)
		if len(fields) == 4 {
			all = append(all, Commit{Hash: fields[0], Subject: fields[1], Message: fields[2], Files: fileList(fields[3])})
		}
	}
	return all, nil
}

// Changed returns the files of the working tree that differ from its commit, new
// ones included. Results are no sources.
func (r Repository) Changed(ctx context.Context) ([]string, error) {
	sources := []string{"--", ":/", ":(top,exclude)results"}
	known, err := git(ctx, r.Root, append([]string{"-c", "core.quotePath=false", "diff", "--name-only", "HEAD"}, sources...)...)
	if err != nil {
		return nil, err
	}
	added, err := git(ctx, r.Root, append([]string{"-c", "core.quotePath=false", "ls-files", "--others", "--exclude-standard"}, sources...)...)
	return append(fileList(known), fileList(added)...), err
}

// fileList splits names, one a line.
func fileList(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == '\n' })
}

// git runs git in dir and returns its output without the last line's end. An
// error has what it said, in English.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us to pass on
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimRight(string(out), "\n"), nil
}
