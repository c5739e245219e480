package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"metastorebench/harness/ready"
	"metastorebench/variants"
	"metastorebench/variants/engine/rocksdb"
)

// asProgram makes the test binary behave as metastore.
const asProgram = "METASTORE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running metastore.
type process struct {
	cmd    *exec.Cmd
	out    io.Reader
	ready  ready.Line
	stderr *syncBuffer
}

// syncBuffer is a buffer that can be read while a process writes to it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// startProcess starts metastore on free ports and waits until it serves.
func startProcess(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := launch(t, dir, args...)
	p.awaitReady(t)
	return p
}

// launch starts metastore on free ports.
func launch(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{stderr: new(syncBuffer)}
	p.cmd = exec.Command(os.Args[0], append([]string{
		"--data-dir", dir, "--listen-client-urls", "http://127.0.0.1:0", "--listen-client-http-urls", "http://127.0.0.1:0", "--log-level", "error",
	}, args...)...)
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = p.stderr
	var err error
	p.out, err = p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		p.kill()
		if strings.Contains(p.stderr.String(), "DATA RACE") { // of a build with -race
			t.Error(p.stderr)
		}
	})
	return p
}

// awaitReady waits until the store serves.
func (p *process) awaitReady(t *testing.T) {
	t.Helper()
	line, err := bufio.NewReader(p.out).ReadBytes('\n')
	if err != nil {
		p.kill() // ends the writing to stderr
	}
	require.NoError(t, err, "metastore did not start: %s", p.stderr)
	p.ready, err = ready.Parse(line)
	require.NoError(t, err)
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *process) client(t *testing.T) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{p.ready.Client}, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// onEngines runs test on each engine, as a subtest; engines that are not in the
// build are skipped.
func onEngines(t *testing.T, test func(t *testing.T, engine string)) {
	axes := variants.Axes()
	axis := axes[slices.IndexFunc(axes, func(a variants.Axis) bool { return a.Name == "engine" })]
	for _, engine := range axis.Values {
		t.Run(engine.Name, func(t *testing.T) {
			if engine.Missing != "" {
				t.Skip(engine.Missing)
			}
			test(t, engine.Name)
		})
	}
}

// TestKill kills the store with SIGKILL under load and starts it again, several
// times on the same data: every acknowledged put must be there, on every engine
// and with every sync policy. Snapshots are frequent, so that some kills hit
// one.
func TestKill(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		for _, wal := range []string{"perentry", "perready", "group"} {
			if wal == "perready" && engine != "memory" {
				t.Run(wal+"/tuned", func(t *testing.T) {
					killRounds(t, "--engine", engine, "--wal", wal, "--engine-profile", "tuned", "--key-index", "ranked", "--snapshot-count", "50")
				})
			}
			if wal == "perentry" && engine == "memory" {
				t.Run(wal+"/pipelined", func(t *testing.T) {
					killRounds(t, "--wal", wal, "--pipeline", "on", "--snapshot-count", "50")
				})
			}
			for _, variant := range []string{variants.VariantBest, variants.VariantBaseline} {
				t.Run(wal+"/"+variant, func(t *testing.T) {
					killRounds(t, "--engine", engine, "--wal", wal, "--variant", variant, "--snapshot-count", "50")
				})
			}
		}
	})
}

func killRounds(t *testing.T, args ...string) {
	dir := t.TempDir()
	acked := make(map[string]int64) // key -> revision of the newest acknowledged put
	for round := range 2 {
		p := startProcess(t, dir, args...)
		c := p.client(t)
		requireAcked(t, c, acked)
		maps.Copy(acked, killUnderLoad(t, p, c, round))
	}
	requireAcked(t, startProcess(t, dir, args...).client(t), acked)
}

