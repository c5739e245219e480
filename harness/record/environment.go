package record

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CaptureEnvironment describes this machine, the builds of the store and of this
// program, and the disk under dataDir, which must exist. binary is the path of the
// store's executable, or "".
//
// It measures nothing: the sync latency is package ceiling's to fill in.
func CaptureEnvironment(binary, dataDir string) (Environment, error) {
	e := Environment{
		GoVersion:   runtime.Version(),
		OS:          runtime.GOOS,
		Arch:        runtime.GOARCH,
		CPUs:        runtime.NumCPU(),
		CPUModel:    procField("/proc/cpuinfo", "model name"),
		MemoryBytes: memTotal(),
	}
	if info, err := buildinfo.ReadFile(binary); err == nil {
		e.Commit, e.Dirty = sources(info)
	}
	own, err := OwnBuild()
	if err != nil {
		return Environment{}, fmt.Errorf("environment: %w", err)
	}
	e.Harness = &own
	if e.MachineID, err = machineID(); err != nil {
		return Environment{}, fmt.Errorf("environment: %w", err)
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return Environment{}, fmt.Errorf("environment: uname: %w", err)
	}
	e.Kernel = unix.ByteSliceToString(uts.Release[:])
	if e.Filesystem, e.FilesystemID, err = filesystem(dataDir); err != nil {
		return Environment{}, fmt.Errorf("environment: %w", err)
	}
	return e, nil
}

// machineID is a hash: systemd asks not to tell the number itself (machine-id(5)).
// Containers often have none, but a name.
func machineID() (string, error) {
	id, err := os.ReadFile("/etc/machine-id")
	id = bytes.TrimSpace(id)
	if err != nil || len(id) == 0 {
		name, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("tell this machine from others: %w", err)
		}
		id = []byte(name)
	}
	sum := sha256.Sum256(append([]byte("metastorebench machine "), id...))
	return hex.EncodeToString(sum[:8]), nil
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

// filesystem names the filesystem that holds path, or its magic number in
// hexadecimal, and tells which one it is, "" if it does not say. Beware of "tmpfs"
// and "ramfs": a sync costs nothing there.
func filesystem(path string) (name, id string, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "", "", fmt.Errorf("statfs %s: %w", path, err)
	}
	name, known := filesystems[int64(st.Type)]
	if !known {
		name = fmt.Sprintf("0x%x", uint64(st.Type))
	}
	if st.Fsid != (unix.Fsid{}) {
		id = fmt.Sprintf("%08x%08x", uint32(st.Fsid.Val[0]), uint32(st.Fsid.Val[1]))
	}
	return name, id, nil
}
