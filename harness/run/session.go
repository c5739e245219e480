package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/record"
)

// session is an open run: its directory, its locked records, its manifest.
type session struct {
	dir      string
	manifest record.Manifest
	log      *record.Log
	trials   []record.Trial // all that are recorded, in order
	dataRoot string         // removed by close
}

// tempPattern names the directory of the trials' stores within a run's
// directory or within DataDir.
const tempPattern = "metabench-data-*"

// open makes the run's directory, or reopens it.
func (j *job) open(ctx context.Context) (*session, error) {
	s := &session{dir: cmp.Or(j.Resume, j.Out)}
	if s.dir == "" {
		s.dir = filepath.Join("results", j.matrix.Plan.Name+"-"+time.Now().UTC().Format("20060102T150405Z"))
	}
	env, err := j.check(s.dir)
	if err != nil {
		return nil, err
	}
	if j.resumed == nil {
		if err := makeRunDir(s.dir); err != nil {
			return nil, err
		}
	}
	if s.log, s.trials, err = record.OpenLog(s.dir); err != nil {
		return nil, err
	}
	s.trials = slices.DeleteFunc(s.trials, func(t record.Trial) bool { return t.Retry })
	if err = s.begin(j, env); err == nil {
		err = s.survey(ctx, j)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// check describes the machine and the builds, and refuses those that must not run
// this. It writes nothing.
func (j *job) check(dir string) (record.Environment, error) {
	env, err := j.Describe(j.store(), existing(cmp.Or(j.DataDir, dir)))
	if err == nil && j.Reference {
		err = j.checkReference(env)
	}
	if err == nil && j.resumed != nil {
		err = j.checkResume(env)
	}
	return env, err
}

// existing returns dir, or the nearest directory above it that exists: dir will be on
// its filesystem.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// makeRunDir makes a directory for a new run; one that holds a run is refused.
func makeRunDir(dir string) error {
	for _, name := range []string{record.ManifestFile, record.RecordsFile, record.PackedFile} {
		_, err := os.Lstat(filepath.Join(dir, name))
		if err == nil {
			return fmt.Errorf("%w: %s has %s; choose another --out, or continue it with --resume", ErrExists, dir, name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make run directory: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make run directory: %w", err)
	}
	return nil
}

// begin prepares the data directory and writes a new run's manifest. The
// records are locked already, so leftovers in the directory are nobody's.
func (s *session) begin(j *job, env record.Environment) error {
	left, err := filepath.Glob(filepath.Join(s.dir, tempPattern))
	if err != nil {
		return fmt.Errorf("find leftovers: %w", err)
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove leftovers: %w", err)
		}
	}
	parent := s.dir
	if j.DataDir != "" {
		parent = j.DataDir
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
	}
	if s.dataRoot, err = os.MkdirTemp(parent, tempPattern); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if j.resumed != nil {
		s.manifest = *j.resumed
		s.manifest.Skipped, s.manifest.Reference = j.skipped, j.Reference
		return record.WriteManifest(s.dir, s.manifest)
	}
	s.manifest = record.Manifest{
		Plan: j.matrix.Plan.Name, Level: j.Level, Seed: j.seed, Blocks: j.matrix.Blocks,
		Started: time.Now().UTC(), Command: j.argv, PlanYAML: string(j.matrix.Plan.Text), ClaimsYAML: string(j.matrix.Plan.ClaimsText()), PlanHash: j.matrix.Hash(),
		Only: j.Only, StoreSHA256: j.storeHash, External: j.External, Peers: j.peers, Reference: j.Reference, Gate: j.gate,
		Cells: j.matrix.Cells(), Skipped: j.skipped, Env: env,
	}
	return record.WriteManifest(s.dir, s.manifest)
}

// survey measures the machine's ceilings before the first trial, and notes them
// in the manifest. A run that is resumed keeps those that it has.
func (s *session) survey(ctx context.Context, j *job) error {
	if s.manifest.Ceilings != nil || len(s.trials) > 0 {
		return nil
	}
	effort, err := ceiling.EffortOf(j.Level)
	if err != nil {
		return err
	}
	if j.Progress != nil {
		// An error of the writer is ignored: nobody could be told.
		_, _ = fmt.Fprintln(j.Progress, "measuring the machine's ceilings before the first trial")
	}
	found, err := j.Survey(ctx, ceiling.Options{
		DataDir: s.dataRoot, Noop: j.Noop, Metastore: j.store(), RPC: j.CeilingRPC, DialOptions: j.DialOptions,
		Loads: ceiling.Loads(j.matrix.Workloads()), Effort: effort,
	})
	if ctx.Err() != nil {
		return fmt.Errorf("%w before the first trial; continue with: %s %s", ErrInterrupted, j.resumeWith, s.dir)
	}
	if err != nil {
		return err
	}
	s.manifest.Ceilings = found
	ceiling.SetSyncLatency(&s.manifest.Env, found)
	return record.WriteManifest(s.dir, s.manifest)
}

// keep records a trial durably.
func (s *session) keep(t record.Trial) error {
	if err := s.log.Append(t); err != nil {
		return err
	}
	s.trials = append(slices.DeleteFunc(s.trials, func(o record.Trial) bool { // t was made again
		return o.Retry && o.Cell == t.Cell && o.Block == t.Block
	}), t)
	return nil
}

// skip notes that a cell turned out not to run here.
func (s *session) skip(cell, reason string) error {
	s.manifest.Skipped = append(s.manifest.Skipped, record.Skipped{Cell: cell, Reason: reason})
	return record.WriteManifest(s.dir, s.manifest)
}

// unfinish marks a complete run of which trials are made again as incomplete.
func (s *session) unfinish() error {
	s.manifest.Finished = time.Time{}
	return record.WriteManifest(s.dir, s.manifest)
}

// finish marks the run as complete.
func (s *session) finish() error {
	s.manifest.Finished = time.Now().UTC()
	return record.WriteManifest(s.dir, s.manifest)
}

// close releases the records and removes the trials' data.
func (s *session) close() error {
	err := s.log.Close()
	if s.dataRoot != "" {
		err = errors.Join(err, os.RemoveAll(s.dataRoot))
	}
	return err
}
