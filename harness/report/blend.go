package report

import (
	"metastorebench/harness/format"
	"metastorebench/harness/stats"
)

// blendTables is the section of a sweep over clients that read and write keys which
// are all there: of what filling the store took it says nothing.
func (b *builder) blendTables() error {
	s := sweepOf(b.Run)
	for _, part := range []func() error{
		func() error { return b.sweepCosts(s) },
		func() error { return b.sweepLocks(s) },
		func() error { return b.sweepSteps(s) },
		b.machineCeilings, b.cellBounds,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// sweepLocks has a row per cell of a run that varies the memory engine's index.
func (b *builder) sweepLocks(s sweep) error {
	if len(s.values["index"]) < 2 {
		return nil
	}
	t := table{
		caption: "Waits for the locks of the memory engine's index, per completed operation of any type: median (min to max) of the blocks. A lock that is free is taken without a wait. `lockfree` has no lock that anybody could wait for, `hybrid` reports that of its ordered side, `sharded` those of its shards. The wait of a read is part of its service time, that of a batch part of all its writes'.",
		head:    []column{text("load"), text("variant"), num(s.x.name), num("n"), num("lock wait, ns/op")},
	}
	for _, c := range s.cells {
		wait := over(c, stats.LockWaitPerOp)
		if wait.N == 0 {
			continue
		}
		t.add(load(c), s.variant(c), format.Count(int64(s.at(c))), presence(c), spread(wait))
	}
	b.part("Lock waits", &t)
	return nil
}
