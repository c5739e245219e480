package variants_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/node"
)

// fullDisk is a file system whose log files can be out of space, in one of the
// places where a device says so.
type fullDisk struct {
	vfs.FS
	full  atomic.Bool
	where string // "write", "preallocation", "new file", "sync"
}

func (d *fullDisk) fails(where string) bool { return d.where == where && d.full.Load() }

func (d *fullDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if d.fails("new file") {
		return nil, fmt.Errorf("create %s: %w", name, syscall.ENOSPC)
	}
	f, err := d.FS.Create(name, c)
	return &fullFile{File: f, disk: d}, err
}

func (d *fullDisk) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.OpenReadWrite(name, c, opts...)
	return &fullFile{File: f, disk: d}, err
}

type fullFile struct {
	vfs.File
	disk *fullDisk
}

// blockBytes is what a file system hands out: a write that finds no space ends at
// the end of a block.
const blockBytes = 4 << 10

// WriteAt writes what there is space for: half of the blocks.
func (f *fullFile) WriteAt(p []byte, off int64) (int, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	grows := off+int64(len(p)) > info.Size()
	if f.disk.fails("write") && !grows || f.disk.fails("preallocation") && grows {
		half := max(off, (off+int64(len(p)/2))/blockBytes*blockBytes)
		n, err := f.File.WriteAt(p[:half-off], off)
		if err == nil {
			err = fmt.Errorf("write: %w", syscall.ENOSPC)
		}
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *fullFile) SyncData() error {
	if f.disk.fails("sync") {
		return fmt.Errorf("sync: %w", syscall.ENOSPC) // space is found at write-back
	}
	return f.File.SyncData()
}

// TestDiskFull lets the log's device run out of space under many writers: no
// write is acknowledged from then on, the node stops and says why, and after space
// has returned it starts with all that was acknowledged, whether its process was
// restarted or the power failed as well.
func TestDiskFull(t *testing.T) {
	for _, where := range []string{"write", "preallocation", "new file", "sync"} {
		for _, p := range safePolicies() {
			t.Run(where+"/"+p.name, func(t *testing.T) {
				mem := vfs.NewCrashableMem()
				disk := &fullDisk{FS: mem, where: where}
				s := p.selection(t)
				o := options(t, mem, "data", s)
				o.LogFS, o.SyncLinger, o.SegmentBytes = disk, p.linger, 512<<10
				acked := fillDisk(t, start(t, o), disk)

				crashed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, 1))})
				for _, fs := range []*vfs.MemFS{mem, crashed} {
					o := options(t, fs, "data", s)
					o.SyncLinger = p.linger
					n := start(t, o)
					requireKeys(t, n, acked...)
					put(t, n, "after")
					require.NoError(t, n.Stop())
				}
			})
		}
	}
}

// fillDisk puts from 64 callers, lets the disk be full once each has been answered
// some times, and returns the keys that were acknowledged. The node has stopped.
func fillDisk(t *testing.T, n *node.Node, disk *fullDisk) (acked []string) {
	t.Helper()
	var mu sync.Mutex
	var late atomic.Int64 // acknowledged although begun after the first refusal
	var refused atomic.Bool
	var callers sync.WaitGroup
	value := []byte(strings.Repeat("v", 512))
	for c := range 64 {
		callers.Go(func() {
			for i := 0; ; i++ {
				if i == 10 {
					disk.full.Store(true)
				}
				key, begun := fmt.Sprintf("%d-%d", c, i), refused.Load()
				_, err := n.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: []byte(key), Value: value}})
				if err != nil {
					refused.Store(true)
					if !kv.Unknown(err) || !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
						t.Errorf("put: %v", err)
					}
					return
				}
				if begun {
					late.Add(1)
				}
				mu.Lock()
				acked = append(acked, key)
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	select {
	case <-n.Failed():
	case <-time.After(time.Minute):
		t.Fatal("the node goes on although its disk is full")
	}
	require.ErrorIs(t, n.Err(), syscall.ENOSPC)
	require.Zero(t, late.Load(), "acknowledged after the disk was full")
	require.ErrorIs(t, n.Read(t.Context(), true, func(engine.Reader) error { return nil }), kv.ErrStopped)
	require.NoError(t, n.Stop())
	require.NotEmpty(t, acked)
	return acked
}
