package run

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"metastorebench/harness/plan"
	"metastorebench/harness/record"
)

// etcdModule is what makes a program the peer etcd. etcdModules are its
// libraries whose versions are noted, because its speed depends on them.
const etcdModule = "go.etcd.io/etcd/server/v3"

var etcdModules = []string{etcdModule, "go.etcd.io/bbolt", "go.etcd.io/raft/v3", "google.golang.org/grpc", "google.golang.org/protobuf"}

// findPeer describes the peer's build if the matrix has cells for it. A binary
// that is not there is no error but the reason to skip them.
func (j *job) findPeer() (missing string, err error) {
	if !slices.ContainsFunc(j.matrix.Entries, func(e plan.Entry) bool { return e.Cell.Target == plan.TargetEtcd }) {
		return "", nil
	}
	peer, err := readEtcd(j.Etcd)
	if j.Etcd == "" || errors.Is(err, fs.ErrNotExist) {
		return "the peer etcd is not built: run `make peers`, or name its binary with --etcd", nil
	}
	if err != nil {
		return "", err
	}
	j.peers = []record.Peer{peer}
	return "", nil
}

// readEtcd describes the executable at path. The error wraps ErrPeer and, for a
// missing file, fs.ErrNotExist.
func readEtcd(path string) (record.Peer, error) {
	hash, err := record.FileHash(path)
	if err != nil {
		return record.Peer{}, fmt.Errorf("%w %s: %w", ErrPeer, plan.TargetEtcd, err)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return record.Peer{}, fmt.Errorf("%w %s: %w", ErrPeer, plan.TargetEtcd, err)
	}
	p := etcdOf(info, hash)
	if p.Version == "" {
		return record.Peer{}, fmt.Errorf("%w %s: %s was built without module %s; build it with `make peers`", ErrPeer, plan.TargetEtcd, path, etcdModule)
	}
	return p, nil
}

// etcdOf takes from a program's own account of its build what a record keeps.
func etcdOf(info *buildinfo.BuildInfo, hash string) record.Peer {
	p := record.Peer{Target: plan.TargetEtcd, GoVersion: info.GoVersion, SHA256: hash, Modules: make(map[string]string)}
	for _, dep := range info.Deps {
		if slices.Contains(etcdModules, dep.Path) {
			p.Modules[dep.Path] = dep.Version
		}
	}
	p.Version = p.Modules[etcdModule]
	return p
}

// peerDifferences names the peers whose build is not what it was.
func peerDifferences(were, are []record.Peer) []string {
	var diffs []string
	for _, p := range are {
		i := slices.IndexFunc(were, func(w record.Peer) bool { return w.Target == p.Target })
		switch {
		case i < 0:
			diffs = append(diffs, fmt.Sprintf("the peer %s was not built then", p.Target))
		default:
			diffs = append(diffs, binaryDifference("the binary of the peer "+p.Target, p.SHA256, were[i].SHA256)...)
		}
	}
	for _, w := range were {
		if !slices.ContainsFunc(are, func(p record.Peer) bool { return p.Target == w.Target }) {
			diffs = append(diffs, fmt.Sprintf("the peer %s is not built any more: run `make peers`", w.Target))
		}
	}
	return diffs
}
