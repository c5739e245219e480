// Package child starts the programs that the harness measures, and sees to it
// that they end. A child says with its ready line (package ready) that it
// serves; it runs in a process group of its own, and never outlives this process.
//
// Linux only: it relies on the parent-death signal (prctl(2)).
package child

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"metastorebench/harness/ready"
)

// Bounds on every wait.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
	// drain is how long output is waited for after the process has ended.
	drain = time.Second
)

// notInBuild is how the store says that a value is not compiled in.
const notInBuild = "not in this build"

// Errors of Start and Watch, wrapped with what the child said last on standard error.
var (
	// ErrUnavailable says that the child lacks what it was asked for, in this
	// build.
	ErrUnavailable = errors.New(notInBuild)
	// ErrStart says that the child did not come up; with syscall.EADDRINUSE because a
	// port is taken.
	ErrStart = errors.New("target did not start")
	// ErrEnded is the cause with which Watch cancels: the child ended by itself.
	ErrEnded = errors.New("the target ended by itself")
)

// Process is a child that has said that it is ready. Its methods may be called
// from any goroutine.
type Process struct {
	// Ready is what it said when it had started.
	Ready ready.Line

	cmd    *exec.Cmd
	stderr *tail
	ended  chan struct{} // closed when it has ended
	err    error         // why, set before ended is closed
}

// Start starts argv (a program and its arguments) and waits for its ready line,
// 30 s at most. An error wraps ErrStart, ErrUnavailable or the context's cause;
// the child is gone then. The caller must call Stop or Kill.
func Start(ctx context.Context, argv []string) (*Process, error) {
	if len(argv) == 0 {
		return nil, fmt.Errorf("%w: no command was given", ErrStart)
	}
	p := &Process{cmd: exec.Command(argv[0], argv[1:]...), stderr: &tail{}, ended: make(chan struct{})}
	line := &firstLine{got: make(chan []byte, 1)}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.WaitDelay = line, p.stderr, drain
	// Its own group: a Ctrl-C at the terminal is for us to pass on. The kernel
	// kills it if we die.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.spawn(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	select {
	case text := <-line.got:
		return p.announced(text)
	case <-p.ended:
		select {
		case text := <-line.got: // it was ready before it ended
			return p.announced(text)
		default:
		}
		if said := p.stderr.String(); strings.Contains(said, notInBuild) {
			return nil, fmt.Errorf("%w%s", ErrUnavailable, said)
		}
		return nil, p.failure()
	case <-late.C:
		p.Kill()
		return nil, fmt.Errorf("%w: no ready line within %v%s", ErrStart, startTimeout, p.stderr)
	case <-ctx.Done():
		p.Kill()
		return nil, context.Cause(ctx)
	}
}

// failure says why a process that has ended did not come up.
func (p *Process) failure() error {
	if strings.Contains(p.stderr.String(), syscall.EADDRINUSE.Error()) {
		return fmt.Errorf("%w: %w: %w%s", ErrStart, syscall.EADDRINUSE, p.exit(), p.stderr)
	}
	return fmt.Errorf("%w: %w%s", ErrStart, p.exit(), p.stderr)
}

// announced takes over what the child said when it was ready.
func (p *Process) announced(text []byte) (*Process, error) {
	var err error
	if p.Ready, err = ready.Parse(text); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w: %w%s", ErrStart, err, p.stderr)
	}
	return p, nil
}

// spawn starts the child from a thread that lives as long as the child: the
// parent-death signal is sent when the thread that forked ends (prctl(2)), and
// the runtime ends threads as it likes (golang/go#27505).
func (p *Process) spawn() error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return <-started
}

// Ended is closed when the process has ended, for whatever reason.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Exit says how the process ended, and what it said last. It must be called
// after Ended only.
func (p *Process) Exit() error { return fmt.Errorf("%w%s", p.exit(), p.stderr) }

// Watch calls cancel when the process ends by itself, with how it ended. The
// function that it returns ends the watch.
func (p *Process) Watch(cancel context.CancelCauseFunc) (stop func()) {
	quit := make(chan struct{})
	go func() {
		select {
		case <-p.ended:
			cancel(fmt.Errorf("%w: %w", ErrEnded, p.Exit()))
		case <-quit:
		}
	}()
	return sync.OnceFunc(func() { close(quit) })
}

func (p *Process) exit() error {
	if p.err == nil {
		return errors.New("exited with status 0")
	}
	return p.err
}

// Kill ends the process group and waits until the process is gone. It may be
// called at any time, more than once.
func (p *Process) Kill() {
	// An error means that it is gone already, which Wait will tell.
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// Stop asks the process to end and kills it if it does not. It returns an error
// unless the process ended by itself with status 0.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Kill()
		return fmt.Errorf("it had ended before it was asked to: %w%s", p.exit(), p.stderr)
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		p.Kill()
		return fmt.Errorf("did not stop within %v and was killed%s", stopTimeout, p.stderr)
	}
	if p.err != nil {
		return fmt.Errorf("%w%s", p.err, p.stderr)
	}
	return nil
}
