package walbench

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	etcdwal "go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"

	"metastorebench/core/wal"
)

// raw is the device: a file of dropBytes that is overwritten from its beginning
// again and again.
type raw struct {
	f   vfs.File
	off int64
	buf []byte
}

func openRaw(dir string) (batchLog, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := vfs.Default.Create(filepath.Join(dir, "raw"), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return &raw{f: f}, nil
}

func (r *raw) save(_ uint64, payload []byte, entries int) error {
	r.buf = r.buf[:0]
	for range entries {
		r.buf = append(r.buf, payload...)
	}
	if r.off+int64(len(r.buf)) > dropBytes {
		r.off = 0
	}
	_, err := r.f.WriteAt(r.buf, r.off)
	r.off += int64(len(r.buf))
	return errors.Join(err, r.f.SyncData())
}

func (r *raw) drop(uint64) error { return nil }

func (r *raw) close() error { return r.f.Close() }

// ours is package wal.
type ours struct {
	log     *wal.Log
	entries []wal.Entry
}

func openOurs(dir string) (batchLog, error) {
	log, _, err := wal.Open(wal.Options{Dir: dir})
	return &ours{log: log}, err
}

func (o *ours) save(first uint64, payload []byte, entries int) error {
	o.entries = o.entries[:0]
	for i := range entries {
		o.entries = append(o.entries, wal.Entry{Index: first + uint64(i), Term: 1, Data: payload})
	}
	if err := o.log.Append(nil, o.entries); err != nil {
		return err
	}
	return o.log.Sync()
}

func (o *ours) drop(index uint64) error {
	if err := o.log.SaveSnapshot(wal.SnapshotMark{Index: index, Term: 1}); err != nil {
		return err
	}
	return o.log.Truncate(index)
}

func (o *ours) close() error { return o.log.Close() }

// hashicorp is raft-wal.
type hashicorp struct {
	log     *raftwal.WAL
	entries []*raft.Log
	now     time.Time
}

func openHashicorp(dir string) (batchLog, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	log, err := raftwal.Open(dir)
	return &hashicorp{log: log, now: time.Now()}, err
}

func (h *hashicorp) save(first uint64, payload []byte, entries int) error {
	for len(h.entries) < entries {
		h.entries = append(h.entries, new(raft.Log))
	}
	batch := h.entries[:entries]
	for i, e := range batch {
		*e = raft.Log{Index: first + uint64(i), Term: 1, Data: payload, AppendedAt: h.now}
	}
	return h.log.StoreLogs(batch)
}

// drop leaves the last entry: without any, raft-wal would begin again.
func (h *hashicorp) drop(index uint64) error {
	first, err := h.log.FirstIndex()
	if err != nil {
		return err
	}
	return h.log.DeleteRange(first, index-1)
}

func (h *hashicorp) close() error { return h.log.Close() }

// etcd is etcd's log.
type etcd struct {
	dir     string
	log     *etcdwal.WAL
	entries []*raftpb.Entry
}

func openEtcd(dir string) (batchLog, error) {
	log, err := etcdwal.Create(zap.NewNop(), dir, nil)
	return &etcd{dir: dir, log: log}, err
}

func (e *etcd) save(first uint64, payload []byte, entries int) error {
	for len(e.entries) < entries {
		e.entries = append(e.entries, &raftpb.Entry{Index: new(uint64), Term: new(uint64(1))})
	}
	batch := e.entries[:entries]
	for i, entry := range batch {
		*entry.Index, entry.Data = first+uint64(i), payload
	}
	return e.log.Save(nil, batch)
}

// drop releases the files' locks and removes them, but for the two newest, which
// etcd has open.
func (e *etcd) drop(index uint64) error {
	err := e.log.SaveSnapshot(&walpb.Snapshot{Index: &index, Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: []uint64{1}}})
	if err == nil {
		err = e.log.ReleaseLockTo(index)
	}
	if err != nil {
		return err
	}
	files, err := os.ReadDir(e.dir)
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(f os.DirEntry) bool { return !strings.HasSuffix(f.Name(), ".wal") })
	for _, f := range files[:max(len(files)-2, 0)] {
		if err := os.Remove(filepath.Join(e.dir, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (e *etcd) close() error { return e.log.Close() }