// killUnderLoad puts from several goroutines, kills the store after some
// hundred answers and returns what had been acknowledged.
func killUnderLoad(t *testing.T, p *process, c *clientv3.Client, round int) map[string]int64 {
	var mu sync.Mutex
	acked := make(map[string]int64)
	enough := make(chan struct{})
	var once sync.Once
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for w := range 8 {
		load.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d", w, i%20)
				res, err := c.Put(ctx, key, fmt.Sprintf("%d-%d", round, i))
				if err != nil {
					return
				}
				mu.Lock()
				acked[key] = res.Header.Revision
				if i > 20+10*round {
					once.Do(func() { close(enough) })
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(time.Minute):
		t.Error("the load made no progress")
	}
	p.kill()
	cancel()
	load.Wait()
	return acked
}

func requireAcked(t *testing.T, c *clientv3.Client, acked map[string]int64) {
	t.Helper()
	for key, rev := range acked {
		res, err := c.Get(t.Context(), key)
		require.NoError(t, err)
		require.Len(t, res.Kvs, 1, "key %q, put at revision %d, is lost", key, rev)
		require.GreaterOrEqual(t, res.Kvs[0].ModRevision, rev, "key %q went back", key)
	}
}

// TestClientv3 drives a running store through etcd's own client, with keys that
// are not UTF-8.
func TestClientv3(t *testing.T) {
	p := startProcess(t, t.TempDir())
	c, ctx := p.client(t), t.Context()
	key, value := "\xff\x00k", "\xfe\x00v"
	_, err := c.Put(ctx, key, value)
	require.NoError(t, err)
	_, err = c.Put(ctx, key+"2", "second")
	require.NoError(t, err)

	got, err := c.Get(ctx, "\xff", clientv3.WithPrefix())
	require.NoError(t, err)
	require.Equal(t, int64(2), got.Count)
	require.Equal(t, key, string(got.Kvs[0].Key))
	require.Equal(t, value, string(got.Kvs[0].Value))

	txn, err := c.Txn(ctx).If(clientv3.Compare(clientv3.Value(key), "=", value)).
		Then(clientv3.OpPut(key, "third"), clientv3.OpDelete(key+"2")).Else(clientv3.OpGet(key)).Commit()
	require.NoError(t, err)
	require.True(t, txn.Succeeded)
	got, err = c.Get(ctx, key)
	require.NoError(t, err)
	require.Equal(t, txn.Header.Revision, got.Kvs[0].ModRevision)
	require.Equal(t, int64(2), got.Kvs[0].Version)

	del, err := c.Delete(ctx, "\xff", clientv3.WithPrefix(), clientv3.WithPrevKV())
	require.NoError(t, err)
	require.Equal(t, int64(1), del.Deleted)
	require.Equal(t, "third", string(del.PrevKvs[0].Value))

	_, err = c.Put(ctx, "", "v")
	require.ErrorIs(t, err, rpctypes.ErrEmptyKey)
	_, err = c.Get(ctx, "k", clientv3.WithRev(1))
	require.ErrorIs(t, err, rpctypes.ErrCompacted)
	_, err = c.Get(ctx, "k", clientv3.WithRev(1000))
	require.ErrorIs(t, err, rpctypes.ErrFutureRev)
	_, err = c.Put(ctx, "k", "v", clientv3.WithLease(7))
	require.ErrorIs(t, err, rpctypes.ErrLeaseNotFound)
	_, err = c.Grant(ctx, 10)
	require.ErrorContains(t, err, "lease")
}

// TestCleanStop sends SIGTERM's equivalent through the context.
func TestCleanStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdout, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--data-dir", t.TempDir(), "--listen-client-urls=http://127.0.0.1:0", "--listen-client-http-urls=http://127.0.0.1:0", "--log-level=error"}, w, io.Discard)
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, `"durability":"synced"`)
	cancel()
	require.NoError(t, <-done)
}

