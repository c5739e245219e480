package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
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
	// argv is the manifest's command; resumeWith is the command that continues the run.
	argv       []string
	resumeWith string
	// resumed is the manifest of the run to continue, nil for a new one.
	resumed *record.Manifest
}

// prepare loads, checks, expands and filters the plan. It writes nothing.
func prepare(ctx context.Context, o Options) (*job, error) {
	j := &job{Options: o, seed: DefaultSeed, argv: o.Command, resumeWith: "metabench run --resume"}
	if o.Resume != "" {
		m, err := record.ReadManifest(o.Resume)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrResume, o.Resume, err)
		}
		j.resumed = &m
		j.seed = m.Seed
		j.Level = cmp.Or(o.Level, m.Level)
		j.Reference = o.Reference || m.Reference
		if o.Only == nil {
			j.Only = m.Only
		}
	}
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
	j.Level = j.matrix.Level
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
	if j.storeHash, err = record.FileHash(j.Metastore); err != nil {
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
		return plan.ParseRecorded(*j.resumed, j.catalog)
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
				reason = "no endpoint of the external store was given; name it with --external HOST:PORT"
			}
		}
		if reason != "" {
			j.skipped = append(j.skipped, record.Skipped{Cell: e.Cell.ID, Reason: reason})
		}
	}
	return nil
}

// needCells fails if every cell would be skipped: a run that measures nothing is a
// mistake, not a success.
func (j *job) needCells() error {
	if len(j.skipped) < len(j.matrix.Entries) {
		return nil
	}
	var reasons []string
	for _, s := range j.skipped {
		if !slices.Contains(reasons, s.Reason) {
			reasons = append(reasons, s.Reason)
		}
	}
	return fmt.Errorf("%w of plan %s, cells: %d: %s", ErrNothing, j.matrix.Plan.Name, len(j.skipped), strings.Join(reasons, "; "))
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

// checkResume compares the job, and what runs it, with the manifest of the run to
// continue, and names everything that differs.
func (j *job) checkResume(env record.Environment) error {
	m, hash := j.resumed, j.matrix.Hash()
	var diffs []string
	if m.PlanHash != hash {
		diffs = append(diffs, fmt.Sprintf("the plan differs (plan, level or filter: hash %.12s, was %.12s)", hash, m.PlanHash))
	}
	if m.Seed != j.seed {
		diffs = append(diffs, fmt.Sprintf("the seed differs (%d, was %d)", j.seed, m.Seed))
	}
	if m.External != j.External {
		diffs = append(diffs, fmt.Sprintf("the external endpoint differs (%q, was %q)", j.External, m.External))
	}
	diffs = append(diffs, binaryDifference("the store's binary", j.storeHash, m.StoreSHA256)...)
	diffs = append(diffs, peerDifferences(m.Peers, j.peers)...)
	if m.Env.Harness == nil {
		diffs = append(diffs, "the harness that began the run is not recorded")
	} else {
		diffs = append(diffs, binaryDifference("this program", env.Harness.SHA256, m.Env.Harness.SHA256)...)
	}
	if moved := m.Env.MovedFrom(env); len(moved) > 0 {
		diffs = append(diffs, "the run was begun on another machine or filesystem, then and now: "+strings.Join(moved, ", "))
	}
	if len(diffs) > 0 {
		return fmt.Errorf("%w %s: %s", ErrResume, j.Resume, strings.Join(diffs, "; "))
	}
	return nil
}

// binaryDifference names a program whose file is not what it was.
func binaryDifference(what, is, was string) []string {
	if is == was {
		return nil
	}
	return []string{fmt.Sprintf("%s differs (SHA-256 %.12s, was %.12s)", what, is, was)}
}

// checkReference refuses builds that nobody can make again.
func (j *job) checkReference(env record.Environment) error {
	builds := map[string]record.Build{"this program": *env.Harness}
	if j.storeHash != "" {
		builds["the store"] = record.Build{Revision: env.Commit, Modified: env.Dirty}
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(builds)) {
		switch b := builds[name]; {
		case b.Revision == "":
			faults = append(faults, name+" does not say which commit it was built from")
		case b.Modified:
			faults = append(faults, fmt.Sprintf("%s was built from %.12s with changes that are not committed", name, b.Revision))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %s; commit or stash all changes, then `make build`", ErrReference, strings.Join(faults, "; "))
	}
	return nil
}
