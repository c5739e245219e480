package node

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// sizeInterval is how often the data directory is measured: Status is part of
// every answer's header and must not walk directories.
const sizeInterval = 10 * time.Second

// dirSize keeps the size of the data directory.
type dirSize struct {
	bytes atomic.Int64
	done  chan struct{}
	work  sync.WaitGroup
}

func (d *dirSize) start(n *Node) {
	d.done = make(chan struct{})
	d.work.Go(func() {
		ticker := time.NewTicker(sizeInterval)
		defer ticker.Stop()
		for {
			d.bytes.Store(treeBytes(n.opts.FS, n.opts.DataDir))
			select {
			case <-ticker.C:
			case <-d.done:
				return
			}
		}
	})
}

func (d *dirSize) stop() {
	close(d.done)
	d.work.Wait()
}

// treeBytes adds up the files below dir. Files that vanish meanwhile count as
// nothing.
func treeBytes(fsys vfs.FS, dir string) int64 {
	names, err := fsys.List(dir)
	if err != nil {
		return 0
	}
	var sum int64
	for _, name := range names {
		path := fsys.PathJoin(dir, name)
		switch info, err := fsys.Stat(path); {
		case err != nil:
		case info.IsDir():
			sum += treeBytes(fsys, path)
		default:
			sum += info.Size()
		}
	}
	return sum
}
