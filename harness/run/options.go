package run

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"metastorebench/harness/ceiling"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

// Options say what to run. The zero value of a field means its default unless
// the comment says that it is required.
type Options struct {
	// Plan is a built-in plan's name or a YAML file's path; required unless
	// Resume is set, which then reads the plan from the manifest.
	Plan string
	// Level is smoke, default or full; "" means the resumed run's, or default.
	Level string
	// Only filters cells, see plan.Matrix.Filter; nil means the resumed run's.
	Only []string
	// Seed decides every random choice; nil means the resumed run's, or 1.
	Seed *uint64
	// Resume is the directory of a run to complete.
	Resume string
	// Command is the argv that makes the run again, for the manifest of a new run.
	Command []string
	// Reference makes a run that is to be kept: it refuses builds that cannot be made
	// again (ErrReference), and fails if any check of a trial has not decided
	// (ErrUnchecked). A reference run stays one when it is resumed.
	Reference bool
	// Out is the directory to make for a new run; "" means
	// results/<plan>-<UTC time>.
	Out string
	// DataDir is where trials keep their stores; "" means inside the run's
	// directory, so that syncs hit the same disk as the results.
	DataDir string

	// Metastore is the path of the store's binary; required if the plan has
	// cells of target metastore.
	Metastore string
	// Noop is the argv that starts the no-op target.
	Noop []string
	// Etcd is the path of the binary of the peer etcd, for cells of that target;
	// if it does not exist they are skipped.
	Etcd string
	// External is the endpoint, host:port, for cells of target external; without it
	// they are skipped.
	External string
	// CeilingRPC is the value of the rpc axis with which ceilings are measured: the
	// fastest one; "" means gRPC's defaults.
	CeilingRPC string
	// DialOptions gives the client's side of the rpc axis; nil means none.
	DialOptions func(rpc string) []grpc.DialOption

	// Progress gets what a person wants to see while the run goes on; nil means
	// nobody watches. Terminal draws a bar there; otherwise it gets plain lines.
	Progress io.Writer
	Terminal bool

	// Trial runs one trial; nil means trial.Run.
	Trial func(context.Context, trial.Spec) (record.Trial, error)
	// Describe tells the machine and the builds; nil means record.CaptureEnvironment.
	Describe func(store, dataDir string) (record.Environment, error)
	// Survey measures the ceilings; nil means ceiling.Survey.
	Survey func(context.Context, ceiling.Options) (*record.Ceilings, error)
}

// DefaultSeed is the seed of a run that was not given one.
const DefaultSeed = 1

// Errors of this package, wrapped with what was found and what is needed.
var (
	// ErrVoid says that the run is complete, but some trials must not be used.
	ErrVoid = errors.New("void trials")
	// ErrInterrupted says that the run was stopped from outside and can be
	// resumed.
	ErrInterrupted = errors.New("interrupted")
	// ErrResume says that the run cannot be continued with this plan, seed or
	// binary, or on this machine.
	ErrResume = errors.New("cannot resume")
	// ErrReference says that builds are not fit for a reference run.
	ErrReference = errors.New("not fit for a reference run")
	// ErrUnchecked says that a reference run is complete, but checks of valid trials
	// came to no verdict.
	ErrUnchecked = errors.New("trials not fully checked")
	// ErrNoTrial says that the same trial could not be made, try after try.
	ErrNoTrial = errors.New("trial could not be made")
	// ErrNothing says that no cell can run here.
	ErrNothing = errors.New("nothing can run here")
	// ErrExists says that the output directory already holds a run.
	ErrExists = errors.New("directory already holds a run")
	// ErrPeer says that a peer's binary is there and cannot be used.
	ErrPeer = errors.New("peer")
	// ErrNoStore says that the store's binary cannot be used.
	ErrNoStore = errors.New("no usable metastore binary")
)

// Result is what a run came to.
type Result struct {
	Dir string
	// Trials counts all trials that have a record, those from before a resume
	// included; Planned counts those that the schedule holds without skipped
	// cells.
	Trials, Planned int
	// Voids are the recorded trials that must not be used.
	Voids []record.Trial
	// Unchecked says what of the valid trials was not checked, a line each.
	Unchecked []string
	// Skipped are the cells that could not run here.
	Skipped []record.Skipped
}
