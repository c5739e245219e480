package trial

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/check"
	"metastorebench/harness/child"
	"metastorebench/harness/ready"
	"metastorebench/harness/record"
	"metastorebench/harness/trial/fakestore"
	"metastorebench/harness/workload"
)

// noopArg makes the test binary the no-op server.
const noopArg = "noop-server"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == noopArg {
		exit(serveNoop(os.Args[2:]))
	}
	fakestore.RunIfChild()
	// A program built with the race detector sleeps for a second when it ends,
	// unless told otherwise; the stores are this program.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

func serveNoop(args []string) error {
	flags := flag.NewFlagSet(noopArg, flag.ContinueOnError)
	rpc := flags.String("rpc", "", "")
	stall := flags.Duration("stall", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	t := ceiling.Transport{Name: *rpc, Options: []grpc.ServerOption{ceiling.Stall(100*time.Millisecond, *stall)}}
	return ceiling.Serve(ctx, l, t, os.Stdout)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// spec is a short trial of the fake store with a fault. Its window is a number of
// operations: no machine is too slow for it.
func spec(t *testing.T, typ, fault string) Spec {
	self, err := os.Executable()
	require.NoError(t, err)
	return Spec{
		Cell: record.Cell{ID: "memory/" + typ, Target: targetMetastore, Options: map[string]string{
			"engine": "memory", "propose": "batch", "conns": "2", "api": "grpc", "fault": fault,
		}},
		Workload: record.Workload{
			Name: typ, Type: typ, API: workload.APIGRPC, Loop: "closed", Clients: 10, Conns: 2,
			KeyBytes: 8, ValueBytes: 64, Keys: 600, Distribution: workload.Uniform, PreloadKeys: 300,
			Operations: 400, Mix: workload.DefaultMix(typ),
		},
		Seed: 7, Block: 1, Order: 4, Measure: time.Minute,
		Metastore: self, Noop: []string{self, noopArg}, DataRoot: filepath.Join(t.TempDir(), "data"),
	}
}

// left returns what the trial left in its data root.
func left(t *testing.T, s Spec) (names []string) {
	entries, err := os.ReadDir(s.DataRoot)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// untilAll runs a trial. If its window is a time, it is longer each time until every
// operation type of the mix has ended in it, and the counters have moved.
func untilAll(t *testing.T, s Spec) record.Trial {
	if s.Workload.Operations > 0 {
		got, err := Run(t.Context(), s)
		require.NoError(t, err)
		return got
	}
	for s.Measure = 100 * time.Millisecond; ; s.Measure *= 4 {
		got, err := Run(t.Context(), s)
		require.NoError(t, err)
		none := slices.ContainsFunc(got.Ops, func(o record.OpStats) bool { return o.Count == 0 }) || got.Mechanism.AppliedOps == 0
		if len(got.Ops) == len(s.Workload.Mix) && !none || s.Measure > 10*time.Second {
			require.Equal(t, s.Measure.Nanoseconds(), got.MeasureNS)
			return got
		}
	}
}

func checks(t record.Trial) map[string]bool {
	ok := map[string]bool{}
	for _, c := range t.Checks {
		ok[c.Name] = c.OK
	}
	return ok
}

var allChecks = map[string]bool{
	"errors": true, "answers": true, "end-state": true, "linearizable": true, "revisions": true, "applied": true, "stop": true,
}

func TestGoodTrials(t *testing.T) {
	for _, tc := range []struct {
		typ, api string
		ops      []string
	}{
		{workload.TypePut, workload.APIGRPC, []string{"put"}},
		{workload.TypeLargeScale, workload.APIGRPC, []string{"put", "get"}},
		{workload.TypeMixed, workload.APIGRPC, []string{"put", "get", "range", "delete"}},
		{workload.TypeBlend, workload.APIGRPC, []string{"put", "get"}},
		{workload.TypeMixed, workload.APIHTTP, []string{"put", "get", "range", "delete"}},
		{workload.TypePut, workload.APIBatch, []string{"put"}},
		{workload.TypeLargeScale, workload.APIBatch, []string{"put", "get"}},
		{workload.TypeMixed, workload.APIBatch, []string{"put", "get", "range", "delete"}},
		{workload.TypePut, workload.APIStream, []string{"put"}},
		{workload.TypeMixed, workload.APIStream, []string{"put", "get", "range", "delete"}},
		{workload.TypeMixed, apiLean, []string{"put", "get", "range", "delete"}},
	} {
		t.Run(tc.typ+"/"+tc.api, func(t *testing.T) {
			s := spec(t, tc.typ, fakestore.FaultNone)
			setAPI(&s, tc.api)
			if tc.api == workload.APIBatch && len(tc.ops) > 1 { // which has no number of operations
				s.Workload.Operations = 0
				s.Warmup = 20 * time.Millisecond
			}
			got := untilAll(t, s)
			require.Empty(t, got.Void)
			require.Equal(t, allChecks, checks(got))
			requireComplete(t, s, got, tc.ops)
			require.Empty(t, left(t, s), "the data directory must be gone")
		})
	}
}

// setAPI makes a spec's workload go over the API, in batches of 7 if it has any:
// the preload's last batch is a short one.
func setAPI(s *Spec, api string) {
	if s.Workload.API = api; api == apiLean {
		s.Workload.API, s.Workload.Client = workload.APIGRPC, record.ClientLean
	}
	if api == workload.APIBatch {
		s.Workload.BatchOps = 7
		s.Workload.Operations = 700
	}
}

// apiLean stands for single calls by the lean client.
const apiLean = "lean"

// openLoop makes a spec's workload an open loop.
func openLoop(s *Spec, arrivals string, rate float64) {
	s.Workload.Loop, s.Workload.Arrivals, s.Workload.OfferedOpsPerSecond = record.LoopOpen, arrivals, rate
	s.Workload.Operations, s.Measure = 0, 250*time.Millisecond
}

func TestOpenLoopTrials(t *testing.T) {
	for _, tc := range []struct{ typ, api, arrivals string }{
		{workload.TypeLargeScale, workload.APIGRPC, record.ArrivalsConstant},
		{workload.TypeMixed, workload.APIGRPC, record.ArrivalsPoisson},
		{workload.TypeMixed, workload.APIHTTP, record.ArrivalsPoisson},
		{workload.TypeMixed, workload.APIStream, record.ArrivalsPoisson},
	} {
		t.Run(tc.typ+"/"+tc.api, func(t *testing.T) {
			s := spec(t, tc.typ, fakestore.FaultNone)
			s.Workload.API = tc.api
			openLoop(&s, tc.arrivals, 400)
			got, err := Run(t.Context(), s)
			require.NoError(t, err)
			for name, ok := range checks(got) {
				require.True(t, ok, name)
			}
			require.NotContains(t, got.Void, "saturated")
			require.Equal(t, s.Workload, got.Workload)
			require.NotNil(t, got.Machine)
			require.Positive(t, got.Machine.ContextSwitches)
			o := got.OpenLoop
			require.Equal(t, o.Due, o.Sent)
			var count int64
			for _, op := range got.Ops {
				count += op.Count
				response, err := record.DecodeHDR(op.ResponseHDR)
				require.NoError(t, err)
				require.Equal(t, op.Count, response.TotalCount())
			}
			require.Equal(t, o.Sent, count)
		})
	}
}

// A stall of the no-op server's, over the wire: every operation that was due in
// its first half waited for at least the other half.
func TestPlantedStall(t *testing.T) {
	s := spec(t, workload.TypePut, "")
	s.Cell.Target, s.Workload.PreloadKeys = targetNoop, 0
	s.Cell.Options = map[string]string{"stall": "200ms"}
	s.Workload.Clients, s.Workload.Conns, s.Warmup = 2, 1, 20*time.Millisecond
	openLoop(&s, record.ArrivalsConstant, 2000)
	s.Measure = 600 * time.Millisecond
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	response, err := record.DecodeHDR(got.Ops[0].ResponseHDR)
	require.NoError(t, err)
	service, err := record.DecodeHDR(got.Ops[0].ServiceHDR)
	require.NoError(t, err)
	t.Logf("a stall of 200ms in %d operations: p99 response time %v, p99 service time %v; %q",
		got.Ops[0].Count, time.Duration(response.ValueAtPercentile(99)), time.Duration(service.ValueAtPercentile(99)), got.Void)
	require.GreaterOrEqual(t, response.ValueAtPercentile(90), (100 * time.Millisecond).Nanoseconds(), "200 of 1,200 operations waited so long")
}

// A rate that no store keeps with one client: void, and the record says why.
func TestSaturationVoidsTheTrial(t *testing.T) {
	s := spec(t, workload.TypePut, fakestore.FaultNone)
	s.Workload.Clients, s.Workload.Conns = 1, 1
	openLoop(&s, record.ArrivalsConstant, workload.MaxRate)
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.Contains(t, got.Void, "open loop: the target was saturated")
	require.True(t, got.OpenLoop.Saturated())
	require.Equal(t, allChecks, checks(got), "a saturated store is no wrong store")
}

// A rate so low that nothing is due measures nothing.
func TestNothingDueVoidsTheTrial(t *testing.T) {
	s := spec(t, workload.TypePut, fakestore.FaultNone)
	openLoop(&s, record.ArrivalsConstant, 1e-6)
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.Contains(t, got.Void, "none was due in the window")
}

// requireComplete checks that the record holds everything a report may ask for.
func requireComplete(t *testing.T, s Spec, got record.Trial, ops []string) {
	t.Helper()
	require.Equal(t, record.Schema, got.Schema)
	require.Equal(t, s.Cell.ID, got.Cell)
	require.Equal(t, []any{1, 4, uint64(7)}, []any{got.Block, got.Order, got.Seed})
	require.Equal(t, record.TierSynced, got.Durability)
	require.Equal(t, "batch", got.Effective["propose"])
	require.NotContains(t, got.Effective, "conns", "an option of the client's is not the store's")
	require.NotEmpty(t, got.ThroughputSeries)
	var writes int64
	var names []string
	for _, op := range got.Ops {
		names = append(names, op.Op)
		require.Positive(t, op.Count, op.Op)
		require.Empty(t, op.Errors)
		h, err := record.DecodeHDR(op.ServiceHDR)
		require.NoError(t, err)
		require.Equal(t, op.Count, h.TotalCount()+op.OutOfRange)
		if op.Op == record.OpPut || op.Op == record.OpDelete {
			writes += op.Count
		}
	}
	require.Equal(t, ops, names)
	m := got.Mechanism
	require.NotNil(t, m)
	require.Positive(t, m.AppliedOps)
	require.GreaterOrEqual(t, m.TotalAppliedOps, writes+int64(s.Workload.PreloadKeys))
	require.Equal(t, []int64{m.AppliedOps, m.AppliedOps, m.AppliedOps}, []int64{m.Proposals, m.ProposedOps, m.Fsyncs})
	require.Equal(t, 300*m.AppliedOps, m.WALBytes)
	require.InEpsilon(t, 1e6*float64(m.AppliedOps), float64(m.FsyncNS), 1e-6)
	for _, p := range []record.Process{got.Store, got.Client} {
		require.Positive(t, p.PeakRSSBytes)
		require.Positive(t, p.HeapAllocs)
		require.Positive(t, p.HeapAllocBytes)
		require.GreaterOrEqual(t, p.CPUUserSeconds, 0.0)
	}
}

// Each fault that is no lie of the store's must void the trial too.
func TestFaultsVoidTheTrial(t *testing.T) {
	for _, tc := range []struct{ fault, failed, says string }{
		{fakestore.FaultMiscount, "applied", "writes applied by the store"},
		{fakestore.FaultRefuse, "errors", "put Unavailable"},
		{fakestore.FaultStop, "stop", "exit status 3"},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			s := spec(t, workload.TypePut, tc.fault)
			s.Workload.PreloadKeys = 0
			got, err := Run(t.Context(), s)
			require.NoError(t, err)
			require.Contains(t, got.Void, "check "+tc.failed+" failed")
			require.Contains(t, got.Void, tc.says)
			require.False(t, checks(got)[tc.failed])
			require.NotEmpty(t, got.Ops, "what was measured is kept")
			require.Empty(t, left(t, s))
		})
	}
}

// Stale reads are allowed to a store that says that it has them, and to no other.
func TestStaleReadsThatWereAnnounced(t *testing.T) {
	s := spec(t, workload.TypeLargeScale, fakestore.LieStale)
	s.Cell.Options[record.OptionConsistency] = record.ConsistencyStale
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.Empty(t, got.Void)
	want := maps.Clone(allChecks)
	want[check.Linearizability] = false
	require.Equal(t, want, checks(got))
	unchecked := got.Unchecked()
	require.Len(t, unchecked, 1)
	require.Equal(t, record.CheckPartial, unchecked[0].State)
	require.Contains(t, unchecked[0].Detail, "reads left out")
	require.Equal(t, record.ConsistencyStale, got.Effective[record.OptionConsistency])
}

// A cell may leave contended keys out; its record says so.
func TestContentionSwitchedOff(t *testing.T) {
	s := spec(t, workload.TypePut, fakestore.FaultNone)
	s.Cell.Options[record.OptionContend] = record.ContendOff
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.Empty(t, got.Void)
	require.Equal(t, []record.Check{check.Uncontended("the cell has contend=off")}, got.Unchecked())
	require.EqualValues(t, 700, got.Mechanism.TotalAppliedOps, "the preload and the window's puts, and no others")
	require.NotContains(t, got.Effective, record.OptionContend, "the store knows nothing of it")
}

// What is measured is the same with contended keys and without, to the operation.
func TestContentionIsNotMeasured(t *testing.T) {
	counted := map[string][]int64{}
	for _, contend := range []string{"on", record.ContendOff} {
		s := spec(t, workload.TypePut, fakestore.FaultNone)
		s.Cell.Options[record.OptionContend] = contend
		got, err := Run(t.Context(), s)
		require.NoError(t, err)
		require.Empty(t, got.Void)
		m := got.Mechanism
		counted[contend] = []int64{got.Ops[0].Count, m.AppliedOps, m.Fsyncs, m.WALBytes, got.Store.HeapAllocs}
	}
	require.Equal(t, counted[record.ContendOff], counted["on"])
}

// A refused write has an unknown outcome for the client; the other checks must
// allow for it.
func TestUnknownOutcomesAreAllowedFor(t *testing.T) {
	got, err := Run(t.Context(), spec(t, workload.TypePut, fakestore.FaultRefuse))
	require.NoError(t, err)
	require.Contains(t, got.Void, "preload, after", "the preload must not go on after an error")
	for _, api := range []string{workload.APIGRPC, workload.APIBatch, workload.APIStream} {
		s := spec(t, workload.TypePut, fakestore.FaultRefuse)
		setAPI(&s, api)
		s.Workload.PreloadKeys = 0
		got, err = Run(t.Context(), s)
		require.NoError(t, err)
		want := maps.Clone(allChecks)
		want["errors"] = false
		require.Equal(t, want, checks(got), api)
		require.Positive(t, got.Ops[0].Errors["Unavailable"])
	}
}

func TestCrashVoidsTheTrial(t *testing.T) {
	s := spec(t, workload.TypePut, fakestore.FaultCrash)
	s.Workload.PreloadKeys = 0
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.Contains(t, got.Void, "the target ended by itself: exit status 7; it said: fakestore: out of cheese")
	require.Empty(t, left(t, s))
}

func TestMissingCountersVoidTheTrial(t *testing.T) {
	got, err := Run(t.Context(), spec(t, workload.TypePut, fakestore.FaultNoCounters))
	require.NoError(t, err)
	require.Contains(t, got.Void, "metastore_applied_ops_total: missing")
	require.Contains(t, got.Void, "metastore_storage_lock_wait_seconds: missing")
}

func TestStoreThatDoesNotStart(t *testing.T) {
	for fault, want := range map[string]error{
		fakestore.FaultUnavailable: ErrUnavailable,
		fakestore.FaultMumble:      ready.ErrFormat,
	} {
		s := spec(t, workload.TypePut, fault)
		_, err := Run(t.Context(), s)
		require.ErrorIs(t, err, want)
		require.Empty(t, left(t, s))
	}
	s := spec(t, workload.TypePut, fakestore.FaultUnavailable)
	_, err := Run(t.Context(), s)
	require.ErrorContains(t, err, "rocksdb engine is not in this build")
	s.Metastore = filepath.Join(t.TempDir(), "missing")
	_, err = Run(t.Context(), s)
	require.ErrorIs(t, err, ErrStart)
	require.ErrorIs(t, err, os.ErrNotExist)
	s = spec(t, workload.TypePut, fakestore.FaultNone)
	s.Cell.Options["flux"] = "1"
	_, err = Run(t.Context(), s)
	require.ErrorIs(t, err, ErrStart)
	require.ErrorContains(t, err, "flag provided but not defined: -flux", "what the store said is in the error")
}

// A trial that is interrupted returns the context's error and leaves nothing,
// even when the store does not answer at all.
func TestInterrupt(t *testing.T) {
	for _, fault := range []string{fakestore.FaultNone, fakestore.FaultSilent} {
		s := spec(t, workload.TypePut, fault)
		s.Workload.Operations, s.Measure = 0, time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		s.Live = func(completed int64) {
			if completed > 0 {
				cancel()
			}
		}
		if fault == fakestore.FaultSilent {
			cancel()
		}
		_, err := Run(ctx, s)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, left(t, s))
		cancel()
	}
}

