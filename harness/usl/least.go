package usl

import (
	"maps"
	"math"
	"slices"
)

// size is what a fit needs of all points at one N. How the points scatter around
// their mean moves no coefficient.
type size struct {
	n, weight float64 // weight is the number of points
	mean      float64 // of log(N/X), the log of the time that an operation takes a client
}

// sizes are in order of N, and at least MinSizes.
type sizes []size

// collect groups points by N.
func collect(points []Point) sizes {
	byN := map[float64]size{}
	for _, p := range points {
		s := byN[p.N]
		s.n = p.N
		s.weight++
		s.mean += (math.Log(p.N/p.X) - s.mean) / s.weight
		byN[p.N] = s
	}
	out := make(sizes, 0, len(byN))
	for _, n := range slices.Sorted(maps.Keys(byN)) {
		out = append(out, byN[n])
	}
	return out
}

// numTerms is the number of the law's terms. As
//
//	N/X = b0 + b1*(N-1) + b2*N*(N-1), lambda = 1/b0, sigma = b1/b0, kappa = b2/b0
//
// it is linear in them, but its errors are relative.
const numTerms = 3

type vector [numTerms]float64

// regressors are what a size's terms are multiplied by, all of them 1 at the
// largest N, so that the equations are well conditioned.
func (ss sizes) regressors(s size) vector {
	most := ss[len(ss)-1].n
	return vector{1, (s.n - 1) / (most - 1), s.n * (s.n - 1) / (most * (most - 1))}
}

// curve gives the terms their meaning.
func (ss sizes) curve(b vector) Curve {
	most := ss[len(ss)-1].n
	return Curve{Lambda: 1 / b[0], Sigma: b[1] / b[0] / (most - 1), Kappa: b[2] / b[0] / (most * (most - 1))}
}

// terms returns those of a curve.
func (ss sizes) terms(c Curve) vector {
	most := ss[len(ss)-1].n
	return vector{1 / c.Lambda, c.Sigma / c.Lambda * (most - 1), c.Kappa / c.Lambda * most * (most - 1)}
}

// free is the curve with the least squares, whose sigma and kappa may be negative.
// The search begins near another.
func (ss sizes) free(near Curve) Curve {
	b, _ := ss.minimize(ss.terms(near), [numTerms]bool{true, true, true})
	return ss.curve(b)
}

// bounded is the curve with the least squares among those with no negative sigma
// or kappa: the free one, or the best of those where one or both are 0.
func (ss sizes) bounded(free Curve) Curve {
	if free.Sigma >= 0 && free.Kappa >= 0 {
		return free
	}
	var best vector
	least := math.Inf(1)
	for _, use := range [][numTerms]bool{{true, true, false}, {true, false, true}, {true, false, false}} {
		if b, sum := ss.minimize(ss.start(), use); b[1] >= 0 && b[2] >= 0 && sum < least {
			best, least = b, sum
		}
	}
	return ss.curve(best)
}

// minimize finds the terms in use, the others being 0, with the least sum of
// squared errors of the logarithm: Gauss-Newton steps from b, each halved until it
// improves.
func (ss sizes) minimize(b vector, use [numTerms]bool) (vector, float64) {
	const steps, halvings, enough = 200, 40, 1e-10
	sum := ss.squares(b)
	for range steps {
		step, before := ss.step(b, use), sum
		for h, part := 0, 1.0; h < halvings; h, part = h+1, part/2 {
			next := vector{b[0] + part*step[0], b[1] + part*step[1], b[2] + part*step[2]}
			if s := ss.squares(next); s < sum {
				b, sum = next, s
				break
			}
		}
		if before-sum <= enough*before {
			break
		}
	}
	return b, sum
}

// start is the best without contention.
func (ss sizes) start() vector {
	total, weight := 0.0, 0.0
	for _, s := range ss {
		total += s.weight * s.mean
		weight += s.weight
	}
	return vector{math.Exp(total / weight)}
}

// squares is the weighted sum of squared errors, infinite for terms that give a
// size a time of 0 or less.
func (ss sizes) squares(b vector) (sum float64) {
	for _, s := range ss {
		fitted := b.dot(ss.regressors(s))
		if !(fitted > 0) {
			return math.Inf(1)
		}
		e := s.mean - math.Log(fitted)
		sum += s.weight * e * e
	}
	return sum
}

func (a vector) dot(b vector) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// step solves the equations of the law, made linear at b.
func (ss sizes) step(b vector, use [numTerms]bool) vector {
	var m [numTerms]vector
	var right vector
	for _, s := range ss {
		x := ss.regressors(s)
		fitted := b.dot(x)
		for i := range x {
			if x[i] /= fitted; !use[i] {
				x[i] = 0
			}
		}
		e := s.mean - math.Log(fitted)
		for i := range x {
			right[i] += s.weight * x[i] * e
			for j := range x {
				m[i][j] += s.weight * x[i] * x[j]
			}
		}
	}
	for i := range m {
		if !use[i] {
			m[i][i] = 1 // the term stays 0
		}
	}
	return solve(m, right)
}

// solve eliminates. The matrix is positive definite, so no row need be exchanged.
func solve(m [numTerms]vector, right vector) (x vector) {
	for i := range m {
		for k := i + 1; k < numTerms; k++ {
			factor := m[k][i] / m[i][i]
			for j := i; j < numTerms; j++ {
				m[k][j] -= factor * m[i][j]
			}
			right[k] -= factor * right[i]
		}
	}
	for i := numTerms - 1; i >= 0; i-- {
		x[i] = right[i]
		for j := i + 1; j < numTerms; j++ {
			x[i] -= m[i][j] * x[j]
		}
		x[i] /= m[i][i]
	}
	return x
}
