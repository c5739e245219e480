package capacity

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"metastorebench/harness/record"
)

// Groups of a study's cells.
const (
	GroupSearch  = "search"  // one rate of a variant's search
	GroupCompare = "compare" // one load of the comparison
)

// LoadCommon is the load of the comparison at which all variants have the same
// absolute rate. Other loads are shares of a variant's own capacity: "50%".
const LoadCommon = "common"

// Ask is one trial that the study wants: an open loop at a rate.
type Ask struct {
	Variant int     // index into Spec.Variants
	Load    string  // of the comparison; empty in a search
	Rate    float64 // operations per second
	Block   int     // the repeat at this rate, from 0
	// Order is the trial's position in the run, from 0. A trial that has to be
	// repeated counts.
	Order int
}

// Cell returns the cell of an ask: its id names the engine, the disk if it is
// not the native one, the workload, the variant, the load and the rate.
func (s Spec) Cell(a Ask) record.Cell {
	v := s.Variants[a.Variant]
	c := record.Cell{Group: GroupSearch, Workload: s.Workload.Name, Target: "metastore", Options: v.Options}
	parts := []string{v.Options["engine"]}
	if disk := v.Options["disk"]; disk != "native" {
		parts = append(parts, "disk="+disk)
	}
	parts = append(parts, s.Workload.Name, v.Name)
	if a.Load != "" {
		c.Group = GroupCompare
		parts = append(parts, "load="+a.Load)
	}
	c.ID = strings.Join(append(parts, "rate="+plain(a.Rate)), "/")
	return c
}

// WorkloadAt returns the workload of an ask: an open loop of Poisson arrivals.
func (s Spec) WorkloadAt(a Ask) record.Workload {
	w := s.Workload
	w.Loop, w.Arrivals, w.OfferedOpsPerSecond = record.LoopOpen, record.ArrivalsPoisson, a.Rate
	return w
}

// Window is the length of an ask's measured window. The comparison pools its
// blocks before it reads a percentile, a search does not.
func (s Spec) Window(a Ask) time.Duration {
	if a.Load == "" {
		return s.MeasureFor(a.Rate, 1)
	}
	return s.MeasureFor(a.Rate, s.Blocks)
}

// TrialSeed is the seed of an ask's trial: the same for all trials of one repeat,
// so that variants see the same keys and the same pattern of arrivals.
func (s Spec) TrialSeed(a Ask) uint64 {
	stream := uint64(a.Block)
	if a.Load != "" {
		stream |= 1 << 32 // the comparison draws anew
	}
	return rand.NewPCG(s.Seed, stream).Uint64()
}

// String describes an ask for messages.
func (a Ask) String() string {
	return fmt.Sprintf("variant %d, rate %v, repeat %d", a.Variant, a.Rate, a.Block)
}