func TestNoop(t *testing.T) {
	for _, api := range []string{workload.APIGRPC, workload.APIBatch, workload.APIStream} {
		s := spec(t, workload.TypePut, "")
		setAPI(&s, api)
		s.Cell.Target, s.Workload.PreloadKeys = targetNoop, 0
		s.Cell.Options = map[string]string{"rpc": "tuned", "api": "unary"}
		got, err := Run(t.Context(), s)
		require.NoError(t, err)
		require.Empty(t, got.Void)
		require.Equal(t, map[string]bool{"errors": true, "answers": true, "stop": true}, checks(got))
		require.Equal(t, record.TierNone, got.Durability)
		require.Equal(t, map[string]string{"rpc": "tuned"}, got.Effective)
		require.Nil(t, got.Mechanism)
		require.Equal(t, int64(-1), got.Store.HeapAllocs)
		require.Positive(t, got.Store.PeakRSSBytes)
	}
}

// An external store keeps what is not the trial's, and is left as it was found.
func TestExternal(t *testing.T) {
	host := spec(t, workload.TypePut, fakestore.FaultNone)
	process, err := child.Start(t.Context(), host.argv(member{dir: t.TempDir(), peerURL: anyURL}))
	require.NoError(t, err)
	defer process.Kill()
	s := spec(t, workload.TypeMixed, "")
	s.Cell.Target, s.External = targetExternal, process.Ready.Client
	for range 2 { // the second finds no keys of the first
		got, err := Run(t.Context(), s)
		require.NoError(t, err)
		require.Empty(t, got.Void)
		require.Equal(t, map[string]bool{"errors": true, "answers": true, "end-state": true, "linearizable": true}, checks(got))
		require.Equal(t, record.Process{HeapAllocs: -1, HeapAllocBytes: -1}, got.Store)
	}
	target, err := start(t.Context(), s)
	require.NoError(t, err)
	defer func() { require.NoError(t, target.discard()) }()
	work, err := workload.New(s.Workload, 1)
	require.NoError(t, err)
	_, err = target.admin.Handle(0).Put(t.Context(), work.AppendKey(nil, 5), []byte("mine"))
	require.NoError(t, err)
	_, err = Run(t.Context(), s)
	require.ErrorIs(t, err, ErrNotEmpty)
	pair, _, err := target.admin.Handle(0).Get(t.Context(), work.AppendKey(nil, 5))
	require.NoError(t, err)
	require.Equal(t, "mine", string(pair.Value))
}

