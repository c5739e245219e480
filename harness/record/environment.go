package record

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CaptureEnvironment describes this machine, the build of the program under
// test and the disk under dataDir, which must exist. binary is the path of the
// store's executable, or ""; its stamped commit is taken, and only when it has
// none is git asked about the directory where it lies.
//
// It measures nothing: the sync latency is package ceiling's to fill in.
func CaptureEnvironment(ctx context.Context, binary, dataDir string) (Environment, error) {
	e := Environment{
		GoVersion:   runtime.Version(),
		OS:          runtime.GOOS,
		Arch:        runtime.GOARCH,
		CPUs:        runtime.NumCPU(),
		CPUModel:    procField("/proc/cpuinfo", "model name"),
		MemoryBytes: memTotal(),
	}
	e.Commit, e.Dirty = sourceVersion(ctx, binary)
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return Environment{}, fmt.Errorf("environment: uname: %w", err)
	}
	e.Kernel = unix.ByteSliceToString(uts.Release[:])
	var err error
	if e.Filesystem, err = Filesystem(dataDir); err != nil {
		return Environment{}, fmt.Errorf("environment: %w", err)
	}
	return e, nil
}

// sourceVersion returns the commit of the sources and whether they differed
// from it, or an empty commit if nobody knows.
func sourceVersion(ctx context.Context, binary string) (commit string, dirty bool) {
	if info, err := buildinfo.ReadFile(binary); err == nil {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value
			case "vcs.modified":
				dirty = s.Value == "true"
			}
		}
	}
	if commit != "" {
		return commit, dirty
	}
	dir := filepath.Dir(binary) // of "" the working directory
	head, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return "", false
	}
	// Results are no sources: a run's own records must not make it look changed.
	status, err := exec.CommandContext(ctx, "git", "-C", dir, "status", "--porcelain", "--", ":/", ":(top,exclude)results").Output()
	return string(bytes.TrimSpace(head)), err != nil || len(bytes.TrimSpace(status)) > 0
}

// procField returns the value of the first "name : value" line of a /proc
// file, or "unknown": not every architecture writes every field.
func procField(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	s := bufio.NewScanner(bytes.NewReader(b))
	for s.Scan() {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// memTotal returns the machine's memory, or 0 if it is unknown.
func memTotal() int64 {
	kib, err := strconv.ParseInt(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// filesystems names the magic numbers of statfs(2).
var filesystems = map[int64]string{
	unix.EXT4_SUPER_MAGIC:      "ext4", // ext2 and ext3 share it
	unix.XFS_SUPER_MAGIC:       "xfs",
	unix.BTRFS_SUPER_MAGIC:     "btrfs",
	unix.F2FS_SUPER_MAGIC:      "f2fs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	unix.TMPFS_MAGIC:           "tmpfs",
	unix.RAMFS_MAGIC:           "ramfs",
	unix.NFS_SUPER_MAGIC:       "nfs",
	unix.FUSE_SUPER_MAGIC:      "fuse",
	unix.V9FS_MAGIC:            "9p",
	0x2fc12fc1:                 "zfs", // ZFS_SUPER_MAGIC, outside the kernel tree
}

// Filesystem names the filesystem that holds path, or its magic number in
// hexadecimal. Beware of "tmpfs" and "ramfs": a sync costs nothing there.
func Filesystem(path string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "", fmt.Errorf("statfs %s: %w", path, err)
	}
	magic := int64(st.Type)
	if name, ok := filesystems[magic]; ok {
		return name, nil
	}
	return fmt.Sprintf("0x%x", uint64(magic)), nil
}
