package logbench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// keys is how many keys the callers share out among themselves.
const keys = 100_000

// filler is what values are made of, so that no device can compress them.
var filler = func() (f [valueBytes]byte) {
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(f[:]) // never fails
	return f
}()

// load is a system under callers, each with keys of its own, which it goes
// through again and again, and the memory of what was acknowledged.
type load struct {
	dir     string
	open    opener
	callers int
	system  system
	acked   []int // by caller: its puts from the first to this one were acknowledged
}

func newLoad(open opener, dir string, callers int) (*load, error) {
	s, err := open(dir, callers)
	return &load{dir: dir, open: open, callers: callers, system: s, acked: make([]int, callers)}, err
}

// command is put number n of a caller: its key, and a value that says which put it
// is of.
func (l *load) command(caller, n int) []byte {
	c := make([]byte, keyBytes+valueBytes)
	binary.BigEndian.PutUint32(c, uint32(caller))
	binary.BigEndian.PutUint32(c[4:], uint32(n%l.span()))
	copy(c[keyBytes:], filler[:])
	binary.BigEndian.PutUint64(c[keyBytes:], uint64(n))
	return c
}

// span is how many keys a caller has.
func (l *load) span() int { return keys / l.callers }

// put makes so many puts, from all callers, and returns how long each took.
func (l *load) put(puts int) ([]time.Duration, error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	took, errs := make([][]time.Duration, l.callers), make([]error, l.callers)
	for caller := range l.callers {
		wg.Go(func() {
			began := time.Now()
			n := l.acked[caller]
			for next.Add(1) <= int64(puts) {
				if errs[caller] = l.system.put(l.command(caller, n)); errs[caller] != nil {
					break
				}
				n++
				now := time.Now()
				took[caller] = append(took[caller], now.Sub(began))
				began = now
			}
			l.acked[caller] = n
		})
	}
	wg.Wait()
	var all []time.Duration
	for _, t := range took {
		all = append(all, t...)
	}
	return all, errors.Join(errs...)
}

// checkSyncs says whether so many syncs can have made the puts durable before they
// were acknowledged. A sync covers what was in flight when it began, at most one put
// of each caller.
func (l *load) checkSyncs(puts int, syncs int64) error {
	if syncs*int64(l.callers) < int64(puts) {
		return fmt.Errorf("%d puts of %d callers with %d syncs: not all can have been synced before they were acknowledged", puts, l.callers, syncs)
	}
	return nil
}

// check stops the system, opens it again and compares what it holds with what was
// acknowledged: how many puts, and the newest value of each key. It leaves the
// system stopped.
func (l *load) check() (err error) {
	if err := l.system.close(); err != nil {
		return err
	}
	if l.system, err = l.open(l.dir, l.callers); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	return errors.Join(l.compare(), l.system.close())
}

func (l *load) compare() error {
	acked := 0
	for _, n := range l.acked {
		acked += n
	}
	switch applied, err := l.system.applied(); {
	case err != nil:
		return err
	case applied != int64(acked):
		return fmt.Errorf("%d puts were acknowledged, %d are there after a restart", acked, applied)
	}
	for caller, n := range l.acked {
		for newest := max(n-l.span(), 0); newest < n; newest++ { // one of each key
			want := l.command(caller, newest)
			got, err := l.system.get(want[:keyBytes])
			if err != nil {
				return err
			}
			if !bytes.Equal(got, want[keyBytes:]) {
				return fmt.Errorf("caller %d: put %d was acknowledged, after a restart its key has %d bytes of another value", caller, newest, len(got))
			}
		}
	}
	return nil
}