// TestCounters lists what a store shows, and leaves nothing behind.
func TestCounters(t *testing.T) {
	s := spec(t, workload.TypePut, "")
	names, err := Counters(t.Context(), s)
	require.NoError(t, err)
	require.Contains(t, names, "metastore_wal_fsyncs_total")
	require.NotContains(t, names, "go_memstats_mallocs_total", "it is not the store's own")
	require.Empty(t, left(t, s))
	s.Metastore = "no-such-store"
	_, err = Counters(t.Context(), s)
	require.ErrorIs(t, err, ErrStart)
}

// TestPlantIsInTheEnvironment: a planted store is told of its fault when it starts.
func TestPlantIsInTheEnvironment(t *testing.T) {
	s := Spec{Metastore: "store", Plant: "delay=20us", Cell: record.Cell{Target: targetMetastore}}
	require.Equal(t, []string{"env", "METASTORE_PLANT=delay=20us", "store"}, s.argv(member{})[:3])
	s.Plant = ""
	require.Equal(t, "store", s.argv(member{})[0])
}

func TestSpecIsChecked(t *testing.T) {
	for want, change := range map[string]func(*Spec){
		`unknown target "moon"; accepted: metastore, noop, etcd, external`: func(s *Spec) { s.Cell.Target = "moon" },
		"window 0s":                       func(s *Spec) { s.Measure = 0 },
		"needs the path":                  func(s *Spec) { s.Metastore = "" },
		"needs the command":               func(s *Spec) { s.Cell.Target, s.Noop = targetNoop, nil },
		"the no-op server stores nothing": func(s *Spec) { s.Cell.Target = targetNoop },
		"needs the path of the peer":      func(s *Spec) { s.Cell.Target = targetEtcd },
		"etcd has no other service": func(s *Spec) {
			s.Cell.Target, s.Etcd = targetEtcd, "peer-etcd"
			setAPI(s, workload.APIBatch)
		},
		`members is "8"; accepted: 1 to 7`:   func(s *Spec) { s.Cell.Options["members"] = "8" },
		`members is "two"; accepted: 1 to 7`: func(s *Spec) { s.Cell.Options["members"] = "two" },
		"needs the endpoint":                 func(s *Spec) { s.Cell.Target = targetExternal },
		`clients is 0; accepted: 1 or more`:  func(s *Spec) { s.Workload.Clients = 0 },
	} {
		s := spec(t, workload.TypePut, fakestore.FaultNone)
		change(&s)
		_, err := Run(t.Context(), s)
		require.ErrorContains(t, err, want)
	}
}
