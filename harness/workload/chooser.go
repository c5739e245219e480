package workload

import (
	"math"
	"math/rand/v2"
)

// chooser picks an index in [0, n). It is immutable and shared; the generator
// belongs to the caller.
type chooser interface {
	choose(r *rand.Rand) int
}

var (
	_ chooser = uniform(0)
	_ chooser = (*zipfian)(nil)
)

type uniform int

func (n uniform) choose(r *rand.Rand) int { return r.IntN(int(n)) }

// zipfian picks rank i with a probability proportional to 1/(i+1)^theta, for
// theta in (0, 1), and scatters the ranks over the key space so that the hot
// keys are not neighbours.
//
// The method is that of Gray et al., "Quickly Generating Billion-Record
// Synthetic Databases" (SIGMOD 1994), as YCSB uses it (Cooper et al.,
// "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010). math/rand/v2 has
// a Zipf generator, but only for exponents above 1, which excludes YCSB's 0.99.
// YCSB scatters with a hash, by which ranks can collide; here it is an affine
// permutation, so that every key keeps a rank of its own.
type zipfian struct {
	n                 int
	alpha, zetan, eta float64
	half              float64 // 1 + 0.5^theta: the share of ranks 0 and 1
	keys              scatter // of ranks
}

func newZipfian(n int, theta float64) *zipfian {
	zeta2, zetan := 1+math.Pow(0.5, theta), 0.0
	for i := 1; i <= n; i++ {
		zetan += math.Pow(float64(i), -theta)
	}
	z := &zipfian{n: n, alpha: 1 / (1 - theta), zetan: zetan, half: zeta2}
	if n > 2 { // with two keys or fewer, the first two ranks are all there is
		z.eta = (1 - math.Pow(2/float64(n), 1-theta)) / (1 - zeta2/zetan)
	}
	z.keys = newScatter(n)
	return z
}

func (z *zipfian) choose(r *rand.Rand) int {
	return z.keys.at(z.rank(r.Float64()))
}

// rank maps u in [0, 1) to a rank, 0 the most frequent.
func (z *zipfian) rank(u float64) int {
	uz := u * z.zetan
	switch {
	case z.n == 1 || uz < 1:
		return 0
	case z.n == 2 || uz < z.half:
		return 1
	}
	return min(z.n-1, int(float64(z.n)*math.Pow(z.eta*u-z.eta+1, z.alpha)))
}

// scatter is a permutation of [0, n) that puts neighbours far apart.
type scatter struct{ n, step uint64 } // step is coprime to n

func newScatter(n int) scatter {
	s := scatter{n: uint64(n)}
	// Near the golden ratio of n, multiples are spread most evenly.
	s.step = max(1, uint64(float64(n)*0.6180339887498949))
	for gcd(s.step, s.n) != 1 {
		s.step++
	}
	return s
}

// at returns what i is mapped to, for i in [0, n).
func (s scatter) at(i int) int { return int(uint64(i) * s.step % s.n) }

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
