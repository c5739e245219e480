package trial

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"metastorebench/harness/record"
)

// Files of the whole machine: proc_stat(5) and proc_pid_net(5), of this
// process's network namespace.
const (
	procStat   = "/proc/stat"
	procNetDev = "/proc/net/dev"
)

// readMachine reads the totals since the machine started; nil without an error
// where a file does not exist, as in some sandboxes.
func readMachine() (*record.Machine, error) {
	stat, err := os.ReadFile(procStat)
	if err != nil {
		return nil, unlessMissing(err)
	}
	dev, err := os.ReadFile(procNetDev)
	if err != nil {
		return nil, unlessMissing(err)
	}
	m := &record.Machine{}
	if err := parseMachineStat(stat, m); err != nil {
		return nil, fmt.Errorf("%s: %w", procStat, err)
	}
	if m.LoopbackBytes, err = parseLoopback(dev); err != nil {
		return nil, fmt.Errorf("%s: %w", procNetDev, err)
	}
	return m, nil
}

func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// parseMachineStat takes the lines "cpu" (ticks of user, nice, system, idle,
// iowait, irq, softirq, steal; guests' are within user and nice) and "ctxt".
func parseMachineStat(stat []byte, m *record.Machine) error {
	var haveCPU, haveSwitches bool
	for line := range bytes.Lines(stat) {
		fields := strings.Fields(string(line))
		switch {
		case len(fields) >= 9 && fields[0] == "cpu":
			ticks, err := numbers(fields[1:9])
			if err != nil {
				return err
			}
			m.UserSeconds = float64(ticks[0]+ticks[1]) / userHZ
			m.SystemSeconds = float64(ticks[2]+ticks[5]+ticks[6]) / userHZ
			m.IdleSeconds = float64(ticks[3]) / userHZ
			m.IOWaitSeconds = float64(ticks[4]) / userHZ
			m.StealSeconds = float64(ticks[7]) / userHZ
			haveCPU = true
		case len(fields) == 2 && fields[0] == "ctxt":
			n, err := numbers(fields[1:])
			if err != nil {
				return err
			}
			m.ContextSwitches, haveSwitches = n[0], true
		}
	}
	if !haveCPU || !haveSwitches {
		return fmt.Errorf("%w: no line cpu with 8 numbers, or no line ctxt", ErrProc)
	}
	return nil
}

// parseLoopback takes the bytes sent over lo, the ninth number of its line; 0 if
// there is no such interface.
func parseLoopback(dev []byte) (int64, error) {
	for line := range bytes.Lines(dev) {
		name, rest, found := strings.Cut(string(line), ":")
		if !found || strings.TrimSpace(name) != "lo" {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) < 9 {
			return 0, fmt.Errorf("%w: %d numbers for lo, want 9 or more", ErrProc, len(fields))
		}
		n, err := numbers(fields[8:9])
		if err != nil {
			return 0, err
		}
		return n[0], nil
	}
	return 0, nil
}

func numbers(fields []string) ([]int64, error) {
	ns := make([]int64, len(fields))
	for i, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%w: %q, want a count", ErrProc, f)
		}
		ns[i] = n
	}
	return ns, nil
}

// machineBetween is the difference of two readings, nil unless both were made.
// The kernel may correct idle and iowait time downwards (proc_stat(5)); such a
// step counts as 0.
func machineBetween(before, after *record.Machine) *record.Machine {
	if before == nil || after == nil {
		return nil
	}
	return &record.Machine{
		UserSeconds:     max(0, after.UserSeconds-before.UserSeconds),
		SystemSeconds:   max(0, after.SystemSeconds-before.SystemSeconds),
		IdleSeconds:     max(0, after.IdleSeconds-before.IdleSeconds),
		IOWaitSeconds:   max(0, after.IOWaitSeconds-before.IOWaitSeconds),
		StealSeconds:    max(0, after.StealSeconds-before.StealSeconds),
		ContextSwitches: max(0, after.ContextSwitches-before.ContextSwitches),
		LoopbackBytes:   max(0, after.LoopbackBytes-before.LoopbackBytes),
	}
}
