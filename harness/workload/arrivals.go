package workload

import (
	"math/rand/v2"
	"time"

	"metastorebench/harness/record"
)

// MaxRate is the highest accepted rate of an open loop, in operations per
// second. A client of this harness sends far fewer over a network, so that a
// higher rate is a mistake in the plan (BenchmarkPaced in package load has what
// the generator keeps without one).
const MaxRate = 1_000_000

// arrivalsStream is the generator's stream of random numbers that arrivals draw
// from; clients use the streams of their numbers, which are below it.
const arrivalsStream = 1 << 62

// Arrivals is the endless sequence of intended starts of an open loop, in time
// since the start of the run. It follows from the seed alone and never looks at
// a clock or at an answer. It belongs to one goroutine.
type Arrivals struct {
	gapNS   float64 // mean gap
	phaseNS float64 // of the first arrival, for constant gaps
	count   float64 // arrivals given so far, for constant gaps
	atNS    float64 // the last arrival, for exponential gaps
	rand    *rand.Rand
	poisson bool
}

// newArrivals returns the sequence of the given rate. Constant gaps begin at a
// random phase, so that two lanes of one run do not fire together.
func newArrivals(arrivals string, perSecond float64, seed, stream uint64) *Arrivals {
	a := &Arrivals{
		gapNS: 1e9 / perSecond, poisson: arrivals == record.ArrivalsPoisson,
		rand: rand.New(rand.NewPCG(seed, arrivalsStream+stream)),
	}
	a.phaseNS = a.rand.Float64() * a.gapNS
	return a
}

// Next returns the next intended start: never before the last one.
func (a *Arrivals) Next() time.Duration {
	if a.poisson {
		a.atNS += a.rand.ExpFloat64() * a.gapNS
		return time.Duration(a.atNS)
	}
	at := a.phaseNS + a.count*a.gapNS // a product, so that rounding does not add up
	a.count++
	return time.Duration(at)
}

// Lane is a group of clients that share one sequence of arrivals: whichever of
// them is free takes the next operation.
type Lane struct {
	Clients  []int   // their numbers
	Rate     float64 // arrivals per second
	arrivals string
	seed     uint64
	stream   uint64
}

// Arrivals returns the lane's sequence from its beginning: the same one each
// time.
func (l Lane) Arrivals() *Arrivals { return newArrivals(l.arrivals, l.Rate, l.seed, l.stream) }

// Lanes divides an open loop's clients and rate: one lane for all, or in a mixed
// workload one for each operation type with its share of the rate and the
// clients of its role, so that slow ranges do not delay the puts and change the
// mix. A closed loop has none.
func (w *Workload) Lanes() []Lane {
	if w.Loop != record.LoopOpen {
		return nil
	}
	if w.Type != TypeMixed {
		return []Lane{w.lane(0, 0, w.Clients, 1)}
	}
	var lanes []Lane
	first := 0
	for k, n := range w.roles {
		if n > 0 {
			lanes = append(lanes, w.lane(uint64(k), first, n, w.Mix[Kind(k).String()]))
		}
		first += n
	}
	return lanes
}

func (w *Workload) lane(stream uint64, first, n int, share float64) Lane {
	l := Lane{Rate: w.OfferedOpsPerSecond * share, arrivals: w.Arrivals, seed: w.seed, stream: stream}
	for i := range n {
		l.Clients = append(l.Clients, first+i)
	}
	return l
}
