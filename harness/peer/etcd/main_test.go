package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/trial"
	"metastorebench/harness/workload"
)

// TestMain makes the test binary the program itself when a trial starts it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "--data-dir=") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestBadFlags(t *testing.T) {
	dir := "--data-dir=" + t.TempDir()
	for want, args := range map[string][]string{
		"--data-dir is not given; accepted: a directory":                                     {},
		`unexpected argument "start"`:                                                        {dir, "start"},
		"flag provided but not defined: -flux":                                               {dir, "--flux"},
		`--listen-client-urls is "http://0.0.0.0:0"; accepted: http://IP:PORT with one loop`: {dir, "--listen-client-urls=http://0.0.0.0:0"},
		`--listen-peer-urls is "https://127.0.0.1:0"`:                                        {dir, "--listen-peer-urls=https://127.0.0.1:0"},
		`--initial-advertise-peer-urls is "http://127.0.0.1:9"; accepted: http://127.0.0.1:10`: {
			dir, "--listen-peer-urls=http://127.0.0.1:10", "--initial-advertise-peer-urls=http://127.0.0.1:9",
		},
		`--listen-client-http-urls is "http://127.0.0.1"`: {dir, "--listen-client-http-urls=http://127.0.0.1"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), args, &out, io.Discard)
		require.ErrorContains(t, err, want)
		require.Empty(t, out.String(), "no ready line")
	}
	require.NoError(t, run(t.Context(), []string{"--help"}, io.Discard, io.Discard))
}

// A start that cannot succeed says why, and a ready line never appears.
func TestStartFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	err := run(t.Context(), []string{"--data-dir=" + file, "--log-level=fatal"}, io.Discard, io.Discard)
	require.ErrorIs(t, err, ErrStart)
}

func TestAddressesDiffer(t *testing.T) {
	c, w, p, err := addresses(anyPort, anyPort, anyPort)
	require.NoError(t, err)
	hosts := map[string]bool{c[0].Host: true, w[0].Host: true, p[0].Host: true}
	require.Len(t, hosts, 3)
	for host := range hosts {
		require.NotContains(t, host, ":0")
	}
}

// spec is a trial of this program.
func spec(t *testing.T, w record.Workload) trial.Spec {
	self, err := os.Executable()
	require.NoError(t, err)
	w.Loop, w.Clients, w.KeyBytes, w.ValueBytes, w.Distribution = record.LoopClosed, 10, 8, 64, workload.Uniform
	return trial.Spec{
		Cell:     record.Cell{ID: "etcd/" + w.Type, Target: "etcd", Options: map[string]string{"rpc": "default", "disk": "native"}},
		Workload: w, Seed: 7, Warmup: 20 * time.Millisecond, Measure: 250 * time.Millisecond,
		Etcd: self, DataRoot: t.TempDir(),
	}
}

// measure runs a trial. On a disk that stalls for longer than the window no
// operation ends within it, which voids a trial and says nothing about the peer:
// then the window is made longer.
func measure(t *testing.T, s trial.Spec) record.Trial {
	t.Helper()
	for {
		got, err := trial.Run(t.Context(), s)
		require.NoError(t, err)
		if !strings.Contains(got.Void, "no operation ended in the measured window") || s.Measure > 10*time.Second {
			return got
		}
		s.Measure *= 4
	}
}

// The harness drives a member, checks every answer of every operation type, and
// finds its counters: a trial like any other.
func TestTrials(t *testing.T) {
	for _, w := range []record.Workload{
		{Name: "mixed", Type: workload.TypeMixed, API: workload.APIGRPC, Conns: 2, Keys: 600, PreloadKeys: 300, Mix: workload.DefaultMix(workload.TypeMixed)},
		{Name: "http", Type: workload.TypePut, API: workload.APIHTTP, Conns: 10, Keys: 600, Mix: workload.DefaultMix(workload.TypePut)},
	} {
		t.Run(w.Name, func(t *testing.T) {
			s := spec(t, w)
			got := measure(t, s)
			require.Empty(t, got.Void)
			var names []string
			for _, c := range got.Checks {
				names = append(names, c.Name)
			}
			require.Equal(t, []string{"errors", "answers", "end-state", "linearizable", "revisions", "applied", "stop"}, names)
			require.Equal(t, record.TierSynced, got.Durability)
			require.Equal(t, "3.7.3", got.Effective["version"])
			require.Equal(t, "false", got.Effective["unsafe-no-fsync"])
			require.Positive(t, got.Mechanism.Fsyncs)
			require.Positive(t, got.Mechanism.WALBytes)
			require.EqualValues(t, record.Untold, got.Mechanism.Proposals)
			require.Positive(t, got.Store.HeapAllocs)
			left, err := os.ReadDir(s.DataRoot)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// Three members hold the same when a trial at their leader has ended.
func TestThreeMembers(t *testing.T) {
	s := spec(t, record.Workload{
		Name: "mixed", Type: workload.TypeMixed, API: workload.APIGRPC, Conns: 2, Keys: 600, PreloadKeys: 300, Mix: workload.DefaultMix(workload.TypeMixed),
	})
	s.Cell.Options["members"] = "3"
	got := measure(t, s)
	require.Empty(t, got.Void)
	require.Equal(t, "3", got.Effective["members"])
	last := got.Checks[len(got.Checks)-2]
	require.Equal(t, "replicas", last.Name)
	require.Contains(t, last.Detail, "3 members with ")
}

// An interrupted start ends in order.
func TestInterruptedStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, run(ctx, []string{"--data-dir=" + t.TempDir(), "--log-level=fatal"}, io.Discard, io.Discard))
}
