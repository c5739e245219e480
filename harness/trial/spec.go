package trial

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"metastorebench/harness/child"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// Targets of a cell.
const (
	targetMetastore = "metastore"
	targetNoop      = "noop"
	targetEtcd      = "etcd"
	targetExternal  = "external"
)

// Bounds on every wait of a trial.
const (
	grace = 10 * time.Second
	// contendTimeout bounds some 300 operations of 24 clients, keyTimeout the search
	// of one key's history, which takes milliseconds unless answers are wrong.
	contendTimeout = time.Minute
	keyTimeout     = 5 * time.Second
	scrapeTimeout  = 10 * time.Second
	settleTime     = time.Second // for the kernel to tell that the child has died
)

// preloadTimeout bounds the preload: 60,000 keys one after another at 5 ms each,
// or ten million in batches, at a tenth of the rate that a busy machine loads them
// with.
func preloadTimeout(keys int) time.Duration {
	return max(5*time.Minute, time.Duration(keys)*200*time.Microsecond)
}

// scanTimeout bounds reading the whole store at the end.
func scanTimeout(keys int) time.Duration {
	return max(2*time.Minute, time.Duration(keys)*50*time.Microsecond)
}

var (
	// ErrUnavailable says that the store lacks what the cell asks for, in this
	// build.
	ErrUnavailable = child.ErrUnavailable
	// ErrStart says that the target did not come up.
	ErrStart = child.ErrStart
	// ErrNotEmpty says that an external target already holds keys of the
	// workload.
	ErrNotEmpty = errors.New("target is not empty")
	// ErrSpec says that a spec cannot be carried out.
	ErrSpec = errors.New("trial")
)

// Spec is everything one trial needs.
type Spec struct {
	Cell         record.Cell
	Workload     record.Workload
	Seed         uint64 // of this trial
	Block, Order int
	// Warmup and Measure are the lengths of the two phases.
	Warmup, Measure time.Duration
	Metastore       string   // path of the store's binary
	Older           bool     // Metastore is of another revision, which may lack counters: they are record.Untold
	Plant           string   // fault of a planted Metastore, as package core/plant reads it; "" for none
	Noop            []string // argv of the no-op target
	Etcd            string   // path of the binary of the peer etcd
	External        string   // host:port of a target that is not ours, "" otherwise
	DataRoot        string   // directory in which the trial makes and removes its own
	// DialOptions gives the client's side of the rpc axis; nil means none.
	DialOptions func(rpc string) []grpc.DialOption
	// Live, if not nil, is called a few times a second with the number of
	// operations completed so far.
	Live func(completed int64)
}

func (s Spec) validate() error {
	if s.Measure <= 0 || s.Warmup < 0 {
		return fmt.Errorf("%w %s: warm-up %v and window %v; accepted: 0 or more, and above 0", ErrSpec, s.Cell.ID, s.Warmup, s.Measure)
	}
	if _, err := s.members(); err != nil {
		return err
	}
	puts := s.Workload.Type == workload.TypePut && s.Workload.API != workload.APIHTTP && s.Workload.PreloadKeys == 0
	switch s.Cell.Target {
	case targetMetastore:
		return s.need(s.Metastore != "", "the path of the store's binary")
	case targetNoop:
		if err := s.need(len(s.Noop) > 0, "the command of the no-op server"); err != nil {
			return err
		}
		return s.need(puts, "a put workload over gRPC without preload: the no-op server stores nothing")
	case targetEtcd:
		if err := s.need(s.Etcd != "", "the path of the peer's binary"); err != nil {
			return err
		}
		return s.need(s.Workload.API == workload.APIGRPC || s.Workload.API == workload.APIHTTP, "a workload over gRPC or HTTP, one operation in a call: etcd has no other service")
	case targetExternal:
		return s.need(s.External != "", "the endpoint of the external store")
	}
	return fmt.Errorf("%w %s: unknown target %q; accepted: %s, %s, %s, %s", ErrSpec, s.Cell.ID, s.Cell.Target, targetMetastore, targetNoop, targetEtcd, targetExternal)
}

func (s Spec) need(have bool, what string) error {
	if have {
		return nil
	}
	return fmt.Errorf("%w %s: target %s needs %s", ErrSpec, s.Cell.ID, s.Cell.Target, what)
}

// clientOptions are axes of the client, of the plan, of the trial or of the no-op
// server: the store has no flags for them.
var clientOptions = []string{"api", "conns", "client", "arm", "stall", optionMembers, record.OptionContend}

// plantVariable is the environment variable that a planted store reads.
const plantVariable = "METASTORE_PLANT"

// noopOptions are the axes that the no-op server has flags for.
var noopOptions = []string{"rpc", "stall"}

// argv returns the command that starts a member of the target.
func (s Spec) argv(m member) []string {
	if s.Cell.Target == targetNoop {
		argv := slices.Clone(s.Noop)
		for _, axis := range noopOptions {
			if value, ok := s.Cell.Options[axis]; ok {
				argv = append(argv, "--"+axis+"="+value)
			}
		}
		return argv
	}
	argv := []string{
		s.Metastore, "--data-dir=" + m.dir, "--log-level=error",
		"--listen-client-urls=" + anyURL, "--listen-client-http-urls=" + anyURL, "--listen-peer-urls=" + m.peerURL,
	}
	if s.Cell.Target == targetEtcd {
		argv[0] = s.Etcd // which takes the flags so far: its settings are its own
		return argv
	}
	if s.Plant != "" {
		argv = append([]string{"env", plantVariable + "=" + s.Plant}, argv...)
	}
	argv = append(argv, "--seed="+strconv.FormatUint(s.Seed+uint64(m.number), 10))
	for _, axis := range slices.Sorted(maps.Keys(s.Cell.Options)) {
		if !slices.Contains(clientOptions, axis) {
			argv = append(argv, "--"+axis+"="+s.Cell.Options[axis])
		}
	}
	return argv
}
