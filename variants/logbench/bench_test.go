package logbench

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

var dataDir = flag.String("dir", "", "folder whose disk is measured (default: the temporary directory)")

// BenchmarkCommitLog puts to each system from so many callers. The systems come in
// a new random order for each number of callers: what one leaves to the next, such
// as the file system's work for removed files, falls on all alike. A system that
// syncs too little, or does not hold after a restart what it acknowledged, fails the
// benchmark.
func BenchmarkCommitLog(b *testing.B) {
	for _, callers := range []int{1, 10, 100, 1000} {
		for _, at := range rand.Perm(len(systems)) {
			s := systems[at]
			dir, err := os.MkdirTemp(*dataDir, "logbench-")
			if err != nil {
				b.Fatal(err)
			}
			var l *load // all of the benchmark's rounds are one run, checked at its end
			b.Run(fmt.Sprintf("callers=%d/system=%s", callers, s.name), func(b *testing.B) {
				if l == nil {
					if l, err = newLoad(s.open, filepath.Join(dir, "data"), callers); err != nil {
						b.Fatal(err)
					}
				}
				l.measure(b)
			})
			if l != nil && err == nil {
				if err := l.check(); err != nil {
					b.Errorf("%s with %d callers: %v", s.name, callers, err)
				}
			}
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// measure makes b.N puts and reports what they took.
func (l *load) measure(b *testing.B) {
	b.ReportAllocs()
	before := l.account(b)
	b.ResetTimer()
	took, err := l.put(b.N)
	b.StopTimer()
	after := l.account(b)
	if err := errors.Join(err, l.checkSyncs(b.N, after.syncs-before.syncs)); err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	puts := float64(b.N)
	b.ReportMetric(puts/b.Elapsed().Seconds(), "puts/s")
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
	b.ReportMetric(float64(after.cpu-before.cpu)/puts, "CPU-ns/put")
	b.ReportMetric(float64(after.syncs-before.syncs)/puts, "fsyncs/put")
}

// account is what the process has used and the system has synced so far.
type account struct {
	cpu   time.Duration // user's and system's
	syncs int64
}

func (l *load) account(tb testing.TB) account {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	syncs, err := l.system.syncs()
	if err != nil {
		tb.Fatal(err)
	}
	return account{cpu: time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), syncs: syncs}
}
