package trial

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime/metrics"
	"strconv"

	"golang.org/x/sys/unix"
)

// userHZ is the unit of CPU time in /proc, fixed at 1/100 s by Linux's ABI on
// all platforms that Go supports (proc_pid_stat(5), sysconf(_SC_CLK_TCK)).
const userHZ = 100

// ErrProc says that /proc has another form than is documented.
var ErrProc = errors.New("unexpected content in /proc")

// usage is what a process has used since it started.
type usage struct {
	cpuNS                      int64   // all CPU time
	userSeconds, systemSeconds float64 // its parts, in whole ticks of 10 ms
	peakRSSBytes               int64
}

// add adds what another process of the same target has used. The sum of the
// peaks is no less than the peak of the sum.
func (u *usage) add(o usage) {
	u.cpuNS += o.cpuNS
	u.userSeconds += o.userSeconds
	u.systemSeconds += o.systemSeconds
	u.peakRSSBytes += o.peakRSSBytes
}

// readUsage reads the usage of a process from /proc.
func readUsage(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	u, err := parseStat(stat)
	if err != nil {
		return u, fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	if u.cpuNS, err = readCPUClock(pid); err != nil {
		return u, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	if u.peakRSSBytes, err = parseHWM(status); err != nil {
		return u, fmt.Errorf("/proc/%d/status: %w", pid, err)
	}
	return u, nil
}

// readCPUClock reads a process's CPU clock, which counts nanoseconds: a window of a
// tenth of a second has too few of /proc's ticks. Its id is made as by
// clock_getcpuclockid(3): the process id's complement above three bits, of which 2
// says the scheduler's clock.
func readCPUClock(pid int) (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return ts.Nano(), nil
}

// parseStat takes utime and stime, fields 14 and 15 of proc_pid_stat(5). Field 2
// is the command in parentheses and may hold anything, so fields are counted
// from the last parenthesis.
func parseStat(stat []byte) (usage, error) {
	end := bytes.LastIndexByte(stat, ')')
	fields := bytes.Fields(stat[end+1:]) // from field 3
	if end < 0 || len(fields) < 13 {
		return usage{}, fmt.Errorf("%w: %d fields after the command, want 13 or more", ErrProc, len(fields))
	}
	user, err1 := strconv.ParseUint(string(fields[11]), 10, 63)
	system, err2 := strconv.ParseUint(string(fields[12]), 10, 63)
	if err := errors.Join(err1, err2); err != nil {
		return usage{}, fmt.Errorf("%w: CPU times: %w", ErrProc, err)
	}
	return usage{userSeconds: float64(user) / userHZ, systemSeconds: float64(system) / userHZ}, nil
}

// parseHWM takes the line "VmHWM:  1234 kB", the peak resident set.
func parseHWM(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[0]) != "VmHWM:" || string(fields[2]) != "kB" {
			continue
		}
		kib, err := strconv.ParseInt(string(fields[1]), 10, 53)
		if err != nil {
			return 0, fmt.Errorf("%w: VmHWM: %w", ErrProc, err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("%w: no VmHWM", ErrProc)
}

// heap is the number and size of all heap allocations so far.
type heap struct{ allocs, bytes int64 }

// ownHeap returns the allocations of this process.
func ownHeap() heap {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return heap{allocs: int64(s[0].Value.Uint64()), bytes: int64(s[1].Value.Uint64())}
}
