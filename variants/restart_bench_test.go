package variants_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/engine"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// BenchmarkRestart starts a store on a log that no snapshot has cut, and waits until
// it has read, checked and applied all of it: an operation is a start. entries=N
// has one put of 256 bytes in each of N entries; puts=N has as many puts in entries
// as --propose=batch makes them for 1,000 clients.
func BenchmarkRestart(b *testing.B) {
	for _, c := range []struct{ unit, propose string }{{"entries", "perop"}, {"puts", "batch"}} {
		for _, puts := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s=%d", c.unit, puts), func(b *testing.B) {
				o := options(b, vfs.Default, b.TempDir(), with(b, variants.VariantBest, "propose", c.propose))
				o.SnapshotCount, o.SnapshotBytes = 1<<40, 1<<40
				benchmarkRestart(b, o, puts)
			})
		}
	}
}

func benchmarkRestart(b *testing.B, o node.Options, puts int) {
	n := start(b, o)
	putAll(b, n, 1000, puts)
	entries := n.Status().AppliedIndex - 1 // the log begins behind index 1
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
	bytes := logBytes(b, o)
	b.SetBytes(bytes)
	b.ResetTimer()
	for range b.N {
		n := start(b, o)
		if err := n.Read(context.Background(), false, func(engine.Reader) error { return nil }); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if got := n.Status().Revision; got != int64(puts)+1 {
			b.Fatalf("the store is at revision %d after %d puts", got, puts)
		}
		if err := n.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	perStart := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(entries)/perStart, "entries/s")
	b.ReportMetric(float64(puts)/perStart, "puts/s")
	b.ReportMetric(float64(bytes), "log-bytes")
}

// logBytes is the size of the log's files.
func logBytes(b *testing.B, o node.Options) (sum int64) {
	dir := o.FS.PathJoin(o.DataDir, "wal")
	names, err := o.FS.List(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		info, err := o.FS.Stat(o.FS.PathJoin(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}
