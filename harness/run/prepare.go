package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"metastorebench/harness/plan"
	"metastorebench/harness/record"
)

// job is a run that has been decided on, before anything is written.
type job struct {
	Options
	catalog plan.Catalog // empty if there is no store to ask
	matrix  *plan.Matrix
	seed    uint64
	// storeHash is the store's SHA-256, "" if there is none.
	storeHash string
	// peers are the builds of the peers that the matrix has cells for.
	peers   []record.Peer
	skipped []record.Skipped
	// gate is what a run compares, nil but for Gate.
	gate *record.Gate
	// argv, if not nil, is the manifest's command; resumeWith is the command that
	// continues the run.
	argv       []string
	resumeWith string
	// resumed is the manifest of the run to continue, nil for a new one.
	resumed *record.Manifest
}

// prepare loads, checks, expands and filters the plan. It writes nothing.
func prepare(ctx context.Context, o Options) (*job, error) {
	j := &job{Options: o, seed: DefaultSeed, resumeWith: "metabench run --resume"}
	if o.Resume != "" {
		m, err := record.ReadManifest(o.Resume)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrResume, o.Resume, err)
		}
		j.resumed = &m
		j.seed = m.Seed
		j.Level = cmp.Or(o.Level, m.Level)
		if o.Only == nil {
			j.Only = m.Only
		}
	}
	j.Level = cmp.Or(j.Level, "default")
	if o.Seed != nil {
		j.seed = *o.Seed
	}
	if err := j.readStore(ctx); err != nil {
		return nil, err
	}
	p, err := j.loadPlan()
	if err != nil {
		return nil, err
	}
	if j.matrix, err = p.Expand(j.Level); err != nil {
		return nil, err
	}
	if len(j.Only) > 0 {
		if j.matrix, err = j.matrix.Filter(j.Only); err != nil {
			return nil, err
		}
	}
	if err := j.findSkipped(); err != nil {
		return nil, err
	}
	return j, nil
}

// readStore asks the binary for its axes and hashes it. A binary that does not
// exist is no error yet: a plan may do without.
func (j *job) readStore(ctx context.Context) error {
	if _, err := os.Stat(j.Metastore); j.Metastore == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var err error
	if j.catalog, err = ReadVariants(ctx, j.Metastore); err != nil {
		return err
	}
	if j.storeHash, err = FileHash(j.Metastore); err != nil {
		return fmt.Errorf("%w: %w", ErrNoStore, err)
	}
	return nil
}

// store returns the path of the store's binary, "" if there is none.
func (j *job) store() string {
	if j.storeHash == "" {
		return ""
	}
	return j.Metastore
}

func (j *job) loadPlan() (*plan.Plan, error) {
	if j.Plan == "" && j.resumed != nil {
		return plan.Parse(record.ManifestFile+" (plan_yaml)", []byte(j.resumed.PlanYAML), j.catalog)
	}
	return plan.Load(j.Plan, j.catalog)
}

// findSkipped finds the cells that cannot run here.
func (j *job) findSkipped() error {
	noPeer, err := j.findPeer()
	if err != nil {
		return err
	}
	for _, e := range j.matrix.Entries {
		reason := ""
		switch e.Cell.Target {
		case plan.TargetStore:
			reason = j.catalog.Unavailable(e.Cell.Options)
		case plan.TargetEtcd:
			reason = noPeer
		case plan.TargetExternal:
			if j.External == "" {
				reason = "no external endpoint was given"
			}
		}
		if reason != "" {
			j.skipped = append(j.skipped, record.Skipped{Cell: e.Cell.ID, Reason: reason})
		}
	}
	return nil
}

// needStore fails if the plan has cells for a store that is not there.
func (j *job) needStore() error {
	if j.storeHash != "" {
		return nil
	}
	for _, e := range j.matrix.Entries {
		if e.Cell.Target == plan.TargetStore {
			return noStore(j.Metastore)
		}
	}
	return nil
}

// noStore is the error for a store's binary that is not there.
func noStore(binary string) error {
	return fmt.Errorf("%w: %s does not exist; build it with `make build` or name one with --metastore", ErrNoStore, cmp.Or(binary, "(none given)"))
}

// checkResume compares the job with the manifest of the run to continue and
// names everything that differs.
func (j *job) checkResume() error {
	m, hash := j.resumed, j.matrix.Hash()
	var diffs []string
	if m.PlanHash != hash {
		diffs = append(diffs, fmt.Sprintf("the plan differs (plan, level or filter: hash %.12s, was %.12s)", hash, m.PlanHash))
	}
	if m.Seed != j.seed {
		diffs = append(diffs, fmt.Sprintf("the seed differs (%d, was %d)", j.seed, m.Seed))
	}
	if m.StoreSHA256 != j.storeHash {
		diffs = append(diffs, fmt.Sprintf("the store's binary differs (SHA-256 %.12s, was %.12s)", j.storeHash, m.StoreSHA256))
	}
	diffs = append(diffs, peerDifferences(m.Peers, j.peers)...)
	if len(diffs) > 0 {
		return fmt.Errorf("%w %s: %s", ErrResume, j.Resume, strings.Join(diffs, "; "))
	}
	return nil
}

// command is the command line that makes the same run again.
func (j *job) command() []string {
	if j.argv != nil {
		return j.argv
	}
	argv := []string{"metabench", "run", cmp.Or(j.Plan, j.matrix.Plan.Name), "--level", j.Level, "--seed", fmt.Sprint(j.seed)}
	for _, term := range j.Only {
		argv = append(argv, "--only", term)
	}
	return argv
}
