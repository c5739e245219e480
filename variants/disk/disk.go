// Package disk holds the environment factor --disk: profiles that make every
// sync of a file take longer, so that one machine can stand for others.
//
//	native  nothing is added
//	1ms     1 ms is added to every sync
//	plan    2 to 5 ms, uniformly distributed, is added (the plan's baseline disk)
//
// A profile is meant for the device of the Raft log only: wrap the file system
// that is given to core/wal, not that of an engine. The real sync is done first
// and its errors are returned; then the caller sleeps in the same call, so a
// profile's latency is the real one plus the addition.
//
// What is added is a system call that blocks its thread, as a slow fdatasync
// does. time.Sleep is not used on Linux: while the process is otherwise idle its
// timers wait in epoll with whole milliseconds, and 3.5 ms became 4.2 ms here.
// nanosleep(2) overshoots by the thread's timer slack and the wake-up, together
// about 0.1 ms; TestNanosleepIsNotShort and BenchmarkSleep show both.
package disk

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// profile is a distribution of added latency, uniform over [min, max].
type profile struct {
	name, summary string
	min, max      time.Duration
}

// profiles lists the factor's levels; the first is the default.
var profiles = []profile{
	{name: "native", summary: "the device as it is"},
	{name: "1ms", summary: "1 ms added to every sync of the Raft log", min: time.Millisecond, max: time.Millisecond},
	{name: "plan", summary: "2-5 ms, uniform, added to every sync of the Raft log (the plan's disk)", min: 2 * time.Millisecond, max: 5 * time.Millisecond},
}

// Names lists the accepted profiles; the first is the default.
func Names() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.name
	}
	return names
}

// Summary describes a profile in one line; it is empty for an unknown name.
func Summary(name string) string {
	for _, p := range profiles {
		if p.name == name {
			return p.summary
		}
	}
	return ""
}

// Profile returns the function that puts the named profile around a file system.
// Added latencies are drawn in the order of the syncs from a generator seeded by
// seed, one generator for each call of wrap. An unknown name is an error that
// lists the accepted ones.
func Profile(name string, seed uint64) (wrap func(vfs.FS) vfs.FS, err error) {
	return profileWithSleep(name, seed, sleep)
}

// profileWithSleep is Profile with the clock in the caller's hands.
func profileWithSleep(name string, seed uint64, sleep func(time.Duration)) (func(vfs.FS) vfs.FS, error) {
	for _, p := range profiles {
		if p.name != name {
			continue
		}
		return func(fs vfs.FS) vfs.FS {
			if p.max == 0 {
				return fs
			}
			return &slowFS{FS: fs, delay: &delay{profile: p, sleep: sleep, rng: rand.New(rand.NewPCG(seed, 0))}}
		}, nil
	}
	return nil, fmt.Errorf("unknown --disk %q, want one of %s", name, strings.Join(Names(), ", "))
}

// delay draws and sleeps; files of one file system share it.
type delay struct {
	profile
	sleep func(time.Duration)

	mu  sync.Mutex
	rng *rand.Rand
}

// wait adds one sync's latency. Concurrent syncs sleep side by side.
func (d *delay) wait() {
	d.mu.Lock()
	t := d.min + time.Duration(d.rng.Int64N(int64(d.max-d.min)+1))
	d.mu.Unlock()
	d.sleep(t)
}
