package trial

import (
	"context"
	"fmt"
	"os"

	"metastorebench/harness/record"
)

// edge is everything that is read at one edge of the measured window. Fields are
// missing (nil) for a target that does not show them.
type edge struct {
	store, client usage
	own           heap
	counters      *counters
	machine       *record.Machine
}

// meter reads the edges of the window.
type meter struct {
	target         *target
	opened, closed edge
}

// open reads the first edge: what costs CPU time itself comes before CPU time.
func (m *meter) open(ctx context.Context) (err error) {
	if err = m.readCounters(ctx, &m.opened); err != nil {
		return err
	}
	return m.readUsage(&m.opened)
}

// close reads the last edge, in the opposite order.
func (m *meter) close(ctx context.Context) (err error) {
	if err = m.readUsage(&m.closed); err != nil {
		return err
	}
	return m.readCounters(ctx, &m.closed)
}

func (m *meter) readUsage(e *edge) (err error) {
	for _, p := range m.target.procs {
		u, err := readUsage(p.Ready.PID)
		if err != nil {
			return fmt.Errorf("resource use of the store: %w", err)
		}
		e.store.add(u)
	}
	if e.client, err = readUsage(os.Getpid()); err != nil {
		return fmt.Errorf("resource use of the client: %w", err)
	}
	e.own = ownHeap()
	if e.machine, err = readMachine(); err != nil {
		return fmt.Errorf("use of the machine: %w", err)
	}
	return nil
}

func (m *meter) readCounters(ctx context.Context, e *edge) error {
	if countersOf[m.target.kind] == nil {
		return nil
	}
	c, err := m.target.scrape(ctx)
	e.counters = &c
	return err
}

// report fills in the record's resource use and mechanism.
func (m *meter) report(t *record.Trial) {
	before, after := m.opened, m.closed
	t.Machine = machineBetween(before.machine, after.machine)
	t.Client = between(before.client, after.client)
	t.Client.HeapAllocs = after.own.allocs - before.own.allocs
	t.Client.HeapAllocBytes = after.own.bytes - before.own.bytes
	t.Store = between(before.store, after.store)
	t.Store.HeapAllocs, t.Store.HeapAllocBytes = -1, -1
	if before.counters != nil && after.counters != nil {
		t.Mechanism = after.counters.since(*before.counters)
		t.Store.HeapAllocs = after.counters.heap.allocs - before.counters.heap.allocs
		t.Store.HeapAllocBytes = after.counters.heap.bytes - before.counters.heap.bytes
	}
}

// between is what was used from one reading to the next. The clock's total is
// divided as the ticks were.
func between(before, after usage) record.Process {
	cpu := float64(after.cpuNS-before.cpuNS) / 1e9
	user, system := after.userSeconds-before.userSeconds, after.systemSeconds-before.systemSeconds
	share := 1.0
	if system > 0 {
		share = user / (user + system)
	}
	return record.Process{CPUUserSeconds: cpu * share, CPUSystemSeconds: cpu * (1 - share), PeakRSSBytes: after.peakRSSBytes}
}