// TestEngineProfile: a tuned engine tells its settings and keeps account of what
// it moves, and one without a library does neither.
func TestEngineProfile(t *testing.T) {
	for _, c := range []struct {
		args  []string
		tells bool
		moves bool
	}{
		{[]string{"--engine=pebble", "--engine-profile=tuned"}, true, true},
		{[]string{"--engine=pebble"}, false, true},
		{nil, false, false},
	} {
		p := startProcess(t, t.TempDir(), c.args...)
		settings, told := p.ready.Options["engine-settings"]
		require.Equal(t, c.tells, told, "%v: %s", c.args, settings)
		require.Equal(t, c.tells, strings.Contains(settings, "cache="))
		_, err := p.client(t).Put(t.Context(), "k", "v")
		require.NoError(t, err)
		resp, err := http.Get("http://" + p.ready.HTTP + "/metrics")
		require.NoError(t, err)
		page, err := io.ReadAll(resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		require.Equal(t, c.moves, strings.Contains(string(page), "\nmetastore_storage_written_bytes_total "), "%v", c.args)
	}
}

// TestUnsafe looks for the durability tier wherever a user or the harness reads it.
func TestUnsafe(t *testing.T) {
	p := startProcess(t, t.TempDir(), "--wal=async", "--wal-linger=2ms", "--log-level=warn")
	require.Equal(t, "unsafe", p.ready.Durability)
	require.Equal(t, "2ms", p.ready.Options["wal-linger"])
	p.kill()
	require.Contains(t, p.stderr.String(), "UNSAFE")
	require.Contains(t, p.stderr.String(), "--wal=async")
	for _, args := range [][]string{{"--help"}, {"variants"}, {"variants", "--json"}} {
		out, err := output(t, args...)
		require.NoError(t, err)
		require.Contains(t, out, "async")
		require.Regexp(t, `(?i)unsafe`, out)
	}
}

// TestBadInput starts with arguments that must be refused, and looks for the
// reason.
func TestBadInput(t *testing.T) {
	taken := startProcess(t, t.TempDir())
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	free := []string{"--listen-client-urls=http://127.0.0.1:0", "--listen-client-http-urls=http://127.0.0.1:0"}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"value":        {[]string{"--propose=best"}, []string{`unknown --propose "best"`, "perop, batch"}},
		"two values":   {[]string{"--propose=x", "--codec=y"}, []string{"perop, batch", "json, protobuf"}},
		"variant":      {[]string{"--variant=fast"}, []string{`unknown --variant "fast"`, "best, baseline"}},
		"flag":         {[]string{"--sync=no"}, []string{"unknown flag --sync; `metastore --help` lists the flags"}},
		"near a flag":  {[]string{"--varient=baseline"}, []string{"unknown flag --varient; did you mean --variant?"}},
		"near a name":  {[]string{"variant"}, []string{`unknown command "variant"; did you mean variants?`}},
		"profile":      {[]string{"--engine=pebble", "--engine-profile=fast"}, []string{`unknown --engine-profile "fast", want one of default, tuned`}},
		"no library":   {[]string{"--engine-profile=tuned"}, []string{"--engine=memory has no library to tune"}},
		"no key index": {[]string{"--key-index=ranked"}, []string{"--engine=memory has all keys in memory", "accepted with it: none"}},
		"disk":         {[]string{"--disk=ssd"}, []string{"native, 1ms, plan"}},
		"log level":    {append(free, "--log-level=loud"), []string{"debug, info, warn, error"}},
		"port in use":  {[]string{"--listen-client-urls=http://" + taken.ready.Client}, []string{"--listen-client-urls", "address already in use"}},
		"url":          {[]string{"--listen-client-urls=127.0.0.1:2379"}, []string{"http://host:port"}},
		"https":        {[]string{"--listen-client-urls=https://127.0.0.1:0"}, []string{"needs --cert-file"}},
		"key only":     {[]string{"--key-file=k.pem"}, []string{"needs a cert-file"}},
		"sampling":     {[]string{"--stage-sample=-1"}, []string{"--stage-sample", "-1, accepted: 1 to 1000000, or 0 for none"}},
		"linger":       {append(free, "--data-dir="+t.TempDir(), "--wal=group", "--wal-linger=1s"), []string{"lingers for 1s, accepted: 0 to 100ms"}},
		"no linger":    {append(free, "--data-dir="+t.TempDir(), "--wal=perready", "--wal-linger=1ms"), []string{"lingers for 1ms", "--wal=group", "accepted: 0"}},
		"a file":       {append(free, "--data-dir="+file), []string{file}},
		"election":     {append(free, "--data-dir="+t.TempDir(), "--heartbeat-interval=100", "--election-timeout=200"), []string{"election timeout is 200ms, want at least 5 heartbeat intervals"}},
		"members":      {append(free, "--data-dir="+t.TempDir(), "--listen-peer-urls=http://127.0.0.1:0", "--initial-cluster=default=http://127.0.0.1:2380,b=c:1"), []string{`member "b"`, `"c:1" is not of the form http://host:port`}},
		"same url":     {append(free, "--data-dir="+t.TempDir(), "--listen-peer-urls=http://127.0.0.1:0", "--initial-cluster=default=http://127.0.0.1:2380,b=http://127.0.0.1:2380"), []string{"same peer URL"}},
		"state":        {append(free, "--initial-cluster-state=old"), []string{`--initial-cluster-state is "old", accepted: new, existing`}},
		"join alone":   {append(free, "--data-dir="+t.TempDir(), "--initial-cluster-state=existing"), []string{"must name its members"}},
		"join nobody":  {append(free, "--data-dir="+t.TempDir(), "--listen-peer-urls=http://127.0.0.1:0", "--initial-cluster-state=existing", "--initial-cluster=default=http://127.0.0.1:2380,b=http://127.0.0.1:1"), []string{"cannot join", "no member answers", "b at http://127.0.0.1:1"}},
		"no peer cert": {append(free, "--listen-peer-urls=https://127.0.0.1:0"), []string{"needs --peer-cert-file"}},
		"link delay":   {append(free, "--data-dir="+t.TempDir(), "--link-delay=2s"), []string{"link delay is 2s, accepted: 0 to 1s"}},
		"cluster":      {append(free, "--initial-cluster=b=http://127.0.0.1:1"), []string{`--initial-cluster has "" for member "default"`}},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), c.args, io.Discard, io.Discard)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// TestDamagedLog flips a bit of the log and sees the store refuse it, leaving
