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

// shapes are the sizes of an entry's payload and the entries per frame. The one
// of 64 KiB is a batch of a busy store.
var shapes = []struct{ entryBytes, batch int }{
	{256, 1}, {256, 10}, {256, 100}, {1024, 64}, {4096, 1}, {4096, 10}, {4096, 100},
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

// appender appends batches of entries of one size to a log.
type appender struct {
	log     *wal.Log
	entries []wal.Entry
	next    uint64
}

func newAppender(b *testing.B, opts wal.Options, entryBytes, batch int) *appender {
	l, _, err := wal.Open(opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	return &appender{log: l, entries: entries(1, batch, entryBytes), next: 1}
}

func (a *appender) append(b *testing.B) {
	for i := range a.entries {
		a.entries[i].Index = a.next
		a.next++
	}
	if err := a.log.Append(nil, a.entries); err != nil {
		b.Fatal(err)
	}
}

// cut drops all segments but the active one, if there are more than two, as a
// store does that takes snapshots.
func (a *appender) cut(b *testing.B) {
	if a.log.Stats().Segments <= 2 {
		return
	}
	err := a.log.SaveSnapshot(wal.SnapshotMark{Index: a.next - 1, Term: 1})
	if err == nil {
		err = a.log.Truncate(a.next - 1)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAppendSync is the log: one frame and one sync for each batch. With
// files=new every segment is a new file. With files=recycled the log is cut now
// and then, within the measured time, and lives in the same few files: the state
// of a store that has run for a while.
func BenchmarkAppendSync(b *testing.B) {
	for _, files := range []string{"new", "recycled"} {
		b.Run("files="+files, func(b *testing.B) {
			forShapes(b, func(b *testing.B, entryBytes, batch int) {
				a := newAppender(b, wal.Options{Dir: b.TempDir()}, 1<<20, 8)
				recycle := files == "recycled"
				for recycle && a.log.Stats().Recycled == 0 {
					a.append(b)
					a.cut(b)
				}
				a.entries = entries(1, batch, entryBytes)
				for b.Loop() {
					a.append(b)
					if err := a.log.Sync(); err != nil {
						b.Fatal(err)
					}
					if recycle {
						a.cut(b)
					}
				}
			})
		})
	}
}

// BenchmarkRawSync is the ceiling: the same bytes in one write and one
// fdatasync, to space that was made in four ways. "append" lets the file grow,
// "fallocate" reserves it with vfs.File.Preallocate, "zeros" writes 256 KiB of
// zeros ahead, as the log does in a new file, and "overwrite" goes over data that
// were written before, as the log does in a recycled one.
func BenchmarkRawSync(b *testing.B) {
	for _, way := range []string{"append", "fallocate", "zeros", "overwrite"} {
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
	const ahead, limit = 256 << 10, 64 << 20
	content, zeros := make([]byte, n), make([]byte, ahead)
	for i := range content {
		content[i] = byte(i)
	}
	off, filled := int64(0), int64(0)
	fill := func(to int64) {
		for ; filled < to; filled += ahead {
			if _, err := f.WriteAt(zeros, filled); err != nil {
				b.Fatal(err)
			}
		}
	}
	switch way {
	case "fallocate":
		err = f.Preallocate(0, limit)
	case "overwrite":
		fill(limit)
		err = f.Sync()
	}
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if off+int64(n) > limit {
			off = 0 // the log would begin a new segment here
		}
		if way == "zeros" {
			fill(off + int64(n))
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
		a := newAppender(b, wal.Options{FS: discardFS{vfs.NewMem()}, Dir: "wal", SegmentBytes: 1 << 40}, entryBytes, batch)
		for b.Loop() {
			a.append(b)
		}
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
