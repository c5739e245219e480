package revision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Files of a Workshop, and what its directory is called.
const (
	workshopPattern = "metabench-gate-*"
	lockFile        = "lock"
	repositoryFile  = "repository"
)

// needBytes is the room that worktrees and builds take, with some to spare.
const needBytes = 1 << 30

// Workshop is where revisions are checked out and built. One goroutine owns it.
type Workshop struct {
	repository Repository
	dir        string
	lock       *os.File
	trees      []string
}

// Open makes a Workshop inside parent, "" for the system's directory of temporary
// files, and removes what killed processes left of theirs. ErrSpace says that
// there is too little room.
func Open(ctx context.Context, r Repository, parent string) (*Workshop, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := CheckSpace(parent, needBytes); err != nil {
		return nil, err
	}
	if err := sweep(ctx, parent); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, workshopPattern)
	if err != nil {
		return nil, fmt.Errorf("make a directory for builds: %w", err)
	}
	w := &Workshop{repository: r, dir: dir}
	if w.lock, err = os.Create(filepath.Join(dir, lockFile)); err == nil {
		err = unix.Flock(int(w.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, repositoryFile), []byte(r.Root), 0o644)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a directory for builds: %w", err), w.Close())
	}
	return w, nil
}

// Dir is the Workshop's directory: a place for builds, gone after Close.
func (w *Workshop) Dir() string { return w.dir }

// Close removes the worktrees and the directory. It also does when a context of
// other calls has ended.
func (w *Workshop) Close() error {
	err := remove(context.Background(), w.repository, w.dir, w.trees)
	if w.lock != nil {
		err = errors.Join(err, w.lock.Close())
	}
	return err
}

// Checkout makes a worktree of a commit and returns its directory. Errors wrap
// ErrBuild.
func (w *Workshop) Checkout(ctx context.Context, name, hash string) (string, error) {
	dir := filepath.Join(w.dir, name)
	w.trees = append(w.trees, dir)
	if _, err := git(ctx, w.repository.Root, "worktree", "add", "--quiet", "--detach", dir, hash); err != nil {
		return "", fmt.Errorf("%w: check out %s (%.12s): %w", ErrBuild, name, hash, err)
	}
	return dir, nil
}

// remove takes worktrees out of the repository's account, and dir off the disk.
func remove(ctx context.Context, r Repository, dir string, trees []string) error {
	err := os.RemoveAll(dir)
	if len(trees) == 0 {
		return err
	}
	// The directories are gone, so prune forgets them; nothing of others is.
	_, pruned := git(ctx, r.Root, "worktree", "prune")
	return errors.Join(err, pruned)
}

// sweep removes the Workshops in parent that no living process holds.
func sweep(ctx context.Context, parent string) error {
	left, err := filepath.Glob(filepath.Join(parent, workshopPattern))
	if err != nil {
		return fmt.Errorf("find leftovers: %w", err)
	}
	for _, dir := range left {
		if err := sweepOne(ctx, dir); err != nil {
			return fmt.Errorf("remove what a killed run left in %s: %w", dir, err)
		}
	}
	return nil
}

// sweepOne removes one Workshop unless it is held. A directory that has no lock, or
// no repository, is not one, or is being made.
func sweepOne(ctx context.Context, dir string) error {
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	defer lock.Close()
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil
	}
	root, err := os.ReadFile(filepath.Join(dir, repositoryFile))
	if err != nil {
		return nil
	}
	r := Repository{Root: strings.TrimSpace(string(root))}
	if _, err := os.Stat(r.Root); err != nil {
		return os.RemoveAll(dir) // the repository is gone too
	}
	return remove(ctx, r, dir, []string{dir})
}

// CheckSpace returns ErrSpace if the disk that holds dir, which must exist, has
// fewer bytes left for this user.
func CheckSpace(dir string, bytes int64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look for disk space in %s: %w", dir, err)
	}
	if free := int64(st.Bavail) * st.Bsize; free < bytes {
		return fmt.Errorf("%w: %s has %d MB left, %d MB are needed", ErrSpace, dir, free>>20, bytes>>20)
	}
	return nil
}
