package trial

import (
	"bytes"
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

const (
	tailBytes = 4 << 10
	// drain is how long output is waited for after the process has ended.
	drain = time.Second
	// notInBuild is how the store says that a value is not compiled in.
	notInBuild = "not in this build"
)

// process is a child in a process group of its own.
type process struct {
	cmd    *exec.Cmd
	ready  ready.Line
	stderr *tail
	ended  chan struct{} // closed when it has ended
	err    error         // why, set before ended is closed
}

// startProcess starts argv and waits for its ready line.
func startProcess(ctx context.Context, argv []string) (*process, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), stderr: &tail{}, ended: make(chan struct{})}
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
		var err error
		if p.ready, err = ready.Parse(text); err != nil {
			p.kill()
			return nil, fmt.Errorf("%w: %w%s", ErrStart, err, p.stderr)
		}
		return p, nil
	case <-p.ended:
		if said := p.stderr.String(); strings.Contains(said, notInBuild) {
			return nil, fmt.Errorf("%w%s", ErrUnavailable, said)
		}
		return nil, fmt.Errorf("%w: %w%s", ErrStart, p.exit(), p.stderr)
	case <-late.C:
		p.kill()
		return nil, fmt.Errorf("%w: no ready line within %v%s", ErrStart, startTimeout, p.stderr)
	case <-ctx.Done():
		p.kill()
		return nil, context.Cause(ctx)
	}
}

// spawn starts the child from a thread that lives as long as the child: the
// parent-death signal is sent when the thread that forked ends (prctl(2)), and
// the runtime ends threads as it likes (golang/go#27505).
func (p *process) spawn() error {
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

// exit says how the process ended; it must have.
func (p *process) exit() error {
	if p.err == nil {
		return errors.New("exited with status 0")
	}
	return p.err
}

// kill ends the process group and waits until the process is gone. It may be
// called at any time, more than once.
func (p *process) kill() {
	// An error means that it is gone already, which Wait will tell.
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// stop asks the process to end and kills it if it does not. It returns an error
// unless the process ended by itself with status 0.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.kill()
		return fmt.Errorf("it had ended before it was asked to: %w%s", p.exit(), p.stderr)
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		p.kill()
		return fmt.Errorf("did not stop within %v and was killed%s", stopTimeout, p.stderr)
	}
	if p.err != nil {
		return fmt.Errorf("%w%s", p.err, p.stderr)
	}
	return nil
}

// firstLine passes on the first line written to it and drops the rest.
type firstLine struct {
	got  chan []byte // room for one
	part []byte
	done bool
}

func (f *firstLine) Write(b []byte) (int, error) {
	if !f.done {
		before, _, found := bytes.Cut(b, []byte{'\n'})
		f.part = append(f.part, before...)
		if found {
			f.done = true
			f.got <- f.part
		}
	}
	return len(b), nil
}

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

// String returns the text as the end of an error message: empty, or a
// semicolon and what standard error said last.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.buf))
	if text == "" {
		return ""
	}
	return "; it said: " + text
}
