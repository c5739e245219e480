package workload

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

func openLoop(t testing.TB, typ, arrivals string, rate float64) *Workload {
	w := valid(typ)
	w.Loop, w.Arrivals, w.OfferedOpsPerSecond = record.LoopOpen, arrivals, rate
	return mustNew(t, w)
}

func take(a *Arrivals, n int) []time.Duration {
	ats := make([]time.Duration, n)
	for i := range ats {
		ats[i] = a.Next()
	}
	return ats
}

func TestConstantArrivalsDoNotDrift(t *testing.T) {
	const rate = 70_000.0 // a gap of 14285.714... ns
	ats := take(openLoop(t, TypePut, record.ArrivalsConstant, rate).Lanes()[0].Arrivals(), 1_000_000)
	require.Less(t, ats[0], time.Second/rate, "the first is within one gap of the start")
	for i, at := range ats {
		require.InDelta(t, float64(ats[0])+float64(i)*1e9/rate, float64(at), 2)
	}
}

// Gaps of Poisson arrivals are independent and exponential: their mean and
// deviation are both 1/rate, and the counts of equal intervals have a variance
// equal to their mean.
func TestPoissonArrivalsFollowTheirLaw(t *testing.T) {
	const rate, n = 10_000.0, 200_000
	ats := take(openLoop(t, TypePut, record.ArrivalsPoisson, rate).Lanes()[0].Arrivals(), n)
	require.True(t, slices.IsSorted(ats))
	var sum, squares float64
	over := 0 // gaps above the mean: a share of 1/e
	counts := make([]float64, int(ats[n-1]/time.Millisecond)+1)
	for i, at := range ats {
		counts[at/time.Millisecond]++
		if i == 0 {
			continue
		}
		gap := (at - ats[i-1]).Seconds() * rate
		sum, squares = sum+gap, squares+gap*gap
		if gap > 1 {
			over++
		}
	}
	require.InEpsilon(t, 1, sum/n, 0.02)
	require.InEpsilon(t, 1, math.Sqrt(squares/n-sum/n*sum/n), 0.02)
	require.InEpsilon(t, 1/math.E, float64(over)/n, 0.02)
	var deviation float64
	for _, c := range counts {
		deviation += (c - 10) * (c - 10)
	}
	require.InEpsilon(t, 10, deviation/float64(len(counts)), 0.05)
}

func TestArrivalsFollowFromTheSeed(t *testing.T) {
	for _, arrivals := range ArrivalNames() {
		w := openLoop(t, TypePut, arrivals, 1000)
		lane := w.Lanes()[0]
		require.Equal(t, take(lane.Arrivals(), 100), take(lane.Arrivals(), 100))
		other, err := New(w.Workload, 43)
		require.NoError(t, err)
		require.NotEqual(t, take(lane.Arrivals(), 100), take(other.Lanes()[0].Arrivals(), 100))
	}
}

func TestLanesDivideClientsAndRate(t *testing.T) {
	require.Nil(t, mustNew(t, valid(TypePut)).Lanes())
	for _, typ := range []string{TypePut, TypeLargeScale} {
		lanes := openLoop(t, typ, record.ArrivalsPoisson, 1000).Lanes()
		require.Len(t, lanes, 1, "all clients share one sequence")
		require.Len(t, lanes[0].Clients, 30)
		require.InDelta(t, 1000, lanes[0].Rate, 1e-9)
	}
	w := openLoop(t, TypeMixed, record.ArrivalsConstant, 1000)
	kinds := map[Kind]float64{}
	var clients []int
	var firsts []time.Duration
	for _, lane := range w.Lanes() {
		for _, c := range lane.Clients {
			require.Equal(t, w.Stream(lane.Clients[0]).Next()[0].Kind, w.Stream(c).Next()[0].Kind)
		}
		kinds[w.Stream(lane.Clients[0]).Next()[0].Kind] = lane.Rate
		clients = append(clients, lane.Clients...)
		firsts = append(firsts, lane.Arrivals().Next())
	}
	require.Len(t, clients, 30)
	require.True(t, slices.IsSorted(clients))
	require.Equal(t, map[Kind]float64{Put: 400, Get: 400, Range: 100, Delete: 100}, kinds)
	slices.Sort(firsts)
	require.Len(t, slices.Compact(firsts), 4, "lanes do not fire together")
}

func BenchmarkArrivals(b *testing.B) {
	for _, arrivals := range ArrivalNames() {
		b.Run(arrivals, func(b *testing.B) {
			a := openLoop(b, TypePut, arrivals, 1000).Lanes()[0].Arrivals()
			b.ReportAllocs()
			for b.Loop() {
				a.Next()
			}
		})
	}
}
