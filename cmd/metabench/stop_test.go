package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// stopPlan has a trial that ends at once, and after it with seed 1 one that does not.
const stopPlan = `
name: stop
title: a plan for tests
baseline: {rpc: default}
workloads:
  put: {type: put, clients: 1, key_bytes: 8, value_bytes: 64, keys: 100}
  puts: {type: put, clients: 1, key_bytes: 8, value_bytes: 64, keys: 100}
groups:
  - {name: quick, target: noop, designs: [fixed], workloads: [put]}
  - {name: long, target: noop, designs: [fixed], workloads: [puts]}
levels:
  default: {blocks: 1, warmup: 1ms, measure: 1ms, groups: {long: {measure: 1h}}}
  smoke: {blocks: 1, warmup: 1ms, measure: 1ms, groups: {long: {measure: 1h}}}
`

// process is metabench as a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	dir   string       // of the run
	out   *os.File     // from which its standard output is read
	err   bytes.Buffer // what it said; complete when it has ended
	ended chan struct{}
}

// startRun runs stopPlan with more arguments, by way of a shell that ignores a signal if
// one is named.
func startRun(t *testing.T, ignored string, args ...string) *process {
	self, err := os.Executable()
	require.NoError(t, err)
	root := t.TempDir()
	plan := filepath.Join(root, "stop.yaml")
	require.NoError(t, os.WriteFile(plan, []byte(stopPlan), 0o644))
	p := &process{t: t, dir: filepath.Join(root, "out"), ended: make(chan struct{})}
	argv := append([]string{self, "run", plan, "--level", "smoke", "--out", p.dir}, args...)
	if ignored != "" {
		argv = append([]string{"/bin/sh", "-c", `trap "" ` + ignored + `; exec "$0" "$@"`}, argv...)
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, w, err := os.Pipe()
	require.NoError(t, err)
	p.out, p.cmd.Stdout, p.cmd.Stderr = out, w, &p.err
	require.NoError(t, p.cmd.Start())
	require.NoError(t, w.Close())
	go func() {
		_ = p.cmd.Wait() // its state says it too
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		_ = p.out.Close() // a test may have closed it
	})
	return p
}

// recorded waits until so many trials are recorded.
func (p *process) recorded(n int) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		b, err := os.ReadFile(filepath.Join(p.dir, record.RecordsFile))
		if err == nil && bytes.Count(b, []byte("\n")) == n {
			return
		}
		select {
		case <-look.C:
		case <-p.ended:
			require.Fail(p.t, "it ended before that many trials", p.err.String())
		}
	}
}

// TestStopFromOutside: whatever ends a run, it keeps what is finished, leaves nothing
// else behind and says how to go on; its exit status names the signal.
func TestStopFromOutside(t *testing.T) {
	signal := func(s syscall.Signal) func(*process) {
		return func(p *process) { require.NoError(p.t, p.cmd.Process.Signal(s)) }
	}
	for name, c := range map[string]struct {
		ignored string
		stop    func(*process)
		status  int
		says    string
	}{
		"int":  {"", signal(syscall.SIGINT), 130, "stopped by signal: interrupt"},
		"term": {"", signal(syscall.SIGTERM), 143, "stopped by signal: terminated"},
		"hup":  {"", signal(syscall.SIGHUP), 129, "stopped by signal: hangup"},
		"nohup": {"HUP", func(p *process) {
			signal(syscall.SIGHUP)(p)
			signal(syscall.SIGTERM)(p)
		}, 143, "stopped by signal: terminated"},
		"closed pipe": {"", func(p *process) { require.NoError(p.t, p.out.Close()) }, 141, "stopped: nobody reads standard output any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startRun(t, c.ignored)
			p.recorded(1)
			c.stop(p)
			<-p.ended
			require.Equal(t, c.status, p.cmd.ProcessState.ExitCode(), p.err.String())
			require.Contains(t, p.err.String(), c.says+": interrupted with 1 of 2 trials left; continue with: metabench run --resume "+p.dir)
			trials, err := record.ReadTrials(p.dir)
			require.NoError(t, err)
			require.Len(t, trials, 1)
			require.Empty(t, trials[0].Void)
			left, err := filepath.Glob(filepath.Join(p.dir, "metabench-data-*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// TestNobodyReadsTheProgress: a run goes on without.
func TestNobodyReadsTheProgress(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	plan := filepath.Join(dir, "stop.yaml")
	require.NoError(t, os.WriteFile(plan, []byte(stopPlan), 0o644))
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	cmd := exec.Command(self, "run", plan, "--level", "smoke", "--out", filepath.Join(dir, "out"), "--only", "group=quick")
	cmd.Stderr = w
	out, err := cmd.Output()
	require.NoError(t, w.Close())
	require.NoError(t, err)
	require.Contains(t, string(out), "1 of 1 trials recorded, 0 void")
}
