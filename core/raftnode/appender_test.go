package raftnode

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/wal"
	"metastorebench/core/wal/waltest"
)

// savePolicy saves as a policy must and remembers how many entries each Save had.
type savePolicy struct{ saves []int }

func (p *savePolicy) Save(l wal.Target, hs *wal.HardState, entries []wal.Entry) error {
	p.saves = append(p.saves, len(entries))
	return errors.Join(l.Append(hs, entries), l.Sync())
}

func openLog(t *testing.T, fs vfs.FS) (*wal.Log, *wal.Recovered) {
	t.Helper()
	log, rec, err := wal.Open(wal.Options{FS: fs, Dir: "wal", SegmentBytes: 1 << 20})
	require.NoError(t, err)
	return log, rec
}

// history draws writes as a follower would want them: entries that follow or
// replace uncommitted ones, hard states, and responses alone.
type history struct {
	rng  *rand.Rand
	last uint64 // the next entry follows this one
	hard wal.HardState
}

func (h *history) write() *logWrite {
	w := new(logWrite)
	if h.rng.IntN(10) == 0 { // a new leader replaces what is not committed
		h.hard.Term++
		h.last -= h.rng.Uint64N(h.last - h.hard.Commit + 1)
	}
	for range h.rng.IntN(4) {
		h.last++
		w.entries = append(w.entries, wal.Entry{Index: h.last, Term: h.hard.Term, Data: fmt.Append(nil, h.rng.Uint64())})
	}
	h.hard.Commit += h.rng.Uint64N(h.last - h.hard.Commit + 1)
	if len(w.entries) > 0 || h.rng.IntN(2) == 0 {
		hard := h.hard
		w.hard = &hard
	}
	return w
}

// TestBatchesAreWhatTheirWritesAre writes random histories in random batches: the
// log holds what it would hold had each write been saved alone.
func TestBatchesAreWhatTheirWritesAre(t *testing.T) {
	joined := 0
	for seed := range uint64(60) {
		fs, p, oracle := vfs.NewMem(), new(savePolicy), new(waltest.Oracle)
		log, _ := openLog(t, fs)
		a := &appender{log: log, policy: p}
		h := &history{rng: rand.New(rand.NewPCG(seed, 1)), hard: wal.HardState{Term: 1}}
		writes := 0
		for range 20 {
			batch := make([]*logWrite, 1+h.rng.IntN(6))
			for i := range batch {
				batch[i] = h.write()
				if batch[i].saves() {
					oracle.Append(batch[i].hard, batch[i].entries)
					writes++
				}
			}
			require.NoError(t, a.write(batch), "seed %d", seed)
		}
		joined += writes - len(p.saves)
		require.NoError(t, log.Close())
		_, rec := openLog(t, fs)
		require.NoError(t, oracle.Check(rec, oracle.Frames(), oracle.Frames()), "seed %d", seed)
	}
	require.Positive(t, joined, "no two writes shared a sync")
}

// TestSavesAreBounded: writes that would make a save too large get one of their
// own.
func TestSavesAreBounded(t *testing.T) {
	log, _ := openLog(t, vfs.NewMem())
	p := new(savePolicy)
	a := &appender{log: log, policy: p}
	write := func(index uint64, bytes int) *logWrite {
		return &logWrite{entries: []wal.Entry{{Index: index, Term: 1}}, bytes: bytes}
	}
	require.NoError(t, a.write([]*logWrite{write(1, 1), write(2, 2*maxSaveBytes), write(3, maxSaveBytes-1), write(4, 1), write(5, 1)}))
	require.Equal(t, []int{1, 1, 2, 1}, p.saves)
	require.NoError(t, log.Close())
}
