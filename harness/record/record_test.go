package record

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite testdata/sample from the schema")

// sampleManifest and sampleTrial set every field of the schema.
func sampleManifest() Manifest {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return Manifest{
		Schema: Schema, Minor: Minor, Plan: "phase1", Level: "smoke", Seed: 7, Blocks: 1, Started: at, Finished: at.Add(time.Minute),
		Command: []string{"metabench", "run", "phase1", "--seed", "7"}, PlanYAML: "name: phase1\n", PlanHash: "ab12",
		Only: []string{"engine=memory"}, StoreSHA256: "cd34", External: "host:2379", Reference: true,
		Cells:   []Cell{sampleCell()},
		Skipped: []Skipped{{Cell: "rocksdb/put50", Reason: "rocksdb engine is not in this build"}},
		Env: Environment{
			Commit: "0123abcd", Dirty: true, GoVersion: "go1.26",
			Harness: &Build{Revision: "0123abcd", Modified: true, GoVersion: "go1.26", SHA256: "ef56"}, OS: "linux", Arch: "amd64", Kernel: "6.1", CPUModel: "cpu",
			CPUs: 2, MemoryBytes: 8 << 30, MachineID: "01ab", Filesystem: "ext4", FilesystemID: "cd02",
			SyncLatencyP50NS: 150_000, SyncLatencyP99NS: 900_000, SyncSamples: 200,
		},
	}
}

func sampleCell() Cell {
	return Cell{ID: "memory/put50/propose=batch", Group: "factorial", Workload: "put50", Target: "metastore",
		Options: map[string]string{"propose": "batch", "engine": "memory"}}
}

func sampleTrial(t testing.TB) Trial {
	h := NewHistogram()
	for us := range int64(100) {
		require.NoError(t, h.RecordValue((us+1)*1000))
	}
	enc, err := EncodeHDR(h)
	require.NoError(t, err)
	return Trial{
		Schema: Schema, Minor: Minor, Cell: "memory/put50/propose=batch", Block: 1, Order: 3, Seed: 99,
		Started: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), WarmupNS: 1e8, MeasureNS: 3e8,
		Effective: map[string]string{"propose": "batch"}, Durability: TierSynced,
		Workload: Workload{Name: "put50", Type: "put", Loop: "closed", Clients: 50, Conns: 1, KeyBytes: 8, ValueBytes: 256,
			Keys: 100000, Distribution: "zipfian", ZipfTheta: 0.99, PreloadKeys: 5, RangeLimit: 100, API: "grpc",
			Mix: map[string]float64{"put": 1}},
		Ops: []OpStats{{Op: OpPut, Count: 99, Errors: map[string]int64{"Unavailable": 1}, ServiceHDR: enc, ResponseHDR: enc,
			OutOfRange: 1}},
		ThroughputSeries: []int64{33, 33, 33}, SeriesStepNS: 1e8,
		Store:  Process{CPUUserSeconds: 0.1, CPUSystemSeconds: 0.2, PeakRSSBytes: 1 << 20, HeapAllocs: 10, HeapAllocBytes: 100},
		Client: Process{CPUUserSeconds: 0.3, CPUSystemSeconds: 0.4, PeakRSSBytes: 2 << 20, HeapAllocs: -1, HeapAllocBytes: -1},
		Mechanism: &Mechanism{AppliedOps: 99, Proposals: 10, ProposedOps: 99, Readys: 9, ReadyEntries: 10, Fsyncs: 9, FsyncNS: 1e6,
			WALBytes: 30000, LockWaitNS: 5, TotalAppliedOps: 120},
		Checks: []Check{{Name: "end state", OK: true, Detail: "120 keys"}},
	}
}

// TestSchemaGolden pins the schema: the committed sample is what this program
// writes, and reads back as the same data. A change here needs a new Schema
// version unless it only adds a field whose zero value means "not measured".
func TestSchemaGolden(t *testing.T) {
	dir := filepath.Join("testdata", "sample")
	m, tr := sampleManifest(), sampleTrial(t)
	if *update {
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.RemoveAll(filepath.Join(dir, RecordsFile)))
		writeRun(t, dir, m, tr)
	}
	fresh := t.TempDir()
	writeRun(t, fresh, m, tr)
	for _, name := range []string{ManifestFile, RecordsFile} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(fresh, name))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), name)
	}
	run, err := ReadRun(dir)
	require.NoError(t, err)
	require.Equal(t, m, run.Manifest)
	require.Equal(t, []Trial{tr}, run.Trials)
}

// TestSampleSetsEveryField keeps the golden test honest: a field added to the
// schema must be added to the sample.
func TestSampleSetsEveryField(t *testing.T) {
	tr := sampleTrial(t)
	tr.Void, tr.Retry = "why", true
	for name, v := range map[string]any{"manifest": sampleManifest(), "trial": tr} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		var decoded any
		require.NoError(t, json.Unmarshal(b, &decoded))
		requireNonZero(t, name, decoded)
	}
}

