package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
)

// Scales of axes.
const (
	linear     = "linear"
	logScale   = "log"
	percentile = "percentile" // p is at 1/(1-p), on a log scale: each nine has equal room
	nominal    = "names"
)

// axis is one of a drawing's two.
type axis struct {
	label  string
	scale  string
	lo, hi float64
	names  []string // of a nominal axis: the i-th at i
	one    bool     // the line at 1 is drawn
	down   bool     // values grow downwards, as the rows of a table do
}

// tick is a place on an axis; one without a label is a minor one.
type tick struct {
	at    float64
	label string
}

// extent is what an axis has to hold: values, and ends of intervals if there is room.
type extent struct{ lo, hi, least, greatest float64 }

var nothing = extent{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)}

func (e *extent) value(v facts.Number) { e.lo, e.hi = min(e.lo, float64(v)), max(e.hi, float64(v)) }

func (e *extent) point(p facts.Point) {
	e.value(p.Y)
	if lo, hi, ok := interval(p); ok {
		e.least, e.greatest = min(e.least, lo), max(e.greatest, hi)
	}
}

// interval is a point's, and whether it has one.
func interval(p facts.Point) (lo, hi float64, ok bool) {
	if p.Lo == nil || p.Hi == nil {
		return 0, 0, false
	}
	return float64(*p.Lo), float64(*p.Hi), true
}

// namesAxis is an axis of categories.
func namesAxis(s facts.Scale) axis {
	return axis{label: s.Label, scale: nominal, lo: -0.5, hi: float64(len(s.Categories)) - 0.5, names: s.Categories}
}

// rowsAxis has its categories from the top down.
func rowsAxis(s facts.Scale) axis {
	a := namesAxis(s)
	a.down = true
	return a
}

// numberAxis is an axis that holds e and a little more. Intervals may widen it tenfold
// on a log axis, and by three times the values' own range on a linear one.
func numberAxis(s facts.Scale, e extent) axis {
	a := axis{label: s.Label, scale: linear, one: s.One}
	if s.One {
		e.value(1)
	}
	if s.Log {
		a.scale = logScale
		a.lo, a.hi = min(e.lo, max(e.least, e.lo/10)), max(e.hi, min(e.greatest, e.hi*10))
		pad := max(math.Pow(a.hi/a.lo, 0.05), 1.01)
		a.lo, a.hi = a.lo/pad, a.hi*pad
		return a
	}
	room := 3 * max(e.hi-e.lo, math.Abs(e.hi)/10)
	if room == 0 {
		room = 1
	}
	a.lo, a.hi = min(e.lo, max(e.least, e.lo-room)), max(e.hi, min(e.greatest, e.hi+room))
	pad := max(a.hi-a.lo, room/3) * 0.05
	if a.lo, a.hi = a.lo-pad, a.hi+pad; e.lo >= 0 {
		a.lo = max(a.lo, 0)
	}
	if strings.Contains(s.Label, "%") && e.hi <= 100 {
		a.hi = min(a.hi, 100)
	}
	return a
}

// percentileAxis holds percentiles up to the nine that reaches top, e.g. 99.9.
func percentileAxis(label string, top float64) axis {
	nines := max(math.Ceil(-math.Log10(1-top/100)-1e-9), 1)
	return axis{label: label, scale: percentile, hi: 100 - 100*math.Pow(10, -nines)}
}

// norm is where v stands along the axis: 0 at its start, 1 at its end.
func (a axis) norm(v float64) float64 {
	at := (v - a.lo) / (a.hi - a.lo)
	switch a.scale {
	case logScale:
		at = math.Log(max(v, math.SmallestNonzeroFloat64)/a.lo) / math.Log(a.hi/a.lo)
	case percentile:
		at = math.Log(1-v/100) / math.Log(1-a.hi/100)
	}
	if a.down {
		return 1 - at
	}
	return at
}

// ticks are those of an axis of some length; size is what a label takes of it.
func (a axis) ticks(length vg.Length, size func(label string) vg.Length) (ticks []tick) {
	switch {
	case a.scale == nominal:
		for i, name := range a.names {
			ticks = append(ticks, tick{float64(i), name})
		}
		return ticks
	case a.scale == percentile:
		return a.percentiles()
	case a.scale == linear || a.hi/a.lo < 10:
		ticks = a.steps(7)
		for n := 6; n > 0 && !a.fit(ticks, length, size); n-- {
			ticks = a.steps(n)
		}
		if a.scale == linear {
			return ticks
		}
		// Even steps leave the low end of a log axis without labels if it is long.
		if d := a.decades("1235", 1); a.fit(d, length, size) && labelled(d) >= len(ticks) {
			return d
		}
		return ticks
	}
	ticks = a.decades("125", 1)
	for every := 1; !a.fit(ticks, length, size); every++ {
		ticks = a.decades("1", every)
	}
	return ticks
}

// fit reports whether labels leave room between them.
func (a axis) fit(ticks []tick, length vg.Length, size func(string) vg.Length) bool {
	end := vg.Length(math.Inf(-1))
	for _, t := range ticks {
		at, half := vg.Length(a.norm(t.at))*length, size(t.label)/2
		if t.label == "" {
			continue
		}
		if at-half < end+gap {
			return false
		}
		end = at + half
	}
	return true
}

func labelled(ticks []tick) (n int) {
	for _, t := range ticks {
		if t.label != "" {
			n++
		}
	}
	return n
}

// decades are ticks at 1 to 9 times each power of ten; labels are at some of the
// digits, of every so many powers.
func (a axis) decades(digits string, every int) (ticks []tick) {
	for e := math.Floor(math.Log10(a.lo)); e <= math.Log10(a.hi); e++ {
		for d := 1.0; d <= 9; d++ {
			t := tick{at: d * math.Pow(10, e)}
			if strings.Contains(digits, plain(d)) && int(e)%every == 0 {
				t.label = plain(t.at)
			}
			if t.at >= a.lo && t.at <= a.hi {
				ticks = append(ticks, t)
			}
		}
	}
	return ticks
}

// steps are about n ticks, 1, 2 or 5 times a power of ten apart.
func (a axis) steps(n int) (ticks []tick) {
	rough := (a.hi - a.lo) / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, times := range []float64{2, 2.5, 2} {
		if step < rough {
			step *= times
		}
	}
	for i := math.Ceil(a.lo/step - 1e-9); i*step <= a.hi+step*1e-9; i++ {
		ticks = append(ticks, tick{i * step, plain(i * step)})
	}
	return ticks
}

// percentiles are the ticks of a percentile axis, as latency plots label them.
func (a axis) percentiles() (ticks []tick) {
	for _, p := range []float64{0, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 99.9999} {
		if p <= a.hi+1e-9 {
			ticks = append(ticks, tick{p, plain(p)})
		}
	}
	return ticks
}

// plain writes a tick's value without exponent or needless zeros.
func plain(v float64) string {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 9, 64), 64) // its own text: no error
	return format.Separate(strconv.FormatFloat(short+0, 'f', -1, 64))      // +0: no "-0"
}
