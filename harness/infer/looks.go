package infer

import (
	"math"
	"slices"
)

// Looks are the moments at which a series of paired losses is judged while it grows,
// and the error rates that each may spend. Its bounds hold together over all looks.
//
// # Spending
//
// A rate is divided among the looks by the spending function of Lan and DeMets that
// resembles Pocock's: rate ln(1 + (e-1) t) by share t of the planned blocks. What a
// look adds is its level a. By Boole's inequality the levels add up to the rate,
// whatever the dependence between looks.
//
// # Bounds at level a
//
// A lower bound that a loss must exceed to be called too large is the least of two,
// so that both have to:
//
//  1. Of the median, an order statistic: the k-th smallest loss, with k the largest
//     number such that fewer than k heads of n coins have a chance of a at most. It
//     holds for any noise of independent blocks, skewed or not, with any outliers.
//  2. Of the mean, Student's t with Hall's correction for the skewness of the losses
//     where that widens it: m - T s/√n, with f(T) = t and the monotone
//     f(T) = T + g T²/3 + g² T³/27 + g/6 of g = skewness/√n.
//
// What a sample has not seen no formula corrects. A mean can be far below what is
// usual because one block in 20 has an outlier for the better, and a short sample
// without one looks as if nothing were. So until the chance of having seen none,
// (1-outlierShare)^n, is below a, the mean's bound is lower by outlierMargin standard
// deviations of the losses: such outliers of 20 of them move the mean by one. Small
// losses therefore wait for the last looks, and large ones are found at the first.
//
// Losses that agree to the last digit are counts without noise: they are their own
// bounds.
//
// The bounds of acceptance are the mean's alone, at the level of beta: they do not
// allow for what has not been seen.
//
// TestLooks has a table of what this keeps and what Student's t does.
//
// Sources: Lan and DeMets, Discrete Sequential Boundaries for Clinical Trials,
// Biometrika 70 (1983); Pocock, Group Sequential Methods in the Design and Analysis
// of Clinical Trials, Biometrika 64 (1977); Hall, On the Removal of Skewness by
// Transformation, JRSS B 54 (1992).
type Looks struct {
	looks []look
}

// look is one moment of decision.
type look struct {
	n           int
	alpha, beta float64
}

const (
	// MinLook is the fewest blocks that a look takes.
	MinLook = 6
	// outlierShare is the share of blocks that may be outliers without being seen.
	outlierShare = 0.05
	// outlierMargin is how many standard deviations the mean is uncertain by until
	// outliers would have been seen: one by outliers of 20, and half of one for the
	// noise of the standard deviation itself.
	outlierMargin = 1.5
)

// NewLooks plans looks at these ascending shares of the planned blocks, with the
// rates alpha and beta for all of them together. A look of fewer than MinLook blocks
// is left out, and two of the same number are one.
func NewLooks(shares []float64, planned int, alpha, beta float64) Looks {
	var l Looks
	before, last := 0.0, 0
	for _, share := range shares {
		n := int(math.Round(share * float64(planned)))
		if n < MinLook || n == last {
			continue
		}
		t := float64(n) / float64(planned)
		l.looks = append(l.looks, look{n: n, alpha: spent(alpha, t) - spent(alpha, before), beta: spent(beta, t) - spent(beta, before)})
		before, last = t, n
	}
	return l
}

// Blocks are the numbers of blocks at which to look, ascending.
func (l Looks) Blocks() []int {
	var all []int
	for _, k := range l.looks {
		all = append(all, k.n)
	}
	return all
}

// spent is the part of a rate that may have been spent at share t of the blocks.
func spent(rate, t float64) float64 { return rate * math.Log(1+(math.E-1)*min(1, t)) }

// Interval has a lower and an upper bound, each at the level by itself.
type Interval struct{ Lo, Hi float64 }

