package infer

import (
	"fmt"
	"math"

	"metastorebench/harness/format"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// Confidence is the level of all intervals; of a family's, together.
	Confidence = 0.95
	// Alpha is the chance of calling any pair of a family different when all are
	// equal.
	Alpha = 1 - Confidence
	// MinBlocks is the fewest blocks with an interval.
	MinBlocks = 3
	// Margin is the change of a ratio that nobody cares about, where a question does
	// not say otherwise.
	Margin = 0.05
	// Power is the chance that Effect.Found speaks of.
	Power = 0.8
)

// Word is what a comparison came to.
type Word string

// The words; see the package's documentation.
const (
	Different  Word = "different"
	Equivalent Word = "equivalent"
	Unresolved Word = "unresolved"
)

// Effect is a ratio with what is known of it. The zero value compares nothing. An
// Effect belongs to one family: until Judge has seen that, it has no Word, and its
// interval is that of a family of one.
type Effect struct {
	// N is the number of blocks or, unpaired, of the smaller side's trials.
	N int
	// Log is the mean log-ratio, Ratio its exponential: the geometric mean of the
	// blocks' ratios.
	Log, Ratio float64
	// Min and Max are the least and the greatest of the blocks' ratios.
	Min, Max float64
	// Interval says that N is enough for one. Lo and Hi bound the true ratio;
	// without Interval they are 0 and +Inf.
	Interval bool
	Lo, Hi   float64
	// Word is "" until Judge.
	Word Word
	// Found is the least ratio, above 1, that had been called different with a chance
	// of Power; +Inf without Interval.
	Found float64

	se, df float64   // of Log: from its own values, and after Judge in the family's light
	values []float64 // the blocks' log-ratios; nil, unpaired
}

// Paired is the effect of log-ratios, one of each block. It keeps logs, which must not
// change.
func Paired(logs []float64) Effect {
	if len(logs) == 0 {
		return Effect{}
	}
	e := Effect{N: len(logs), Min: math.Inf(1), Max: math.Inf(-1), values: logs}
	for _, l := range logs {
		e.Min, e.Max = min(e.Min, math.Exp(l)), max(e.Max, math.Exp(l))
	}
	e.Log, e.se = meanAndError(logs)
	e.df = float64(e.N - 1)
	e.settle(newReach(1), e.se, e.df)
	return e
}

// Unpaired is the effect of two samples of logarithms that share no blocks, by Welch's
// approximation: whatever changed between the two is in it.
//
// Source: Welch, The Generalization of Student's Problem when Several Different
// Population Variances are Involved, Biometrika 34 (1947).
func Unpaired(num, den []float64) Effect {
	if len(num) == 0 || len(den) == 0 {
		return Effect{}
	}
	a, sa := meanAndError(num)
	b, sb := meanAndError(den)
	e := Effect{N: min(len(num), len(den)), Log: a - b, Min: math.Inf(1), Max: math.Inf(-1)}
	for _, x := range num {
		for _, y := range den {
			e.Min, e.Max = min(e.Min, math.Exp(x-y)), max(e.Max, math.Exp(x-y))
		}
	}
	va, vb := sa*sa, sb*sb
	e.se, e.df = math.Sqrt(va+vb), float64(len(num)+len(den)-2)
	if va+vb > 0 {
		e.df = (va + vb) * (va + vb) / (va*va/float64(len(num)-1) + vb*vb/float64(len(den)-1))
	}
	e.settle(newReach(1), e.se, e.df)
	return e
}

// reach is how far the intervals of a family of m reach, in standard errors, and how
// far an effect must lie to be found, by degrees of freedom: members mostly share them.
type reach struct {
	m     int
	known map[float64][2]float64
}

func newReach(m int) reach { return reach{m, map[float64][2]float64{}} }

func (r reach) of(df float64) (interval, found float64) {
	at, ok := r.known[df]
	if !ok {
		at[0] = studentQuantile(df, 1-Alpha/2/float64(r.m))
		at[1] = at[0] + studentQuantile(df, Power)
		r.known[df] = at
	}
	return at[0], at[1]
}

// settle makes the interval from a standard error with its degrees of freedom.
func (e *Effect) settle(r reach, se, df float64) {
	e.Ratio, e.Interval, e.se, e.df = math.Exp(e.Log), e.N >= MinBlocks, se, df
	if !e.Interval {
		e.Lo, e.Hi, e.Found = 0, math.Inf(1), math.Inf(1)
		return
	}
	interval, found := r.of(df)
	e.Lo, e.Hi = math.Exp(e.Log-interval*se), math.Exp(e.Log+interval*se)
	e.Found = math.Exp(found * se)
}

// P is the two-sided p-value of "no difference" for this effect alone, whatever its
// family's size; 1 without an interval.
func (e Effect) P() float64 {
	switch {
	case !e.Interval || e.Log == 0:
		return 1
	case e.se == 0:
		return 0
	}
	return 2 * distuv.StudentsT{Sigma: 1, Nu: e.df}.Survival(math.Abs(e.Log)/e.se)
}

// Excludes reports whether the interval leaves out a ratio.
func (e Effect) Excludes(ratio float64) bool { return e.Interval && (ratio < e.Lo || ratio > e.Hi) }

// studentQuantile is that of Student's t; of the normal distribution for infinite df.
func studentQuantile(df, p float64) float64 {
	if math.IsInf(df, 1) {
		return distuv.UnitNormal.Quantile(p)
	}
	return distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(p)
}

// meanAndError returns the mean of values and its standard error. Values that all
// agree have exactly none; one value has an unknown one, NaN.
func meanAndError(values []float64) (mean, se float64) {
	n, agree := float64(len(values)), true
	for _, v := range values {
		mean += v / n
		agree = agree && v == values[0]
	}
	switch {
	case n == 1:
		return values[0], math.NaN()
	case agree:
		return values[0], 0
	}
	for _, v := range values {
		se += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(se / (n - 1) / n)
}

// Legend says how String writes effects.
const Legend = "Ratio [a, b]: geometric mean of the blocks' ratios with its interval, (a to b): their range; no mark: different; =: equivalent; ? r: unresolved, r would have been found."

// String writes an effect as Legend says.
func (e Effect) String() string {
	switch {
	case e.N == 0:
		return "n/a"
	case e.N == 1:
		return format.Number(e.Ratio)
	case !e.Interval:
		return fmt.Sprintf("%s (%s to %s)", format.Number(e.Ratio), format.Number(e.Min), format.Number(e.Max))
	}
	mark := ""
	switch e.Word {
	case Equivalent:
		mark = " ="
	case Unresolved:
		mark = " ? " + format.Number(e.Found)
	}
	return fmt.Sprintf("%s [%s, %s]%s", format.Number(e.Ratio), format.Number(e.Lo), format.Number(e.Hi), mark)
}
