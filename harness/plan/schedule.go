package plan

import (
	"hash/fnv"
	"math/rand/v2"
)

// Slot is one trial of a schedule.
type Slot struct {
	Entry int // index into Matrix.Entries
	Block int // from 0
	Order int // position in the run, from 0
	// Seed is the trial's: the same for all trials of one block and workload.
	Seed uint64
}

// Schedule lists all trials in the order in which they run: block after block,
// each holding every entry once in a random order that follows from seed.
// Interleaving spreads slow drifts of the machine (heat, neighbours, a filling
// disk) over all cells alike.
func (m *Matrix) Schedule(seed uint64) []Slot {
	slots := make([]Slot, 0, m.Blocks*len(m.Entries))
	for block := range m.Blocks {
		rng := rand.New(rand.NewPCG(seed, uint64(block)))
		for _, i := range rng.Perm(len(m.Entries)) {
			slots = append(slots, Slot{
				Entry: i, Block: block, Order: len(slots),
				Seed: TrialSeed(seed, block, m.Entries[i].Workload.Name),
			})
		}
	}
	return slots
}

// TrialSeed mixes a run's seed with a block and a workload's name.
func TrialSeed(seed uint64, block int, workload string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(workload)) // an fnv hash never fails
	return rand.NewPCG(seed^h.Sum64(), uint64(block)).Uint64()
}
