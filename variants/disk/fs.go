package disk

import "github.com/cockroachdb/pebble/v2/vfs"

// slowFS hands out files whose syncs are slow; everything else is the embedded
// file system's.
type slowFS struct {
	vfs.FS
	delay *delay
}

var (
	_ vfs.FS   = (*slowFS)(nil)
	_ vfs.File = (*slowFile)(nil)
)

// Create implements vfs.FS.
func (fs *slowFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.slow(fs.FS.Create(name, category))
}

// Open implements vfs.FS.
func (fs *slowFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	return fs.slow(fs.FS.Open(name, opts...))
}

// OpenReadWrite implements vfs.FS.
func (fs *slowFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return fs.slow(fs.FS.OpenReadWrite(name, category, opts...))
}

// OpenDir implements vfs.FS.
func (fs *slowFS) OpenDir(name string) (vfs.File, error) {
	return fs.slow(fs.FS.OpenDir(name))
}

// ReuseForWrite implements vfs.FS.
func (fs *slowFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return fs.slow(fs.FS.ReuseForWrite(oldname, newname, category))
}

// Unwrap implements vfs.FS.
func (fs *slowFS) Unwrap() vfs.FS { return fs.FS }

func (fs *slowFS) slow(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &slowFile{File: f, delay: fs.delay}, nil
}

// slowFile adds latency after the real sync, whether or not it succeeded.
type slowFile struct {
	vfs.File
	delay *delay
}

// Sync implements vfs.File.
func (f *slowFile) Sync() error {
	err := f.File.Sync()
	f.delay.wait()
	return err
}

// SyncData implements vfs.File.
func (f *slowFile) SyncData() error {
	err := f.File.SyncData()
	f.delay.wait()
	return err
}

// SyncTo implements vfs.File.
func (f *slowFile) SyncTo(length int64) (fullSync bool, err error) {
	fullSync, err = f.File.SyncTo(length)
	f.delay.wait()
	return fullSync, err
}
