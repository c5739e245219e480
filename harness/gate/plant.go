package gate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// ErrPlant says that a fault is unknown, or that rules give two the same name.
var ErrPlant = errors.New("gate: cannot plant")

// Plant is a known fault and the gate that has to find it.
type Plant struct {
	Name   string
	Metric string
	Load   string
	// Fault is what is planted, one of Faults.
	Fault string
	// Floors is how large a loss is planted, in floors of its gate, rounded up to what
	// can be planted.
	Floors float64
	// Every is, in a power study, of how many runs one has the fault; 0 means all.
	Every int
}

func (p Plant) arm() string { return record.ArmPlanted + p.Name }

// In reports whether the i-th run of a power study, from 0, has the fault.
func (p Plant) In(i int) bool { return p.Every == 0 || i%p.Every == 0 }

// Faults that a planted build can have, by their names in package plant of core.
const (
	faultDelay       = "delay"
	faultAllocations = "allocations"
	faultFrames      = "frames"
	faultParts       = "parts"
)

// Faults lists the faults that can be planted.
func Faults() []string {
	return []string{faultDelay, faultAllocations, faultFrames, faultParts}
}

// CheckPlants returns ErrPlant unless every plant can be built and sized.
func CheckPlants(plants []Plant) error {
	for i, p := range plants {
		switch same := func(q Plant) bool { return q.Name == p.Name }; {
		case !slices.Contains(Faults(), p.Fault):
			return fmt.Errorf("%w %s: fault is %q; accepted: %s", ErrPlant, p.Name, p.Fault, strings.Join(Faults(), ", "))
		case !(p.Floors > 0):
			return fmt.Errorf("%w %s: floors is %v; accepted: above 0", ErrPlant, p.Name, p.Floors)
		case slices.ContainsFunc(plants[:i], same):
			return fmt.Errorf("%w %s: two plants have this name", ErrPlant, p.Name)
		}
	}
	return nil
}

// Pilot is what a trial of head measured before the first block.
type Pilot struct {
	Trial *record.Trial
	CPUs  int
}

// frameUnit is the alignment of the log's frames: a frame grows by so many bytes.
const frameUnit = 24

// Size returns the setting of a planted build, as core/plant reads it, for a loss of
// so many floors of what the pilot measured, and says it in words. What the pilot did
// not measure has the smallest size that is sure to differ.
func (r Rules) Size(p Plant, pilot Pilot) (setting, doc string) {
	g := r.Gates[r.find(p.Metric, p.Load)]
	loss := math.Expm1(p.Floors * math.Log1p(g.Floor)) // as a share of what the gate measures
	if g.Metric.Better == metric.Higher {
		loss = min(0.9, p.Floors*g.Floor)
	}
	value := 0.0
	if v, ok := g.Of(pilot.Trial); ok {
		value = v
	}
	units := func(unit float64) int { return max(1, int(math.Ceil(loss*value/unit))) }
	switch p.Fault {
	case faultAllocations:
		n := units(1)
		return fmt.Sprintf("%s=%d", p.Fault, n), fmt.Sprintf("%d allocations of 32 bytes more in every write, of %.4g", n, value)
	case faultFrames:
		n := units(frameUnit)
		return fmt.Sprintf("%s=%d", p.Fault, n), fmt.Sprintf("%d bytes more in every frame of the log, of %.4g bytes a write", n*frameUnit, value)
	case faultParts:
		n := max(2, int(math.Ceil(1+loss)))
		return fmt.Sprintf("%s=%d", p.Fault, n), fmt.Sprintf("batches are proposed in %d parts", n)
	}
	d := delay(pilot, loss)
	return fmt.Sprintf("%s=%v", p.Fault, d), fmt.Sprintf("%v of CPU time more in every write", d)
}

// leastDelay is planted where nothing was measured.
const leastDelay = 20 * time.Microsecond

// delay is the CPU time of a write that takes so large a part of the throughput away.
// With a CPU for each client a write takes longer by as much. With fewer they have to
// be busy first: what they have left, where head does not use them up, comes on top.
func delay(pilot Pilot, loss float64) time.Duration {
	t := pilot.Trial
	perSecond, ok := Gate{Metric: metric.Must("throughput")}.Of(t)
	if !ok || perSecond <= 0 {
		return leastDelay
	}
	atOnce := max(1, min(pilot.CPUs, t.Workload.Clients))
	each := float64(atOnce) / perSecond // CPU seconds that there are for a write
	used := each
	if cpu := processCPU(t.Store) + processCPU(t.Client); atOnce < t.Workload.Clients && cpu > 0 {
		used = min(each, cpu/float64(t.Ops[0].Count))
	}
	d := time.Duration((each/(1-loss) - used) * float64(time.Second))
	return max(d.Round(100*time.Nanosecond), 100*time.Nanosecond)
}