// Bounds are what a look says of a loss.
type Bounds struct {
	N        int     // losses that there are
	Mean, SE float64 // and the mean's standard error
	// Reject is exceeded by what is to be called too large or too small, Accept holds
	// what is to be called small enough. Of fewer than MinLook losses both are infinite.
	Reject, Accept Interval
}

// Look judges at look k, from 0, the losses of its blocks; those that are NaN are
// left out. sides is 2 where a loss is too large on either side, else 1.
func (l Looks) Look(k int, losses []float64, sides int) Bounds {
	x := slices.DeleteFunc(slices.Clone(losses), math.IsNaN)
	slices.Sort(x)
	b := Bounds{N: len(x)}
	m := momentsOf(x)
	b.Mean, b.SE = m.mean, m.se()
	b.Reject = Interval{math.Inf(-1), math.Inf(1)}
	b.Accept = b.Reject
	switch {
	case b.N < MinLook:
	case m.sd == 0:
		b.Reject = Interval{m.mean, m.mean}
		b.Accept = b.Reject
	default:
		a := l.looks[k].alpha / float64(sides)
		reject, accept := studentQuantile(m.n-1, 1-a), studentQuantile(m.n-1, 1-l.looks[k].beta)
		b.Reject = Interval{m.lower(a, reject, x), -m.mirrored().lower(a, reject, mirrored(x))}
		b.Accept = Interval{m.mean - m.reach(accept), m.mean + m.mirrored().reach(accept)}
	}
	return b
}

// moments are those of a sample.
type moments struct {
	n              float64
	mean, sd, skew float64
}

func momentsOf(x []float64) moments {
	m := moments{n: float64(len(x))}
	for _, v := range x {
		m.mean += v / m.n
	}
	var square, cube float64
	for _, v := range x {
		d := v - m.mean
		square += d * d
		cube += d * d * d
	}
	if square > 0 && x[0] != x[len(x)-1] { // else rounding made it
		m.sd = math.Sqrt(square / (m.n - 1))
		m.skew = cube / m.n / math.Pow(square/m.n, 1.5)
	}
	return m
}

// mirrored are the moments of the losses with the other sign.
func (m moments) mirrored() moments {
	m.mean, m.skew = -m.mean, -m.skew
	return m
}

// mirrored turns sorted losses around.
func mirrored(x []float64) []float64 {
	y := slices.Clone(x)
	slices.Reverse(y)
	for i := range y {
		y[i] = -y[i]
	}
	return y
}

func (m moments) se() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sd / math.Sqrt(m.n)
}

// unseen is by how much outliers that the sample has not seen may move the mean.
func (m moments) unseen(a float64) float64 {
	if math.Pow(1-outlierShare, m.n) <= a {
		return 0
	}
	return outlierMargin * m.sd
}

// lower is the bound of Looks' rule at level a, at which Student's t has the quantile
// t; x are the losses, sorted.
func (m moments) lower(a, t float64, x []float64) float64 {
	k := orderOf(len(x), a)
	if k == 0 {
		return math.Inf(-1)
	}
	return min(x[k-1], m.mean-m.unseen(a)-m.reach(t))
}

// reach is how far below the mean its lower bound lies.
func (m moments) reach(t float64) float64 {
	if g := m.skew / math.Sqrt(m.n); g < 0 { // else the correction would narrow it
		t = max(t, 3/g*(math.Cbrt(1+g*(t-g/6))-1))
	}
	return t * m.se()
}

// orderOf is the largest k such that fewer than k heads of n fair coins have a chance
// of a at most; 0 if there is none.
func orderOf(n int, a float64) int {
	sum := 0.0
	whole, _ := math.Lgamma(float64(n + 1))
	for k := range n {
		heads, _ := math.Lgamma(float64(k + 1))
		tails, _ := math.Lgamma(float64(n - k + 1))
		if sum += math.Exp(whole - heads - tails - float64(n)*math.Ln2); sum > a {
			return k
		}
	}
	return n
}
