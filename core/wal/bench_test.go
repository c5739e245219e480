package wal_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"metastorebench/core/wal"
)

// shapes are the sizes of an entry's payload and the entries per frame.
var shapes = []struct{ entryBytes, batch int }{
	{256, 1}, {256, 10}, {256, 100}, {4096, 1}, {4096, 10}, {4096, 100},
}

func forShapes(b *testing.B, run func(b *testing.B, entryBytes, batch int)) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("entry=%d/batch=%d", s.entryBytes, s.batch), func(b *testing.B) {
			b.SetBytes(int64(s.entryBytes * s.batch))
			b.ReportAllocs()
			run(b, s.entryBytes, s.batch)
		})
	}
}

// benchAppend appends batches to a log on fs, and syncs each if asked to.
func benchAppend(b *testing.B, fs vfs.FS, dir string, entryBytes, batch int, sync bool) {
	l, _, err := wal.Open(wal.Options{FS: fs, Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	next, es := uint64(1), entries(1, batch, entryBytes)
	for b.Loop() {
		for i := range es {
			es[i].Index = next
			next++
		}
		if err := l.Append(nil, es); err != nil {
			b.Fatal(err)
		}
		if !sync {
			continue
		}
		if err := l.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAppendSync is the log: one frame and one sync for each batch.
func BenchmarkAppendSync(b *testing.B) {
	forShapes(b, func(b *testing.B, entryBytes, batch int) {
		benchAppend(b, vfs.Default, b.TempDir(), entryBytes, batch, true)
	})
}

// BenchmarkRawSync is the ceiling: the same bytes in one write and one
// fdatasync, to space that was allocated in three ways. "append" lets the file
// grow, "fallocate" reserves it with vfs.File.Preallocate, and "zeros" is what
// the log does: 256 KiB of zeros written ahead.
func BenchmarkRawSync(b *testing.B) {
	for _, way := range []string{"append", "fallocate", "zeros"} {
		b.Run("space="+way, func(b *testing.B) {
			forShapes(b, func(b *testing.B, entryBytes, batch int) {
				benchRaw(b, way, entryBytes*batch)
			})
		})
	}
}

func benchRaw(b *testing.B, way string, n int) {
	f, err := vfs.Default.Create(filepath.Join(b.TempDir(), "raw"), vfs.WriteCategoryUnspecified)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const ahead, limit = 256 << 10, wal.DefaultSegmentBytes
	content, zeros := make([]byte, n), make([]byte, ahead)
	for i := range content {
		content[i] = byte(i)
	}
	off, filled := int64(0), int64(0)
	if way == "fallocate" {
		if err := f.Preallocate(0, limit); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if off+int64(n) > limit {
			off = 0 // the log would begin a new segment here
		}
		for way == "zeros" && filled < off+int64(n) {
			if _, err := f.WriteAt(zeros, filled); err != nil {
				b.Fatal(err)
			}
			filled += ahead
		}
		if _, err := f.WriteAt(content, off); err != nil {
			b.Fatal(err)
		}
		off += int64(n)
		if err := f.SyncData(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncode is the log without the device: what Append costs before its
// write call.
func BenchmarkEncode(b *testing.B) {
	forShapes(b, func(b *testing.B, entryBytes, batch int) {
		benchAppend(b, discardFS{vfs.NewMem()}, "wal", entryBytes, batch, false)
	})
}

// BenchmarkPebbleRecordSync is BenchmarkAppendSync with pebble's record package,
// whose writer hands blocks to a flushing goroutine: each batch is one record.
func BenchmarkPebbleRecordSync(b *testing.B) {
	forShapes(b, benchRecord)
}

// benchRecord writes each batch as one record of pebble's log.
func benchRecord(b *testing.B, entryBytes, batch int) {
	f, err := vfs.Default.Create(filepath.Join(b.TempDir(), "log"), vfs.WriteCategoryUnspecified)
	if err != nil {
		b.Fatal(err)
	}
	slots := make(chan struct{}, record.SyncConcurrency)
	w := record.NewLogWriter(f, 1, record.LogWriterConfig{
		WALFsyncLatency:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sync"}),
		QueueSemChan:        slots,
		WriteWALSyncOffsets: func() bool { return true },
	})
	payload := make([]byte, entryBytes*batch)
	for b.Loop() {
		slots <- struct{}{} // the writer takes it back when the sync is done
		var done sync.WaitGroup
		done.Add(1)
		var syncErr error
		_, err := w.SyncRecord(payload, &done, &syncErr)
		done.Wait()
		if err := errors.Join(err, syncErr); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

// discardFS keeps files' names but none of their later content, so that only the
// work before the write call is measured.
type discardFS struct{ vfs.FS }

// OpenReadWrite implements vfs.FS.
func (fs discardFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.OpenReadWrite(name, category, opts...)
	return discardFile{f}, err
}

// discardFile forgets what is written.
type discardFile struct{ vfs.File }

// WriteAt implements vfs.File.
func (discardFile) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// BenchmarkOpen replays a log of about 64 MiB.
func BenchmarkOpen(b *testing.B) {
	opts := wal.Options{FS: vfs.NewMem(), Dir: "wal"}
	l, _, err := wal.Open(opts)
	if err != nil {
		b.Fatal(err)
	}
	const n = 200_000
	for first := uint64(1); first < n; first += 100 {
		if err := l.Append(nil, entries(first, 100, 256)); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(l.Stats().SizeBytes)
	for b.Loop() {
		// Not closed again: that would add a frame.
		if _, got, err := wal.Open(opts); err != nil || len(got.Entries) != n {
			b.Fatalf("%d entries of %d, error %v", len(got.Entries), n, err)
		}
	}
}
