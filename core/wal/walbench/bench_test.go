package walbench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// dropBytes is how much payload a log takes before it is told to drop what it
// holds.
const dropBytes = 64 << 20

// batchLog is a log under comparison.
type batchLog interface {
	// save makes a batch of entries durable. The first has index first; all have
	// the same payload.
	save(first uint64, payload []byte, entries int) error
	// drop frees the space of entries up to index, as far as whole files allow.
	drop(index uint64) error
	close() error
}

var logs = []struct {
	name string
	open func(dir string) (batchLog, error)
}{
	{"raw", openRaw}, {"wal", openOurs}, {"raft-wal", openHashicorp}, {"etcd", openEtcd},
}

// shapes are the batches: their size at the plan's value of 256 bytes, from one
// entry to a MiB, and for 64 KiB, a busy store's batch, the size of the entries.
var shapes = []struct{ entryBytes, entries int }{
	{256, 1}, {256, 4}, {256, 16}, {256, 64}, {256, 256}, {256, 1024}, {256, 4096},
	{64, 1024}, {1024, 1}, {1024, 64}, {4096, 1}, {4096, 16},
}

// BenchmarkSave saves batches of entries, one sync each. The logs come in a new
// random order for every shape: what one leaves to the next, such as the file
// system's work for removed files, falls on all alike.
func BenchmarkSave(b *testing.B) {
	for _, shape := range shapes {
		for _, at := range rand.Perm(len(logs)) {
			l := logs[at]
			b.Run(fmt.Sprintf("entry=%d/batch=%d/log=%s", shape.entryBytes, shape.entries, l.name), func(b *testing.B) {
				log, err := l.open(filepath.Join(b.TempDir(), "log"))
				if err != nil {
					b.Fatal(err)
				}
				benchSave(b, log, shape.entryBytes, shape.entries)
				if err := log.close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func benchSave(b *testing.B, log batchLog, entryBytes, entries int) {
	b.SetBytes(int64(entryBytes * entries))
	b.ReportAllocs()
	payload := make([]byte, entryBytes)
	for i := range payload {
		payload[i] = byte(i)
	}
	saver := saver{log: log, next: 1}
	// Two segments' worth before the clock starts: files exist by then.
	for saver.next*uint64(entryBytes) < 2*dropBytes {
		saver.save(b, payload, max(entries, dropBytes/32/entryBytes))
	}
	for b.Loop() {
		saver.save(b, payload, entries)
	}
}

// saver appends to a log and drops what is behind.
type saver struct {
	log     batchLog
	next    uint64
	pending int // bytes since the last drop
}

func (s *saver) save(b *testing.B, payload []byte, entries int) {
	if err := s.log.save(s.next, payload, entries); err != nil {
		b.Fatal(err)
	}
	s.next += uint64(entries)
	if s.pending += entries * len(payload); s.pending >= dropBytes {
		s.pending = 0
		if err := s.log.drop(s.next - 1); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSaveAndDrop: what is measured does what it says.
func TestSaveAndDrop(t *testing.T) {
	for _, l := range logs {
		t.Run(l.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log")
			log, err := l.open(dir)
			if err != nil {
				t.Fatal(err)
			}
			payload := make([]byte, 1<<20)
			for i := range payload {
				payload[i] = byte(i)
			}
			for index := uint64(1); index <= 512; index += 2 {
				if err := log.save(index, payload, 2); err != nil {
					t.Fatal(err)
				}
				if index%32 == 1 {
					if err := log.drop(index + 1); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := log.close(); err != nil {
				t.Fatal(err)
			}
			size, err := dirBytes(dir)
			if err != nil {
				t.Fatal(err)
			}
			if size < 1<<20 || size > 5*dropBytes {
				t.Errorf("%d bytes on disk after 512 MiB of entries, of which at most 32 MiB were kept", size)
			}
		})
	}
}

// dirBytes sums up the files under dir.
func dirBytes(dir string) (total int64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		info, infoErr := e.Info()
		if infoErr != nil {
			return 0, errors.Join(err, infoErr)
		}
		total += info.Size()
	}
	return total, err
}