// the file as it was.
func TestDamagedLog(t *testing.T) {
	dir := t.TempDir()
	p := startProcess(t, dir)
	c := p.client(t)
	for i := range 20 {
		_, err := c.Put(t.Context(), fmt.Sprint(i), "value")
		require.NoError(t, err)
	}
	p.kill()
	segments, err := filepath.Glob(filepath.Join(dir, "wal", "*.wal"))
	require.NoError(t, err)
	require.Len(t, segments, 1)
	data, err := os.ReadFile(segments[0])
	require.NoError(t, err)
	written := bytes.TrimRight(data, "\x00") // segments are preallocated
	data[len(written)-10] ^= 0x10            // in the last put's frame
	require.NoError(t, os.WriteFile(segments[0], data, 0o600))

	err = run(t.Context(), []string{"--data-dir", dir, "--listen-client-urls=http://127.0.0.1:0", "--listen-client-http-urls=http://127.0.0.1:0", "--log-level=error"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "corrupt")
	require.ErrorContains(t, err, filepath.Base(segments[0]))
	after, err := os.ReadFile(segments[0])
	require.NoError(t, err)
	require.Equal(t, data, after)
}

// TestVariantsCommand reads the catalogue as metabench does.
func TestVariantsCommand(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"variants", "--json"}, &out, io.Discard))
	var axes []axisJSON
	require.NoError(t, json.Unmarshal(out.Bytes(), &axes))
	require.Len(t, axes, len(variants.Axes()))
	for _, a := range axes {
		require.NotEmpty(t, a.Values)
		require.True(t, a.Values[0].Baseline)
		for _, v := range a.Values {
			require.Equal(t, v.Name != "rocksdb" || rocksdb.Available(), v.Available)
		}
	}
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"variants"}, &out, io.Discard))
	require.Contains(t, out.String(), "--propose")
}
