package logbench

import (
	"sync"
	"sync/atomic"

	"github.com/tidwall/wal"
)

// tidwall is tidwall/wal, a log without consensus: what is synced is committed.
type tidwall struct {
	machine
	log    *wal.Log
	last   uint64
	synced atomic.Int64
}

// open opens the log and applies what it holds.
func (t *tidwall) open(dir string) (err error) {
	t.machine = newMachine()
	if t.log, err = wal.Open(dir, nil); err != nil {
		return err
	}
	if t.last, err = t.log.LastIndex(); err != nil {
		return err
	}
	for i := range t.last {
		command, err := t.log.Read(i + 1)
		if err != nil {
			return err
		}
		t.apply(command)
	}
	return nil
}

// syncs counts calls, each of which syncs once.
func (t *tidwall) syncs() (int64, error) { return t.synced.Load(), nil }

// tidwallEach has its callers write by themselves, one after the other.
type tidwallEach struct {
	mu sync.Mutex
	tidwall
}

func openTidwallEach(dir string, _ int) (system, error) {
	t := new(tidwallEach)
	return t, t.open(dir)
}

func (t *tidwallEach) put(command []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.log.Write(t.last+1, command); err != nil {
		return err
	}
	t.last++
	t.synced.Add(1)
	t.apply(command)
	return nil
}

func (t *tidwallEach) close() error { return t.log.Close() }

// tidwallGroup writes in one batch what waits when the batch before it is synced.
type tidwallGroup struct {
	tidwall
	answers
	mu      sync.Mutex
	waiting [][]byte
	wake    chan struct{}
	batch   wal.Batch // the loop's
	running sync.WaitGroup
}

func openTidwallGroup(dir string, callers int) (system, error) {
	t := &tidwallGroup{answers: newAnswers(callers), wake: make(chan struct{}, 1)}
	if err := t.open(dir); err != nil {
		return nil, err
	}
	t.running.Go(t.loop)
	return t, nil
}

func (t *tidwallGroup) put(command []byte) error {
	t.mu.Lock()
	t.waiting = append(t.waiting, command)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
	return <-t.answers[caller(command)]
}

func (t *tidwallGroup) loop() {
	var group [][]byte
	for range t.wake {
		t.mu.Lock()
		group, t.waiting = t.waiting, group[:0]
		t.mu.Unlock()
		t.write(group)
		clear(group)
	}
}

// write writes a group, which may be empty: a wake-up may come late.
func (t *tidwallGroup) write(group [][]byte) {
	if len(group) == 0 {
		return
	}
	t.batch.Clear()
	for i, command := range group {
		t.batch.Write(t.last+uint64(i)+1, command)
	}
	err := t.log.WriteBatch(&t.batch)
	if err == nil {
		t.last += uint64(len(group))
		t.synced.Add(1)
	}
	for _, command := range group {
		if err == nil {
			t.apply(command)
		}
		t.send(command, err)
	}
}

func (t *tidwallGroup) close() error {
	close(t.wake)
	t.running.Wait()
	return t.log.Close()
}