func requireNonZero(t *testing.T, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			requireNonZero(t, path+"."+k, e)
		}
	case []any:
		for _, e := range v {
			requireNonZero(t, path, e)
		}
	default:
		require.NotZero(t, v, path)
	}
}

func writeRun(t testing.TB, dir string, m Manifest, trials ...Trial) {
	t.Helper()
	require.NoError(t, WriteManifest(dir, m))
	l, have, err := OpenLog(dir)
	require.NoError(t, err)
	require.Empty(t, have)
	for _, tr := range trials {
		require.NoError(t, l.Append(tr))
	}
	require.NoError(t, l.Close())
}

func TestReadRefusesWhatItCannotTrust(t *testing.T) {
	good, err := json.Marshal(sampleTrial(t))
	require.NoError(t, err)
	line := string(good) + "\n"
	swap := func(old, new string) string {
		require.Contains(t, line, old)
		return strings.Replace(line, old, new, 1)
	}
	minor, newer := fmt.Sprintf(`"minor":%d`, Minor), fmt.Sprintf(`"minor":%d`, Minor+1)
	tests := []struct {
		name, records string
		is            error
		says          string
	}{
		{"newer schema", line + swap(`"schema":1`, `"schema":2`), ErrSchema, "records.jsonl:2: unsupported results schema: the file has version 2, this program reads version 1; read it with the program that wrote it, or a newer one"},
		{"older schema", swap(`"schema":1`, `"schema":0`), ErrSchema, "read it with the program that wrote it"},
		{"newer minor, broken JSON", line + swap(minor, newer+","), ErrDamaged, "records.jsonl:2"},
		{"newer minor, wrong type", line + swap(minor, newer+`,"block":"1"`), ErrDamaged, "records.jsonl:2"},
		{"newer minor, unsound", strings.Replace(swap(minor, newer+`,"new":1`), `"count":99`, `"count":-1`, 1), ErrDamaged, "count -1"},
		{"newer schema with unknown fields", swap(`"schema":1`, `"schema":2,"new":1`), ErrSchema, "records.jsonl:1"},
		{"no schema", swap(`"schema":1,`, ``), ErrDamaged, "no schema version"},
		{"broken JSON in the middle", line + "{\"schema\":1,\n" + line, ErrDamaged, "records.jsonl:2"},
		{"an empty line", line + "\n" + line, ErrDamaged, "records.jsonl:2"},
		{"unknown field", swap(`"block":1`, `"blok":1`), ErrDamaged, "blok"},
		{"wrong type", swap(`"block":1`, `"block":"1"`), ErrDamaged, "block"},
		{"no cell", swap(`"cell":"memory/put50/propose=batch"`, `"cell":""`), ErrDamaged, "names no cell"},
		{"negative block", swap(`"block":1`, `"block":-1`), ErrDamaged, "block -1"},
		{"no window", swap(`"measure_ns":300000000`, `"measure_ns":0`), ErrDamaged, "0 ns"},
		{"unknown tier", swap(`"durability":"synced"`, `"durability":"fast"`), ErrDamaged, `"fast"`},
		{"negative count", swap(`"count":99`, `"count":-1`), ErrDamaged, "count -1"},
		{"a trial twice", line + line, ErrDamaged, "lines 1 and 2 are both of cell memory/put50/propose=batch, block 1"},
		{"torn last line", line + line[:40], ErrTorn, "records.jsonl:2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, WriteManifest(dir, sampleManifest()))
			require.NoError(t, os.WriteFile(filepath.Join(dir, RecordsFile), []byte(tt.records), 0o644))
			_, err := ReadRun(dir)
			require.ErrorIs(t, err, tt.is)
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func TestManifestRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := ReadManifest(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for text, is := range map[string]error{
		`{"schema":9}`:                             ErrSchema,
		`{"schema":1,"plan":"p","blocks":0}`:       ErrDamaged,
		`{"schema":1,"plan":"p","blocks":1,"a":1}`: ErrDamaged,
		`{"schema":1,`:                             ErrDamaged,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ManifestFile), []byte(text), 0o644))
		_, err := ReadManifest(dir)
		require.ErrorIs(t, err, is, text)
		require.ErrorContains(t, err, ManifestFile)
	}
}

