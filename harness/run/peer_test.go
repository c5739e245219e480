package run

import (
	"debug/buildinfo"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// withPeer adds a group of cells of the peer to the bench's plan.
func withPeer(b *bench) {
	text := strings.Replace(testPlan, "groups:\n", "groups:\n  - {name: peer, target: etcd, designs: [fixed], workloads: [put]}\n", 1)
	require.NoError(b.t, os.WriteFile(b.opts.Plan, []byte(text), 0o644))
}

// TestPeerThatIsNotBuilt: its cells are skipped with what to do about it, the
// others run.
func TestPeerThatIsNotBuilt(t *testing.T) {
	for _, binary := range []string{"", filepath.Join(t.TempDir(), "peer-etcd")} {
		b := newBench(t)
		withPeer(b)
		b.opts.Etcd = binary
		res, err := b.run()
		require.NoError(t, err)
		require.Equal(t, 6, res.Trials)
		require.Contains(t, res.Skipped, record.Skipped{Cell: "etcd/put", Reason: "the peer etcd is not built: run `make peers`, or name its binary with --etcd"})
		require.Empty(t, b.read().Manifest.Peers)
	}
}

// TestPeerThatIsNone: a file that is no build of the peer ends the run before
// anything is written, if the plan has cells for it.
func TestPeerThatIsNone(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("text"), 0o755))
	for _, binary := range []string{self, text} {
		b := newBench(t)
		withPeer(b)
		b.opts.Etcd = binary
		_, err := b.run()
		require.ErrorIs(t, err, ErrPeer)
		require.NoDirExists(t, b.opts.Out)

		b = newBench(t)
		b.opts.Etcd = binary
		_, err = b.run()
		require.NoError(t, err, "no cell needs it")
	}
}

func TestEtcdOf(t *testing.T) {
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		{Path: etcdModule, Version: "v3.7.3"}, {Path: "go.etcd.io/bbolt", Version: "v1.5.0"}, {Path: "example.com/other", Version: "v1.0.0"},
	}}
	require.Equal(t, record.Peer{
		Target: "etcd", Version: "v3.7.3", GoVersion: "go1.26.0", SHA256: "aa",
		Modules: map[string]string{etcdModule: "v3.7.3", "go.etcd.io/bbolt": "v1.5.0"},
	}, etcdOf(info, "aa"))
	_, err := readEtcd(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, err, ErrPeer)
}

func TestPeerDifferences(t *testing.T) {
	a, b := record.Peer{Target: "etcd", SHA256: "aa"}, record.Peer{Target: "etcd", SHA256: "bb"}
	require.Empty(t, peerDifferences(nil, nil))
	require.Empty(t, peerDifferences([]record.Peer{a}, []record.Peer{a}))
	require.Equal(t, []string{"the binary of the peer etcd differs (SHA-256 bb, was aa)"}, peerDifferences([]record.Peer{a}, []record.Peer{b}))
	require.Equal(t, []string{"the peer etcd was not built then"}, peerDifferences(nil, []record.Peer{a}))
	require.Equal(t, []string{"the peer etcd is not built any more: run `make peers`"}, peerDifferences([]record.Peer{a}, nil))
}
