package fraction

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Factors that a design may have. Of fewer, a full factorial has 32 settings or
// less, and a fraction saves too little for what it hides.
const (
	MinFactors = 6
	MaxFactors = 10
)

// Resolutions that can be asked for.
const (
	ResolutionIV = 4 // interactions of two are aliased with one another
	ResolutionV  = 5 // they are not
)

// ErrNone says that there is no such design. It is wrapped with what was asked
// for and what there is.
var ErrNone = errors.New("fraction: no such design")

// letters name the factors; I is the identity's.
const letters = "ABCDEFGHJK"

// Word is a set of factors, bit i for factor i: a setting (which are on) or an
// effect (which make it).
type Word uint

// String writes the factors' letters; the empty word is I.
func (w Word) String() string {
	if w == 0 {
		return "I"
	}
	var b strings.Builder
	for i := range letters {
		if w&(1<<i) != 0 {
			b.WriteByte(letters[i])
		}
	}
	return b.String()
}

// Order is the number of the word's factors.
func (w Word) Order() int { return bits.OnesCount(uint(w)) }

// Design is a regular fraction. It is immutable; the zero value is none.
type Design struct {
	// K is the number of factors, P the number of times that half of the
	// settings were left out.
	K, P int
	// words are the generators as words of the defining relation.
	words []Word
}

// table holds, for each k, the generators: first the smallest design of
// resolution V or more, then the smallest of IV.
var table = map[int][2]string{
	6:  {"F=ABCDE", "E=ABC F=BCD"},
	7:  {"G=ABCDEF", "E=ABC F=BCD G=ACD"},
	8:  {"G=ABCD H=ABEF", "E=BCD F=ACD G=ABC H=ABD"},
	9:  {"H=ACDFG J=BCEFG", "F=BCDE G=ACDE H=ABDE J=ABCE"},
	10: {"H=ABCG J=BCDE K=ACDF", "F=ABCD G=ABCE H=ABDE J=ACDE K=BCDE"},
}

// Standard returns the smallest standard design of k factors that has at least
// the resolution, ResolutionIV or ResolutionV. Error: ErrNone.
func Standard(k, resolution int) (Design, error) {
	if k < MinFactors || k > MaxFactors {
		return Design{}, fmt.Errorf("%w: %d factors; accepted: %d to %d", ErrNone, k, MinFactors, MaxFactors)
	}
	switch resolution {
	case ResolutionV:
		return parse(k, table[k][0]), nil
	case ResolutionIV:
		return parse(k, table[k][1]), nil
	}
	return Design{}, fmt.Errorf("%w: resolution %d; accepted: %d, %d", ErrNone, resolution, ResolutionIV, ResolutionV)
}

// Measured returns the largest standard design of k factors of which every point
// is measured, and false if there is none.
func Measured(k int, measured func(Word) bool) (Design, bool) {
	for _, resolution := range []int{ResolutionV, ResolutionIV} {
		d, err := Standard(k, resolution)
		if err == nil && !slices.ContainsFunc(d.Points(), func(s Word) bool { return !measured(s) }) {
			return d, true
		}
	}
	return Design{}, false
}

// parse reads generators such as "E=ABC F=BCD".
func parse(k int, generators string) Design {
	d := Design{K: k}
	for _, g := range strings.Fields(generators) {
		var w Word
		for _, letter := range strings.Replace(g, "=", "", 1) {
			w |= 1 << strings.IndexRune(letters, letter)
		}
		d.words = append(d.words, w)
		d.P++
	}
	return d
}

// Has reports whether the setting is in the fraction.
func (d Design) Has(setting Word) bool {
	return !slices.ContainsFunc(d.words, func(w Word) bool { return (setting&w).Order()%2 != 0 })
}

// All is the setting with every factor on. It is not in every fraction.
func (d Design) All() Word { return 1<<d.K - 1 }

// Points are the 2^(K-P) settings, the baseline first.
func (d Design) Points() []Word {
	points := make([]Word, 0, 1<<(d.K-d.P))
	for s := range d.All() + 1 {
		if d.Has(s) {
			points = append(points, s)
		}
	}
	return points
}

// Relation is the defining relation without the identity: all products of the
// generators' words, shortest first.
func (d Design) Relation() []Word {
	words := []Word{0}
	for _, g := range d.words {
		for _, w := range words {
			words = append(words, w^g)
		}
	}
	words = words[1:]
	slices.SortFunc(words, byOrder)
	return words
}

// byOrder sorts words by length, then by their letters.
func byOrder(a, b Word) int {
	return cmp.Or(cmp.Compare(a.Order(), b.Order()), cmp.Compare(a.String(), b.String()))
}

// Resolution is the length of the shortest word of the defining relation.
func (d Design) Resolution() int { return d.Relation()[0].Order() }
