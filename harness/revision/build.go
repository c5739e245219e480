package revision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// storePackage is what is built.
const storePackage = "./cmd/metastore"

// tailLines is how much of a build's output an error repeats.
const tailLines = 12

// Build is one binary to make.
type Build struct {
	Tree string // directory of the sources
	Out  string // path of the binary
	Log  string // path of a file for the build's output; kept if the build fails
	Tags string // build tags, as go build takes them
	// Plants are the faults to plant; none for the revision as it is.
	Plants []Plant
}

// Make builds the store. Errors wrap ErrBuild or ErrPlant, or the context's.
//
// Paths are not trimmed, as `make build` does not: the modules that the store
// depends on then are in the build cache as a rule, and only its own packages are
// compiled.
func (w *Workshop) Make(ctx context.Context, b Build) error {
	args := []string{"build", "-buildvcs=false", "-o", b.Out}
	if b.Tags != "" {
		args = append(args, "-tags", b.Tags)
	}
	if len(b.Plants) > 0 {
		overlay, err := w.overlay(b.Tree, b.Plants)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, storePackage)...)
	cmd.Dir = b.Tree
	// The compiler and linker are children of go: all of them end together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	kept := fmt.Sprintf("the whole output is in %s", b.Log)
	if logErr := os.WriteFile(b.Log, out, 0o644); logErr != nil {
		kept = "the output could not be kept: " + logErr.Error()
	}
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		kept = "is Go installed?"
	}
	return fmt.Errorf("%w: go %s: %w; %s\n%s", ErrBuild, strings.Join(args[:2], " "), err, kept, tail(out))
}

// tail returns the last lines of some output.
func tail(out []byte) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-tailLines):], []byte("\n")))
}

// overlay writes the sources of a planted build and returns the file that tells
// go build of them.
func (w *Workshop) overlay(tree string, plants []Plant) (string, error) {
	files, err := planted(tree, plants)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(w.dir, "overlay-*")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPlant, err)
	}
	replace := make(map[string]string, len(files))
	for name, text := range files {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return "", fmt.Errorf("%w: %w", ErrPlant, err)
		}
		replace[filepath.Join(tree, filepath.FromSlash(name))] = path
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPlant, err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o644); err != nil {
		return "", fmt.Errorf("%w: %w", ErrPlant, err)
	}
	return path, nil
}
