package ceiling

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/child"
	"metastorebench/harness/record"
)

// First arguments that make the test binary another program.
const (
	noopArg = "noop-server" // Serve
	dieArg  = "dies"        // says that it is ready, and dies at the first connection
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == noopArg || os.Args[1] == dieArg) {
		if err := serveChild(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(7)
		}
		return
	}
	os.Exit(m.Run())
}

func serveChild(arg string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if arg == dieArg {
		fmt.Printf("ready {\"client\":%q}\n", l.Addr())
		if _, err := l.Accept(); err != nil {
			return err
		}
		return errors.New("out of cheese")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return Serve(ctx, l, Transport{Name: "default"}, os.Stdout)
}

// options is a survey that is over soon, with a store that is a script.
func options(t *testing.T) Options {
	t.Helper()
	store := filepath.Join(t.TempDir(), "metastore")
	script := `#!/bin/sh
case "$*" in "bench-codec --json --key-bytes=8 --value-bytes=16 --repeats=2 --time="*) ;; *) echo "bad arguments: $*" >&2; exit 2;; esac
echo '[{"codec":"json","operation":"encode","entry_bytes":40,"allocs":2,"ns":[300,310]},{"codec":"json","operation":"decode","entry_bytes":40,"allocs":9.25,"ns":[700,720]}]'
`
	require.NoError(t, os.WriteFile(store, []byte(script), 0o755))
	return Options{
		DataDir: t.TempDir(), Noop: []string{os.Args[0], noopArg}, Metastore: store,
		Loads:  []Load{{Clients: 1, Conns: 1, KeyBytes: 8, ValueBytes: 16}, {Clients: 4, Conns: 2, KeyBytes: 8, ValueBytes: 16}},
		Effort: Effort{Repeats: 2, Each: time.Millisecond},
	}
}

func TestSurvey(t *testing.T) {
	o := options(t)
	got, err := Survey(t.Context(), o)
	require.NoError(t, err)
	count := map[string]int{}
	for _, p := range got.Probes {
		count[p.Name]++
		require.NotEmpty(t, p.Params, p.Name)
		require.Len(t, p.Samples, 2, p.Name)
		for _, v := range p.Samples {
			require.Positive(t, v, p.Name)
		}
	}
	require.Equal(t, map[string]int{
		record.ProbeUnary: 2, record.ProbeBatch: 1, record.ProbeStream: 3, record.ProbeSyncLatency: 1, record.ProbeSyncBandwidth: 2,
		record.ProbeLoopbackLatency: 1, record.ProbeLoopbackBandwidth: 1, record.ProbeCodecEncode: 1, record.ProbeCodecDecode: 1,
	}, count, "the 99th percentile needs more syncs, the codecs are measured once per size")
	left, err := os.ReadDir(o.DataDir)
	require.NoError(t, err)
	require.Empty(t, left)

	unary := got.Find(record.ProbeUnary)[1]
	require.Equal(t, map[string]string{"clients": "4", "conns": "2", "key_bytes": "8", "value_bytes": "16", "rpc": "default"}, unary.Params)
	decode := got.Find(record.ProbeCodecDecode)[0]
	require.Equal(t, []float64{700, 720}, decode.Samples)
	require.Equal(t, "9.2", decode.Params[record.ParamAllocs])
	batch, ok := got.Find(record.ProbeBatch)[0].Int(record.ParamBatch)
	require.True(t, ok)
	require.Equal(t, batchOps, batch)
}

func TestSurveyWithoutPrograms(t *testing.T) {
	o := options(t)
	o.Noop, o.Metastore = nil, ""
	got, err := Survey(t.Context(), o)
	require.NoError(t, err)
	require.Len(t, got.Probes, 3, "the device alone")
}

func TestSurveyRefusals(t *testing.T) {
	for says, change := range map[string]func(*Options){
		"no data directory": func(o *Options) { o.DataDir = "" },
		"0 repeats":         func(o *Options) { o.Effort.Repeats = 0 },
		"Clients:0":         func(o *Options) { o.Loads[0].Clients = 0 },
	} {
		o := options(t)
		change(&o)
		_, err := Survey(t.Context(), o)
		require.ErrorIs(t, err, ErrOptions)
		require.ErrorContains(t, err, says)
	}

	o := options(t)
	o.DataDir = filepath.Join(o.DataDir, "none")
	_, err := Survey(t.Context(), o)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "data directory "+o.DataDir)

	o = options(t)
	require.NoError(t, os.WriteFile(o.Metastore, []byte("#!/bin/sh\necho unknown command >&2; exit 1\n"), 0o755))
	_, err = Survey(t.Context(), o)
	require.ErrorIs(t, err, ErrStore)
	require.ErrorContains(t, err, "unknown command")
	require.NoError(t, os.WriteFile(o.Metastore, []byte("#!/bin/sh\necho '[{\"operation\":\"fly\",\"ns\":[1]}]'\n"), 0o755))
	_, err = Survey(t.Context(), o)
	require.ErrorContains(t, err, `operation "fly" with 1 samples, want encode or decode`)

	o = options(t)
	o.Noop = []string{filepath.Join(t.TempDir(), "none")}
	_, err = Survey(t.Context(), o)
	require.ErrorIs(t, err, child.ErrStart)

	_, err = EffortOf("huge")
	require.ErrorContains(t, err, `level "huge"; accepted: smoke, default, full`)
}

