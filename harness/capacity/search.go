package capacity

import "math"

// Search looks for the highest rate that meets the objective: it asks for a
// rate (Rate) and is told what one trial at it came to (Tell). The zero value is
// of no use; it belongs to one goroutine.
type Search struct {
	bounds
	// low is the highest rate decided as met, high the lowest decided as not met;
	// 0 while there is none. low < high once there are both.
	low, high float64
	rate      float64 // that is being decided
	met, not  int     // its trials so far
	late      bool    // the generator was late in one of those that did not meet it
	// highLate is late of the trials that decided high.
	highLate bool
	trials   int // of all rates
	done     bool
}

// bounds are what a search may ask for.
type bounds struct {
	min, start, max float64
	// resolution ends the search at high/low <= 1+resolution.
	resolution float64
	repeats    int // the majority of so many trials decides a rate
}

func newSearch(b bounds) *Search { return &Search{bounds: b, rate: b.start} }

// Rate returns the rate of the next trial, in operations per second, and false
// if the search has ended.
func (s *Search) Rate() (rate float64, ok bool) { return s.rate, !s.done }

// Tell takes what one trial at Rate came to. late qualifies one that did not meet
// the objective: the generator may be the cause.
func (s *Search) Tell(met, late bool) {
	s.trials++
	if met {
		s.met++
	} else {
		s.not++
		s.late = s.late || late
	}
	majority := s.repeats/2 + 1
	switch {
	case s.met == majority:
		s.decide(true)
	case s.not == majority:
		s.decide(false)
	}
}

// stop ends the search with what it knows.
func (s *Search) stop() { s.done = true }

func (s *Search) decide(met bool) {
	if met {
		s.low = s.rate
	} else {
		s.high, s.highLate = s.rate, s.late
	}
	s.met, s.not, s.late = 0, 0, false
	switch {
	case s.high == 0 && s.low >= s.max, s.low == 0 && s.high <= s.min:
		s.stop()
	case s.high == 0:
		s.rate = min(2*s.low, s.max)
	case s.low == 0:
		s.rate = max(s.high/2, s.min)
	default:
		s.bisect()
	}
}

// bisect halves the bracket on the log scale.
func (s *Search) bisect() {
	s.rate = tidy(math.Sqrt(s.low * s.high))
	if s.high <= s.low*(1+s.resolution) || s.rate <= s.low || s.rate >= s.high {
		s.stop()
	}
}

// tidy rounds to four significant digits, finer than any accepted resolution:
// rates are part of names.
func tidy(rate float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(rate))-3)
	if unit < 1 {
		return math.Round(rate*math.Round(1/unit)) / math.Round(1/unit) // exact decimals
	}
	return math.Round(rate/unit) * unit
}

// left estimates how many trials are still to come, taking every rate for
// decided without a dissenting vote.
func (s *Search) left() int {
	if s.done {
		return 0
	}
	low, high := s.low, s.high
	steps := 0
	if high == 0 { // a guess: two more doublings
		low = max(low, s.rate/2)
		high, steps = 4*low, 2
	} else if low == 0 {
		low, steps = high/4, 2
	}
	halvings := math.Log2(math.Log(high/low) / math.Log(1+s.resolution))
	steps += max(1, int(math.Ceil(halvings)))
	return max(1, steps*(s.repeats/2+1)-s.met-s.not)
}