// TestNewerMinorVersion: what this program does not know is left out, and it says so.
func TestNewerMinorVersion(t *testing.T) {
	dir, m, tr := t.TempDir(), sampleManifest(), sampleTrial(t)
	writeRun(t, dir, m, tr)
	run, err := ReadRun(dir)
	require.NoError(t, err)
	require.Empty(t, run.Newer())
	for _, name := range []string{ManifestFile, RecordsFile} {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		text := regexp.MustCompile(`"minor": ?\d+`).ReplaceAllString(string(b), `"minor":7,"new":{"a":1}`)
		text = strings.Replace(text, `"name":"end state"`, `"name":"end state","state":"fine"`, 1)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	run, err = ReadRun(dir)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%s was written with schema 1.7; this program knows 1.%d, and leaves out fields that it does not know", dir, Minor), run.Newer())
	m.Minor, tr.Minor = 7, 7
	tr.Checks[0].State = "fine" // a state that a later version may have
	require.Equal(t, m, run.Manifest)
	require.Equal(t, []Trial{tr}, run.Trials)
}

// TestLastTrialCounts: one that was made again is not read.
func TestLastTrialCounts(t *testing.T) {
	dir, tr := t.TempDir(), sampleTrial(t)
	dead, other := tr, tr
	dead.Void, dead.Retry = "trial failed: target did not start", true
	other.Block = 2
	writeRun(t, dir, sampleManifest(), dead, other, dead, tr)
	got, err := ReadTrials(dir)
	require.NoError(t, err)
	require.Equal(t, []Trial{other, tr}, got)

	l, have, err := OpenLog(dir)
	require.NoError(t, err)
	require.Equal(t, got, have)
	require.NoError(t, l.Append(dead), "after a measurement: it must not take its place")
	require.NoError(t, l.Close())
	_, err = ReadTrials(dir)
	require.ErrorIs(t, err, ErrDamaged)
	require.ErrorContains(t, err, "lines 4 and 5 are both of cell")
}

func TestLogResumesAfterTornAppend(t *testing.T) {
	dir, tr := t.TempDir(), sampleTrial(t)
	torn := tr
	torn.Block = 2
	writeRun(t, dir, sampleManifest(), tr, torn)
	path := filepath.Join(dir, RecordsFile)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b[:len(b)-10], 0o644))

	l, have, err := OpenLog(dir)
	require.NoError(t, err)
	require.Len(t, have, 1)
	_, _, err = OpenLog(dir)
	require.ErrorContains(t, err, "in use by another run")
	tr.Block = 2
	require.NoError(t, l.Append(tr))
	require.NoError(t, l.Close())

	got, err := ReadTrials(dir)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, 2, got[1].Block)
}

func TestLogRefusesAnUnsoundTrial(t *testing.T) {
	dir := t.TempDir()
	l, _, err := OpenLog(dir)
	require.NoError(t, err)
	defer l.Close()
	tr := sampleTrial(t)
	tr.Durability = ""
	require.ErrorIs(t, l.Append(tr), ErrDamaged)
	tr.Void = "the store died"
	require.NoError(t, l.Append(tr), "a void trial need not be sound")
}

func TestPack(t *testing.T) {
	dir, tr := t.TempDir(), sampleTrial(t)
	writeRun(t, dir, sampleManifest(), tr)
	require.NoError(t, Pack(dir))
	first, err := os.ReadFile(filepath.Join(dir, PackedFile))
	require.NoError(t, err)
	run, err := ReadRun(dir)
	require.NoError(t, err)
	require.Equal(t, []Trial{tr}, run.Trials)
	require.NoFileExists(t, filepath.Join(dir, RecordsFile))
	require.ErrorContains(t, Pack(dir), "packed already")
	_, _, err = OpenLog(dir)
	require.ErrorContains(t, err, "packed run")

	again := t.TempDir()
	writeRun(t, again, sampleManifest(), tr)
	require.NoError(t, Pack(again))
	second, err := os.ReadFile(filepath.Join(again, PackedFile))
	require.NoError(t, err)
	require.True(t, bytes.Equal(first, second), "packing must be deterministic")

	require.NoError(t, os.WriteFile(filepath.Join(dir, RecordsFile), nil, 0o644))
	_, err = ReadTrials(dir)
	require.ErrorContains(t, err, "stale")

	require.NoError(t, os.Remove(filepath.Join(dir, RecordsFile)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, PackedFile), first[:len(first)-20], 0o644))
	_, err = ReadTrials(dir)
	require.ErrorIs(t, err, ErrDamaged)
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	e, err := CaptureEnvironment(self, dir)
	require.NoError(t, err)
	require.NotEmpty(t, e.Kernel)
	require.NotEmpty(t, e.Filesystem)
	require.Positive(t, e.CPUs)
	require.Positive(t, e.MemoryBytes)
	require.Len(t, e.MachineID, 16)
	require.Equal(t, hashOf(t, self), e.Harness.SHA256)
	require.NotEmpty(t, e.Harness.GoVersion)
	require.Empty(t, e.MovedFrom(e))
	require.Zero(t, e.SyncSamples, "describing measures nothing")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	_, err = CaptureEnvironment(self, filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func FuzzDecodeTrial(f *testing.F) {
	b, err := json.Marshal(sampleTrial(f))
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte(`{"schema":1,"cell":"c","void":"died"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		first, err := DecodeTrial(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(first)
		require.NoError(t, err)
		second, err := DecodeTrial(again)
		require.NoError(t, err)
		third, err := json.Marshal(second)
		require.NoError(t, err)
		require.Equal(t, string(again), string(third))
	})
}