// A no-op server that dies says why, and an interruption is one at every stage.
func TestSurveyEnds(t *testing.T) {
	o := options(t)
	o.Noop = []string{os.Args[0], dieArg}
	_, err := Survey(t.Context(), o)
	require.ErrorContains(t, err, "no-op server: ")
	require.ErrorContains(t, err, "exit status 7; it said: out of cheese")

	for _, without := range []func(*Options){
		func(*Options) {},
		func(o *Options) { o.Noop = nil },
	} {
		o = options(t)
		o.Effort = Effort{Repeats: 1, Each: time.Hour}
		without(&o)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("enough"))
		_, err = Survey(ctx, o)
		require.ErrorContains(t, err, "enough")
		cancel()
		left, err := os.ReadDir(o.DataDir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

func TestSetSyncLatency(t *testing.T) {
	c := &record.Ceilings{Probes: []record.Probe{
		{Name: record.ProbeSyncLatency, Samples: []float64{3, 1, 2}, Params: map[string]string{record.ParamPercentile: "50", record.ParamSyncs: "600"}},
		{Name: record.ProbeSyncLatency, Samples: []float64{9}, Params: map[string]string{record.ParamPercentile: "99", record.ParamSyncs: "600"}},
	}}
	var env record.Environment
	SetSyncLatency(&env, c)
	require.Equal(t, record.Environment{SyncLatencyP50NS: 2, SyncLatencyP99NS: 9, SyncSamples: 600}, env)
	SetSyncLatency(&env, nil)
	require.Equal(t, 600, env.SyncSamples)
}

// Calibration doubles up to half a repeat and goes the rest by proportion.
func TestCalibration(t *testing.T) {
	var asked []int
	ns, err := Effort{Repeats: 2, Each: 100 * time.Millisecond}.repeat(t.Context(), func(_ context.Context, n int) (time.Duration, error) {
		asked = append(asked, n)
		return time.Duration(n) * 3 * time.Millisecond, nil
	})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 4, 8, 16, 32, 33, 33}, asked)
	require.Equal(t, []float64{3e6, 3e6}, ns)
	require.Equal(t, []float64{500, 500}, rates([]float64{1e9, 1e9}, 500))

	broken := errors.New("broken")
	_, err = Effort{Repeats: 2, Each: time.Second}.repeat(t.Context(), func(context.Context, int) (time.Duration, error) { return 0, broken })
	require.ErrorIs(t, err, broken)
}
