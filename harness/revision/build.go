package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// storePackage is what is built.
const storePackage = "./cmd/metastore"

// plantTag is the build tag of the hooks for planted faults.
const plantTag = "metastore_plant"

// tailLines is how much of a build's output an error repeats.
const tailLines = 12

// Build is one binary to make.
type Build struct {
	Tree string // directory of the sources
	Out  string // path of the binary
	Log  string // path of a file for the build's output; kept if the build fails
	Tags string // build tags, as go build takes them
	// Planted adds the hooks of core/plant, for faults of which each start says which
	// one; see the package's documentation.
	Planted bool
	// Layout, if not 0, is the seed of another order of functions in the binary.
	Layout uint64
}

// Make builds the store. Errors wrap ErrBuild, or the context's.
//
// Paths are not trimmed, as `make build` does not: the modules that the store
// depends on then are in the build cache as a rule, and only its own packages are
// compiled.
func (w *Workshop) Make(ctx context.Context, b Build) error {
	args := []string{"build", "-buildvcs=false", "-o", b.Out}
	tags := strings.FieldsFunc(b.Tags, func(c rune) bool { return c == ',' || c == ' ' })
	if b.Planted {
		tags = append(tags, plantTag)
	}
	if len(tags) > 0 {
		args = append(args, "-tags", strings.Join(tags, ","))
	}
	if b.Layout != 0 {
		args = append(args, fmt.Sprintf("-ldflags=-randlayout=%d", b.Layout))
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
