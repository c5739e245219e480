package waltest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/wal"
)

// SaveFunc saves to a log as the code under test does. It reports whether what
// it was given is acknowledged, which means durable.
type SaveFunc func(l wal.Target, rng *rand.Rand, hs *wal.HardState, entries []wal.Entry) (acked bool, err error)

// cut is a file system as a power cut left it, and what must be on it.
type cut struct {
	fs             *vfs.MemFS
	acked, written int
}

// PowerCuts drives random logs, cuts the power at random file operations until
// there were at least n cuts, and checks each recovery against the oracle. After
// each, the recovered log takes another entry and is recovered again.
func PowerCuts(t *testing.T, n int, save SaveFunc) {
	made, recycled := 0, 0
	for seed := uint64(1); made < n; seed++ {
		s := newSession(seed, save)
		require.NoError(t, s.run(40), "seed %d", seed)
		for i, c := range s.cuts {
			require.NoError(t, s.recoverCut(c), "seed %d, cut %d", seed, i)
		}
		made += len(s.cuts)
		recycled += s.recycled
	}
	require.Positive(t, recycled, "no cut can have hit a recycled file")
}

// session is one random history of a log, on a disk whose power may fail.
type session struct {
	rng    *rand.Rand
	save   SaveFunc
	oracle Oracle
	disk   *vfs.MemFS
	opts   wal.Options
	log    *wal.Log
	acked  int
	cuts   []cut
	// recycled counts the segments that were begun in recycled files.
	recycled int
}

func newSession(seed uint64, save SaveFunc) *session {
	s := &session{rng: rand.New(rand.NewPCG(seed, 1)), save: save, disk: vfs.NewCrashableMem()}
	s.opts = options(errorfs.Wrap(s.disk, errorfs.InjectorFunc(s.beforeOp)))
	return s
}

func options(fs vfs.FS) wal.Options {
	return wal.Options{FS: fs, Dir: "node/wal", SegmentBytes: 8 << 10, Identity: wal.Identity{ClusterID: 7, NodeID: 1}}
}

// beforeOp cuts the power before one in thirty operations that change something.
// The log goes on; the cut's clone stays as it was.
func (s *session) beforeOp(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && s.rng.IntN(30) == 0 {
		kept := []int{0, 20, 50, 80, 100}[s.rng.IntN(5)]
		clone := s.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: s.rng})
		s.cuts = append(s.cuts, cut{clone, s.acked, s.oracle.Frames()})
	}
	return nil
}

func (s *session) run(steps int) (err error) {
	if s.log, _, err = wal.Open(s.opts); err != nil {
		return err
	}
	w := workload{s.rng, func() State { return s.oracle.At(s.oracle.Frames()) }}
	for range steps {
		if err := s.step(&w); err != nil {
			return err
		}
	}
	s.recycled += s.log.Stats().Recycled
	return s.log.Close()
}

func (s *session) step(w *workload) error {
	switch s.rng.IntN(12) {
	case 0:
		if mark, ok := w.mark(); ok {
			s.oracle.Snapshot(mark)
			if err := s.log.SaveSnapshot(mark); err != nil {
				return err
			}
			s.acked = s.oracle.Frames()
		}
		return nil
	case 1:
		return s.log.Truncate(s.oracle.At(s.oracle.Frames()).Snapshot.Index)
	case 2:
		return s.reopen()
	}
	hs, entries := w.save()
	acked, err := s.save(recorder{s.log, &s.oracle}, s.rng, hs, entries)
	if acked {
		s.acked = s.oracle.Frames()
	}
	return err
}

// reopen closes the log in order, or abandons it as a killed process would.
func (s *session) reopen() error {
	s.recycled += s.log.Stats().Recycled
	if s.rng.IntN(2) == 0 {
		if err := s.log.Close(); err != nil {
			return err
		}
	}
	log, got, err := wal.Open(s.opts)
	if err != nil {
		return err
	}
	s.log, s.acked = log, s.oracle.Frames()
	return s.oracle.Check(got, s.acked, s.acked)
}

// recoverCut checks one cut, and that the log can be used after it.
func (s *session) recoverCut(c cut) error {
	opts := options(c.fs)
	l, got, err := wal.Open(opts)
	if err != nil {
		return fmt.Errorf("opening after the cut: %w", err)
	}
	if err := s.oracle.Check(got, c.acked, c.written); err != nil {
		return err
	}
	after := Oracle{after: []State{{got.HardState, got.Snapshot, got.Entries}}}
	st := after.At(1)
	next, term := st.end()
	more := []wal.Entry{{Index: next, Term: term, Data: []byte("after the cut")}}
	after.Append(nil, more)
	if err := l.Append(nil, more); err != nil {
		return err
	}
	if err := l.Sync(); err != nil {
		return err
	}
	// The power fails once more; only what was synced is left.
	opts.FS = c.fs.CrashClone(vfs.CrashCloneCfg{})
	_, got, err = wal.Open(opts)
	if err != nil {
		return fmt.Errorf("opening after the second cut: %w", err)
	}
	return after.Check(got, 2, 2)
}

// recorder tells the oracle of every frame before the log writes it.
type recorder struct {
	*wal.Log
	oracle *Oracle
}

var _ wal.Target = recorder{}

// Append implements wal.Target.
func (r recorder) Append(hs *wal.HardState, entries []wal.Entry) error {
	if hs != nil || len(entries) > 0 {
		r.oracle.Append(hs, entries)
	}
	return r.Log.Append(hs, entries)
}
