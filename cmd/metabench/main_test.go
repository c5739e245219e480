package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	benchrun "metastorebench/harness/run"
	"metastorebench/harness/stats/statstest"
	"metastorebench/variants/rpc"
)

// TestMain makes the test binary metabench where metabench starts itself, and
// where a test or a benchmark needs it as a process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"noop-server", "report", "run", "gate"}, os.Args[1]) {
		main()
		return
	}
	os.Exit(m.Run())
}

func metabench(args ...string) (stdout, stderr string, err error) {
	var out, errOut strings.Builder
	err = run(args, &out, &errOut)
	return out.String(), errOut.String(), err
}

func TestPlans(t *testing.T) {
	out, _, err := metabench("plans")
	require.NoError(t, err)
	for _, name := range plan.Names() {
		require.Regexp(t, `(?m)^`+name+` +\d+ `, out)
	}
	require.Regexp(t, `(?m)^plan +cells +smoke +default +full +title$`, out)
	require.Regexp(t, `(?m)^phase1 +\d+ +\d+s +\d+m\d+s +\d+m\d+s +[A-Z]`, out)

	out, _, err = metabench("plans", "phase1")
	require.NoError(t, err)
	p, err := plan.Parse("copy.yaml", []byte(out), nil)
	require.NoError(t, err)
	require.Equal(t, "phase1", p.Name)

	_, _, err = metabench("plans", "phase9")
	require.ErrorIs(t, err, plan.ErrUnknownPlan)
}

func TestRunTeaches(t *testing.T) {
	out, _, err := metabench("run", "--help")
	require.NoError(t, err)
	for _, s := range []string{"--resume", "--level smoke", "--only engine=memory", "metabench plans"} {
		require.Contains(t, out, s)
	}
}

func TestListBeforeAnythingIsBuilt(t *testing.T) {
	out, _, err := metabench("run", "phase1", "--list", "--level", "smoke", "--metastore", filepath.Join(t.TempDir(), "none"), "--only", "target=noop")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^group +cell +warmup +measure +skipped$`, out)
	require.Contains(t, out, "noop/put100")
	require.Contains(t, out, "1 cells x 1 blocks = 1 trials")
}

func TestRunRefusals(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct {
		args []string
		is   error
		says string
	}{
		{[]string{"run"}, nil, "PLAN (metabench plans lists those built in), or --resume DIR is missing"},
		{[]string{"run", "a", "b"}, nil, `"b" is an argument too many; usage: metabench run [PLAN]`},
		{[]string{"run", "phase9"}, plan.ErrUnknownPlan, "perf, phase1"},
		{[]string{"run", "phase1", "--level", "huge"}, plan.ErrUnknownLevel, "smoke, default, full"},
		{[]string{"run", "phase1", "--metastore", none}, benchrun.ErrNoStore, "make build"},
		{[]string{"run", "phase1", "--only", "engine=leveldb"}, plan.ErrNoCells, "leveldb"},
		{[]string{"run", "--resume", none}, benchrun.ErrResume, "manifest"},
		{[]string{"run", "--resume", none, "--out", none}, nil, "resume"},
		{[]string{"run", "phase1", "--seed", "minus"}, nil, "seed"},
		{[]string{"pack", none}, os.ErrNotExist, "pack"},
		{[]string{"noop-server", "--rpc", "fast"}, rpc.ErrUnknown, "default, tuned"},
		{[]string{"noop-server", "--stall", "-1s"}, nil, "--stall is -1s and --stall-after 300ms; accepted: 0 or more"},
		{[]string{"noop-server", "--listen-client-urls", "127.0.0.1:0"}, nil, "http://HOST:PORT"},
		{[]string{"ceilings", "--level", "huge"}, ceiling.ErrOptions, "smoke, default, full"},
		{[]string{"ceilings", "--metastore", none}, os.ErrNotExist, "--metastore"},
		{[]string{"ceilings", "--level", "smoke", "--data-dir", none}, os.ErrNotExist, none},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			if len(tt.args) > 1 && tt.args[0] == "run" && !strings.Contains(strings.Join(tt.args, " "), "--metastore") {
				tt.args = append(tt.args, "--metastore", none)
			}
			_, _, err := metabench(tt.args...)
			require.ErrorContains(t, err, tt.says)
			if slices.ContainsFunc(misuses, func(m error) bool { return tt.is == m }) {
				require.Equal(t, statusMisuse, exitStatus(err))
			}
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
}

func TestPackCommand(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, record.WriteManifest(dir, record.Manifest{Plan: "p", Blocks: 1}))
	l, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	require.NoError(t, l.Append(record.Trial{Cell: "c", Void: "for the test"}))
	require.NoError(t, l.Close())
	_, _, err = metabench("pack", dir)
	require.NoError(t, err)
	r, err := record.ReadRun(dir)
	require.NoError(t, err)
	require.Len(t, r.Trials, 1)
}

func TestCeilings(t *testing.T) {
	dir := t.TempDir()
	out, _, err := metabench("ceilings", "--level", "smoke", "--data-dir", dir)
	require.NoError(t, err)
	for _, s := range []string{"grpc-unary", "clients=100 conns=10", "grpc-batch", "grpc-stream", "sync-latency", "loopback-bandwidth", "rpc=tuned"} {
		require.Contains(t, out, s)
	}
	out, _, err = metabench("ceilings", "--level", "smoke", "--data-dir", dir, "--json")
	require.NoError(t, err)
	var s surveyed
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Len(t, s.Ceilings.Find(record.ProbeUnary), 3)
	require.Len(t, s.Env.Harness.SHA256, 64)
	require.Positive(t, s.Env.SyncLatencyP50NS)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestNoopServer starts the ceiling's target as a trial does, puts through it
// with the tuned settings on both sides, and stops it.
func TestNoopServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	root := newRoot()
	root.SetArgs([]string{"noop-server", "--rpc", "tuned"})
	root.SetOut(w)
	root.SetErr(io.Discard)
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()

	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	var ready struct {
		Client     string            `json:"client"`
		Durability string            `json:"durability"`
		Options    map[string]string `json:"options"`
	}
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(line, "ready ")), &ready))
	require.Equal(t, record.TierNone, ready.Durability)
	require.Equal(t, "tuned", ready.Options["rpc"])

	conn, err := grpc.NewClient(ready.Client, append(dialOptions("tuned"), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	require.NoError(t, err)
	resp, err := pb.NewKVClient(conn).Put(ctx, &pb.PutRequest{Key: []byte{0xff}, Value: []byte("v")})
	require.NoError(t, err)
	require.Equal(t, int64(2), resp.Header.Revision)
	require.NoError(t, conn.Close())
	cancel()
	require.NoError(t, <-done)
}

// TestReport makes a run's report again from its records: the same bytes.
func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	require.NoError(t, os.Mkdir(dir, 0o755))
	m, trials := statstest.Phase1(statstest.Config{Seed: 5, Blocks: 2, Level: "default", Samples: 20})
	require.NoError(t, record.WriteManifest(dir, m))
	l, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, tr := range trials {
		require.NoError(t, l.Append(tr))
	}
	require.NoError(t, l.Close())

	_, _, err = metabench("report", dir)
	require.NoError(t, err)
	first, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err)
	_, _, err = metabench("report", dir)
	require.NoError(t, err)
	again, err := os.ReadFile(filepath.Join(dir, "results.json"))
	require.NoError(t, err)
	require.Equal(t, first, again)
}
