package record

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDifferences(t *testing.T) {
	is := Environment{
		CPUModel: "x", CPUs: 2, OS: "linux", Arch: "amd64", Kernel: "6.18.44-fc-v669", Filesystem: "ext4", MemoryBytes: 8 << 30,
		MachineID: "a", FilesystemID: "1", Commit: "1",
	}
	for name, c := range map[string]struct {
		change func(*Environment)
		differ []string // kinds of machine
		moved  []string // and beside them
	}{
		"another build":           {func(e *Environment) { e.Commit, e.Dirty, e.GoVersion = "2", true, "go2" }, nil, nil},
		"an updated kernel":       {func(e *Environment) { e.Kernel = "6.18.45-fc-v700"; e.MemoryBytes -= 20 << 20 }, nil, nil},
		"nothing told":            {func(e *Environment) { *e = Environment{} }, nil, nil},
		"another kernel":          {func(e *Environment) { e.Kernel = "6.1-rc1" }, []string{"kernel 6.18 and 6.1"}, nil},
		"another kind of machine": {func(e *Environment) { e.CPUs, e.MemoryBytes = 4, 16<<30 }, []string{"CPUs 2 and 4", "memory 8.0 GiB and 16.0 GiB"}, nil},
		"another filesystem":      {func(e *Environment) { e.Filesystem = "xfs" }, []string{"filesystem ext4 and xfs"}, nil},
		"a machine of the kind":   {func(e *Environment) { e.MachineID = "b" }, nil, []string{"machine a and b"}},
		"another disk":            {func(e *Environment) { e.FilesystemID = "2" }, nil, []string{"filesystem's id 1 and 2"}},
	} {
		other := is
		c.change(&other)
		require.Equal(t, c.differ, is.DiffersFrom(other), name)
		require.Equal(t, append(c.differ, c.moved...), is.MovedFrom(other), name)
	}
}

func hashOf(t *testing.T, path string) string {
	hash, err := FileHash(path)
	require.NoError(t, err)
	return hash
}

func TestReadBuild(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	b, err := readBuild(self)
	require.NoError(t, err)
	require.Equal(t, hashOf(t, self), b.SHA256)
	require.NotEmpty(t, b.GoVersion)
	script := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755))
	b, err = readBuild(script)
	require.NoError(t, err)
	require.Equal(t, Build{SHA256: hashOf(t, script)}, b)
	_, err = readBuild(script + "-none")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestSources: the Makefile's stamp goes before Go's, which is missing in a worktree
// and takes results for sources.
func TestSources(t *testing.T) {
	for _, c := range []struct {
		settings []debug.BuildSetting
		want     Build
	}{
		{nil, Build{}},
		{[]debug.BuildSetting{{Key: "-ldflags", Value: "-s -w"}}, Build{}},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "ab"}, {Key: "vcs.modified", Value: "false"}}, Build{Revision: "ab"}},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "ab"}, {Key: "vcs.modified", Value: "true"}}, Build{Revision: "ab", Modified: true}},
		{[]debug.BuildSetting{{Key: "-ldflags", Value: `"-s -X main.sourceRevision=cd -w"`}, {Key: "vcs.revision", Value: "ab"}, {Key: "vcs.modified", Value: "true"}}, Build{Revision: "cd"}},
		{[]debug.BuildSetting{{Key: "-ldflags", Value: `"-X main.sourceRevision=cd-modified"`}}, Build{Revision: "cd", Modified: true}},
	} {
		var got Build
		got.Revision, got.Modified = sources(&buildinfo.BuildInfo{Settings: c.settings})
		require.Equal(t, c.want, got)
	}
	makefile, err := os.ReadFile("../../Makefile")
	require.NoError(t, err)
	require.Contains(t, string(makefile), stampFlag, "`make build` stamps what it builds")
	require.Contains(t, string(makefile), stampModified)
}
